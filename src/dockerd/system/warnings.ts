/** What `docker info` warns of: limits that this kernel does not keep. In Docker's words. */
import type { KernelSupport } from '../host/facts.ts';

/** @param v2 whether containers are limited by cgroups of version 2 */
export function kernelWarnings(support: KernelSupport, v2: boolean): string[] {
  const missing: [boolean, string][] = [
    [!support.memory, 'No memory limit support'],
    [support.memory && !support.swap, 'No swap limit support'],
    // Version 2 has no such switch at all.
    [!v2 && support.memory && !support.oomKillDisable, 'No oom kill disable support'],
    [!support.cpuCfs, 'No cpu cfs quota support'],
    [!support.cpuCfs, 'No cpu cfs period support'],
    [!support.cpuShares, 'No cpu shares support'],
    [!support.cpuset, 'No cpuset support'],
    [!support.pids, 'No pids limit support'],
    [v2 && !support.blkioWeight, 'No io.weight support'],
    ...['read_bps', 'write_bps', 'read_iops', 'write_iops'].map((what): [boolean, string] => [
      !support.blkioThrottle,
      v2 ? `No io.max (${what.replace('read_', 'r').replace('write_', 'w')}) support` : `No blkio throttle.${what}_device support`,
    ]),
  ];
  return missing.filter(([is]) => is).map(([, text]) => `WARNING: ${text}`);
}
