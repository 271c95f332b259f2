/** What a config asks for and this machine cannot do: said aloud before anything is made, never passed over. */
import { type Host, kernelAtLeast } from '../host/facts.ts';
import { usesNotify } from '../seccomp/notify.ts';
import type { Config } from '../spec/config.ts';
import { apparmorMissing } from './apparmor.ts';
import { intelRdtMissing } from './intel-rdt.ts';
import { netDevicesMissing } from './net-devices.ts';
import { selinuxMissing } from './selinux.ts';

/** One sentence for each. A protection that is silently left out is worse than none. */
export function unsupported(config: Config, host: Host): string[] {
  const { linux } = config;
  const found: (string | undefined)[] = [apparmorMissing(config, host), selinuxMissing(config, host)];
  found.push(intelRdtMissing(config, host));
  found.push(netDevicesMissing(config, host));
  const flag = 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV';
  if (linux?.seccomp?.flags?.includes(flag) && usesNotify(linux.seccomp) && !kernelAtLeast(host, 5, 19))
    found.push(`#/linux/seccomp/flags: ${flag} needs Linux 5.19 or later, this is ${host.kernel.join('.')}`);
  return found.filter((sentence) => sentence !== undefined);
}
