/**
 * Capabilities by number: `CAPABILITIES[21]` is `CAP_SYS_ADMIN`. Which power each one stands for:
 * capabilities(7). Source: include/uapi/linux/capability.h.
 */
export const CAPABILITIES: readonly string[] = [
  'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_DAC_READ_SEARCH', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_KILL', 'CAP_SETGID',
  'CAP_SETUID', 'CAP_SETPCAP', 'CAP_LINUX_IMMUTABLE', 'CAP_NET_BIND_SERVICE', 'CAP_NET_BROADCAST', 'CAP_NET_ADMIN',
  'CAP_NET_RAW', 'CAP_IPC_LOCK', 'CAP_IPC_OWNER', 'CAP_SYS_MODULE', 'CAP_SYS_RAWIO', 'CAP_SYS_CHROOT', 'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT', 'CAP_SYS_ADMIN', 'CAP_SYS_BOOT', 'CAP_SYS_NICE', 'CAP_SYS_RESOURCE', 'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG', 'CAP_MKNOD', 'CAP_LEASE', 'CAP_AUDIT_WRITE', 'CAP_AUDIT_CONTROL', 'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE', 'CAP_MAC_ADMIN', 'CAP_SYSLOG', 'CAP_WAKE_ALARM', 'CAP_BLOCK_SUSPEND', 'CAP_AUDIT_READ',
  'CAP_PERFMON', 'CAP_BPF', 'CAP_CHECKPOINT_RESTORE',
];

/** The first kernel whose header has each of the youngest ones has at least this many (Linux 3.16). */
const LEAST_COMPLETE = 38;

/** The name of one capability; a number that this table does not know is written as it is. */
export const capabilityName = (number: number): string => CAPABILITIES[number] ?? `${number}`;

/** The names of the capabilities in a set, lowest number first. */
export function capabilityNames(set: bigint): string[] {
  const names: string[] = [];
  for (let n = 0; n < 64; n++) if (set & (1n << BigInt(n))) names.push(capabilityName(n));
  return names;
}

/** `0`, `CAP_CHOWN|CAP_KILL`, or `all 41 capabilities` for a set without a gap that some kernel calls full. */
export function showCapabilities(set: bigint): string {
  if (set === 0n) return '0';
  const size = set.toString(2).length;
  if (size >= LEAST_COMPLETE && set === (1n << BigInt(size)) - 1n) return `all ${size} capabilities`;
  return capabilityNames(set).join('|');
}
