/** Which capabilities a container gets unless asked otherwise. The table of all is src/libc/capabilities.ts. */
import { CAPABILITIES } from '../../libc/capabilities.ts';

/** What a container gets unless asked otherwise: Docker's choice of what ordinary services need. */
// biome-ignore format: a table
export const DEFAULT_CAPABILITIES = [
  'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_MKNOD', 'CAP_NET_RAW', 'CAP_SETGID',
  'CAP_SETUID', 'CAP_SETFCAP', 'CAP_SETPCAP', 'CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT', 'CAP_KILL', 'CAP_AUDIT_WRITE',
] as const;

/** Docker's order: ALL first, then what is dropped, then what is added. Names with `CAP_`, or `ALL`. */
export function capabilitiesAfter(current: readonly string[], add: readonly string[], drop: readonly string[]): string[] {
  const all = add.includes('ALL') ? CAPABILITIES : drop.includes('ALL') ? [] : current;
  const kept = all.filter((c) => !drop.includes(c));
  return [...new Set([...kept, ...add.filter((c) => c !== 'ALL')])];
}

/** The names of the bits of a capability set, as in /proc/PID/status (`CapBnd`). */
export const capabilitiesOf = (mask: bigint): string[] => CAPABILITIES.filter((_, n) => (mask >> BigInt(n)) & 1n);
