/** Where a mount of config.json may go. */
import { posix } from 'node:path';
import type { Mount } from './config.ts';
import { Violation } from './shape.ts';

// biome-ignore format: a table
/** Files in /proc that lxcfs and the like replace by their own, and that decide nothing. */
export const REPLACEABLE_IN_PROC: ReadonlySet<string> = new Set([
  'cpuinfo', 'diskstats', 'loadavg', 'meminfo', 'slabinfo', 'stat', 'swaps', 'sys/crypto/fips_enabled',
  'sys/kernel/ns_last_pid', 'uptime',
]);

/**
 * Where nothing may be mounted: over the root itself, which it would hide, and in /proc, where a
 * runtime and its container read and write settings that another file would falsify
 * (CVE-2019-16884, CVE-2019-19921). The files that lxcfs replaces decide nothing.
 * @param bind it is a bind mount, or changes one that is there
 * @param at JSON pointer of the destination
 * @throws Violation
 */
export function checkDestination(mount: Mount, bind: boolean, at: string): void {
  const parts = posix.join('/', mount.destination).split('/').filter(Boolean);
  if (!parts.length) throw new Violation(at, mount.destination, 'a path below /');
  if (parts[0] !== 'proc') return;
  if (parts.length === 1) {
    if (!bind && mount.type !== 'proc') throw new Violation(at, mount.destination, 'a mount of type "proc", or a bind mount of a procfs');
  } else if (!REPLACEABLE_IN_PROC.has(parts.slice(1).join('/')))
    throw new Violation(
      at,
      mount.destination,
      `no path in /proc but ${[...REPLACEABLE_IN_PROC].join(', ')}: what lies there decides what is read and written as the kernel's settings`,
    );
}
