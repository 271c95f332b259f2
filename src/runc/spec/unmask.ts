/** What `--privileged` takes away: that which hides the host, or keeps it read-only. */
import type { Config } from './config.ts';

/** Nothing masked, no filter of system calls, /sys and the cgroups writable. Changes the config. */
export function unmask(config: Config): void {
  config.linux ??= {};
  const linux = config.linux;
  linux.maskedPaths = [];
  linux.readonlyPaths = [];
  delete linux.seccomp;
  delete config.process?.apparmorProfile;
  for (const mount of config.mounts ?? []) {
    if (mount.type === 'sysfs' || mount.type === 'cgroup') mount.options = (mount.options ?? []).filter((o) => o !== 'ro');
  }
}
