/**
 * Names for numbers whose meaning depends on where they stand: the second argument of prctl is a
 * capability after PR_CAPBSET_DROP and a signal after PR_SET_PDEATHSIG. Families of flags that a
 * program names itself are in src/libc/flags.ts.
 */
import { capabilityName } from '../libc/capabilities.ts';
import { flagNames, PR, PR_CAP_AMBIENT_OP } from '../libc/flags.ts';
import type { Call } from '../runc/program/step.ts';

type Namer = (value: bigint, call?: Call) => string | undefined;

const oneOf =
  (names: Record<string, bigint>): Namer =>
  (value) =>
    Object.entries(names).find(([, n]) => n === value)?.[0];

const integer = (call: Call | undefined, index: number): number | undefined => {
  const arg = call?.args[index];
  return arg?.kind === 'int' ? Number(arg.value) : undefined;
};

const infinite = oneOf({ RLIM64_INFINITY: (1n << 64n) - 1n });

/** include/uapi/linux/securebits.h */
const SECUREBITS = ['SECBIT_NOROOT', 'SECBIT_NOROOT_LOCKED', 'SECBIT_NO_SETUID_FIXUP', 'SECBIT_NO_SETUID_FIXUP_LOCKED', 'SECBIT_KEEP_CAPS'];

function prctlSecond(value: bigint, call?: Call): string | undefined {
  switch (integer(call, 0)) {
    case PR.PR_CAPBSET_DROP:
    case PR.PR_CAPBSET_READ:
      return capabilityName(Number(value));
    case PR.PR_SET_PDEATHSIG:
      return flagNames('SIGNALS', value);
    case PR.PR_CAP_AMBIENT:
      return flagNames('PR_CAP_AMBIENT_OP', value);
    case PR.PR_SET_DUMPABLE:
      return value === 0n ? 'SUID_DUMP_DISABLE' : undefined;
    case PR.PR_SET_SECUREBITS:
      return SECUREBITS.filter((_, bit) => value & (1n << BigInt(bit))).join('|') || undefined;
    default:
      return undefined;
  }
}

const prctlThird: Namer = (value, call) =>
  integer(call, 0) === PR.PR_CAP_AMBIENT && integer(call, 1) === PR_CAP_AMBIENT_OP.PR_CAP_AMBIENT_RAISE
    ? capabilityName(Number(value))
    : undefined;

/** By `call.argument` (counted from 0) or `struct.field`. */
const NAMERS: Record<string, Namer> = {
  'prctl.1': prctlSecond,
  'prctl.2': prctlThird,
  'close_range.1': oneOf({ '~0U': 0xffffffffn }),
  'statx.3': oneOf({ STATX_BASIC_STATS: 0x7ffn }),
  'fcntl.1': oneOf({ F_DUPFD: 0n, F_GETFD: 1n, F_SETFD: 2n, F_GETFL: 3n, F_SETFL: 4n, F_DUPFD_CLOEXEC: 1030n }),
  'fcntl.2': (value, call) => (integer(call, 1) === 2 && value === 1n ? 'FD_CLOEXEC' : undefined),
  'sendmsg.2': oneOf({ MSG_NOSIGNAL: 0x4000n }),
  'sendmmsg.3': oneOf({ MSG_NOSIGNAL: 0x4000n }),
  'rlimit.rlim_cur': infinite,
  'rlimit.rlim_max': infinite,
  '__user_cap_header_struct.version': oneOf({ _LINUX_CAPABILITY_VERSION_3: 0x20080522n }),
  'cmsghdr.cmsg_level': oneOf({ SOL_SOCKET: 1n }),
  'cmsghdr.cmsg_type': oneOf({ SCM_RIGHTS: 1n }),
  'bpf_attr.prog_type': oneOf({ BPF_PROG_TYPE_CGROUP_DEVICE: 15n }),
  'bpf_attr.attach_type': oneOf({ BPF_CGROUP_DEVICE: 6n }),
  'bpf_attr.attach_flags': oneOf({ BPF_F_ALLOW_OVERRIDE: 1n, BPF_F_ALLOW_MULTI: 2n, BPF_F_REPLACE: 4n }),
};

/** The name of a value at a place in a call or struct; undefined when the place gives it none. */
export function constantName(owner: Call | string, place: number | string, value: bigint): string | undefined {
  const name = typeof owner === 'string' ? owner : owner.name;
  return NAMERS[`${name}.${place}`]?.(value, typeof owner === 'string' ? undefined : owner);
}

/** Calls with a fixed number of words of which few are used: how many to show at least. */
export const TRIMMED: Record<string, (call: Call) => number> = {
  clone: () => 1,
  prctl: (call) => {
    if (integer(call, 0) === PR.PR_CAP_AMBIENT && integer(call, 1) === PR_CAP_AMBIENT_OP.PR_CAP_AMBIENT_RAISE) return 3;
    return 2;
  },
  sendto: () => 4,
  recvfrom: () => 4,
};
