/** Kernel parameters that belong to one of the container's namespaces. */
import { O, RESOLVE } from '../../libc/flags.ts';
import { fstatfs, openat2, write } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { add, closeResult, type Draft, fresh, type Setting } from './draft.ts';
import { openInside } from './inside.ts';

const PROC_SUPER_MAGIC = 0x9fa0n;

/** `net.ipv4.ip_forward` → `sys/net/ipv4/ip_forward`; a name with slashes may have dots in its parts. */
export const sysctlPath = (name: string): string => `sys/${name.includes('/') ? name : name.replaceAll('.', '/')}`;

/**
 * Writes linux.sysctl through a descriptor of the container's /proc that was checked to be a
 * procfs, with links and mounts on the way refused: a write meant for /proc must not end up
 * anywhere else (CVE-2025-52881).
 */
export function compileSysctls(draft: Draft): void {
  const sysctls = Object.entries(draft.config.linux?.sysctl ?? {});
  if (sysctls.length === 0) return;
  const setting: Setting = { actor: 'init', chapter: 'identity', from: '#/linux/sysctl' };
  const proc = openInside(draft, setting, '/proc', { flags: O.O_PATH | O.O_DIRECTORY, strict: true });
  add(draft, {
    ...setting,
    call: fstatfs(ref(proc)),
    minor: true,
    expect: [
      {
        arg: 1,
        offset: 0,
        size: 8,
        mask: 0xffffffffn,
        equals: PROC_SUPER_MAGIC,
        otherwise: 'What is mounted at /proc in the container is no procfs, so kernel parameters cannot be set there.',
      },
    ],
    why: 'Make sure that it is a procfs, not something that was mounted over it (CVE-2025-52881).',
  });
  for (const [name, value] of sysctls) {
    const one: Setting = { ...setting, from: `#/linux/sysctl/${name.replaceAll('/', '~1')}` };
    const file = fresh(draft, 'sysctl');
    add(draft, {
      ...one,
      call: openat2(
        ref(proc),
        sysctlPath(name),
        O.O_WRONLY | O.O_CLOEXEC,
        RESOLVE.RESOLVE_BENEATH | RESOLVE.RESOLVE_NO_XDEV | RESOLVE.RESOLVE_NO_SYMLINKS | RESOLVE.RESOLVE_NO_MAGICLINKS,
      ),
      saves: file,
      why: `Set the kernel parameter ${name}. It belongs to one of the new namespaces, so the host's value stays as it is.`,
      man: 'sysctl(8)',
    });
    add(draft, { ...one, call: write(ref(file), value), minor: true, why: 'Write the value.' });
    closeResult(draft, one, ref(file));
  }
  closeResult(draft, setting, ref(proc));
}
