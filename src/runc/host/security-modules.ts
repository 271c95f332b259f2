/** Which of the kernel's security modules are switched on. */
import { existsSync, readFileSync } from 'node:fs';

/** AppArmor: the module says whether it is on, and its folder shows that it can be asked. */
export function apparmorEnabled(): boolean {
  try {
    return readFileSync('/sys/module/apparmor/parameters/enabled', 'latin1').startsWith('Y') && existsSync('/sys/kernel/security/apparmor');
  } catch {
    return false;
  }
}

/** SELinux: its file system is mounted where a policy is loaded (selinux(8)). */
export const selinuxEnabled = (): boolean => existsSync('/sys/fs/selinux/enforce');
