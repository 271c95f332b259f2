/**
 * Linux constants by their C names, grouped in families: compiler files use the values, the
 * narrator turns values back into names. Numbers are those of x86-64; `flatten` translates the
 * few O_* that differ on arm64. Source: include/uapi/linux/*.h, include/uapi/asm-generic/*.h.
 */
export const MS = {
  MS_RDONLY: 1, MS_NOSUID: 2, MS_NODEV: 4, MS_NOEXEC: 8, MS_SYNCHRONOUS: 16, MS_REMOUNT: 32,
  MS_MANDLOCK: 64, MS_DIRSYNC: 128, MS_NOSYMFOLLOW: 256, MS_NOATIME: 1024, MS_NODIRATIME: 2048,
  MS_BIND: 4096, MS_MOVE: 8192, MS_REC: 16384, MS_SILENT: 32768, MS_POSIXACL: 1 << 16,
  MS_UNBINDABLE: 1 << 17, MS_PRIVATE: 1 << 18, MS_SLAVE: 1 << 19, MS_SHARED: 1 << 20,
  MS_RELATIME: 1 << 21, MS_I_VERSION: 1 << 23, MS_STRICTATIME: 1 << 24, MS_LAZYTIME: 1 << 25,
} as const;

export const MNT = { MNT_FORCE: 1, MNT_DETACH: 2, MNT_EXPIRE: 4, UMOUNT_NOFOLLOW: 8 } as const;

export const MOUNT_ATTR = {
  MOUNT_ATTR_RDONLY: 1, MOUNT_ATTR_NOSUID: 2, MOUNT_ATTR_NODEV: 4, MOUNT_ATTR_NOEXEC: 8,
  MOUNT_ATTR_NOATIME: 0x10, MOUNT_ATTR_STRICTATIME: 0x20, MOUNT_ATTR__ATIME: 0x70,
  MOUNT_ATTR_NODIRATIME: 0x80, MOUNT_ATTR_IDMAP: 0x100000, MOUNT_ATTR_NOSYMFOLLOW: 0x200000,
} as const;

export const CLONE = {
  CLONE_NEWTIME: 0x80, CLONE_FS: 0x200, CLONE_PARENT: 0x8000, CLONE_NEWNS: 0x20000,
  CLONE_NEWCGROUP: 0x2000000, CLONE_NEWUTS: 0x4000000, CLONE_NEWIPC: 0x8000000,
  CLONE_NEWUSER: 0x10000000, CLONE_NEWPID: 0x20000000, CLONE_NEWNET: 0x40000000,
  CLONE_INTO_CGROUP: 0x200000000, SIGCHLD: 17,
} as const;

export const O = {
  O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_CREAT: 0o100, O_EXCL: 0o200, O_NOCTTY: 0o400,
  O_TRUNC: 0o1000, O_APPEND: 0o2000, O_NONBLOCK: 0o4000, O_DIRECTORY: 0o200000,
  O_NOFOLLOW: 0o400000, O_CLOEXEC: 0o2000000, O_PATH: 0o10000000,
} as const;

export const AT = {
  AT_SYMLINK_NOFOLLOW: 0x100, AT_REMOVEDIR: 0x200, AT_EMPTY_PATH: 0x1000, AT_RECURSIVE: 0x8000,
} as const;

export const OPEN_TREE = { OPEN_TREE_CLONE: 1, OPEN_TREE_CLOEXEC: 0o2000000, AT_EMPTY_PATH: 0x1000, AT_RECURSIVE: 0x8000 } as const;
export const MOVE_MOUNT = { MOVE_MOUNT_F_EMPTY_PATH: 4, MOVE_MOUNT_T_EMPTY_PATH: 0x40 } as const;

export const RESOLVE = {
  RESOLVE_NO_XDEV: 1, RESOLVE_NO_MAGICLINKS: 2, RESOLVE_NO_SYMLINKS: 4, RESOLVE_BENEATH: 8, RESOLVE_IN_ROOT: 0x10,
} as const;

export const S = { S_IFSOCK: 0o140000, S_IFREG: 0o100000, S_IFBLK: 0o060000, S_IFDIR: 0o040000, S_IFCHR: 0o020000, S_IFIFO: 0o010000 } as const;

export const PR = {
  PR_SET_PDEATHSIG: 1, PR_SET_DUMPABLE: 4, PR_SET_KEEPCAPS: 8, PR_CAPBSET_READ: 23, PR_CAPBSET_DROP: 24,
  PR_SET_SECUREBITS: 28, PR_SET_NO_NEW_PRIVS: 38, PR_CAP_AMBIENT: 47,
} as const;
export const PR_CAP_AMBIENT_OP = { PR_CAP_AMBIENT_RAISE: 2, PR_CAP_AMBIENT_CLEAR_ALL: 4 } as const;

export const CLOSE_RANGE = { CLOSE_RANGE_UNSHARE: 2, CLOSE_RANGE_CLOEXEC: 4 } as const;

export const RLIMIT = {
  RLIMIT_CPU: 0, RLIMIT_FSIZE: 1, RLIMIT_DATA: 2, RLIMIT_STACK: 3, RLIMIT_CORE: 4, RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6, RLIMIT_NOFILE: 7, RLIMIT_MEMLOCK: 8, RLIMIT_AS: 9, RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11, RLIMIT_MSGQUEUE: 12, RLIMIT_NICE: 13, RLIMIT_RTPRIO: 14, RLIMIT_RTTIME: 15,
} as const;

export const SECCOMP_OP = { SECCOMP_SET_MODE_FILTER: 1 } as const;
export const SECCOMP_FLAG = {
  SECCOMP_FILTER_FLAG_TSYNC: 1, SECCOMP_FILTER_FLAG_LOG: 2, SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_NEW_LISTENER: 8, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
} as const;

export const AF = { AF_UNIX: 1, AF_NETLINK: 16 } as const;
export const SOCK = { SOCK_RAW: 3, SOCK_CLOEXEC: 0o2000000 } as const;
export const NETLINK = { NETLINK_ROUTE: 0 } as const;

export const IOCTL = {
  TIOCSCTTY: 0x540e, TIOCSWINSZ: 0x5414, TIOCGPTN: 0x80045430, TIOCSPTLCK: 0x40045431, TIOCGPTPEER: 0x5441,
} as const;

export const KEYCTL = { KEYCTL_JOIN_SESSION_KEYRING: 1 } as const;
export const PER = { PER_LINUX: 0, PER_LINUX32: 8, ADDR_NO_RANDOMIZE: 0x40000 } as const;
export const SCHED = {
  SCHED_OTHER: 0, SCHED_FIFO: 1, SCHED_RR: 2, SCHED_BATCH: 3, SCHED_ISO: 4, SCHED_IDLE: 5, SCHED_DEADLINE: 6,
} as const;
export const SCHED_FLAG = {
  SCHED_FLAG_RESET_ON_FORK: 1, SCHED_FLAG_RECLAIM: 2, SCHED_FLAG_DL_OVERRUN: 4, SCHED_FLAG_KEEP_POLICY: 8,
  SCHED_FLAG_KEEP_PARAMS: 0x10, SCHED_FLAG_UTIL_CLAMP_MIN: 0x20, SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const;
export const IOPRIO = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;
export const IOPRIO_WHO = { IOPRIO_WHO_PROCESS: 1 } as const;
export const MPOL = {
  MPOL_DEFAULT: 0, MPOL_PREFERRED: 1, MPOL_BIND: 2, MPOL_INTERLEAVE: 3, MPOL_LOCAL: 4, MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
} as const;
export const MPOL_F = { MPOL_F_NUMA_BALANCING: 1 << 13, MPOL_F_RELATIVE_NODES: 1 << 14, MPOL_F_STATIC_NODES: 1 << 15 } as const;
export const FSCONFIG = { FSCONFIG_SET_STRING: 1, FSCONFIG_CMD_CREATE: 6 } as const;
export const MFD = { MFD_CLOEXEC: 1 } as const;
export const FSOPEN = { FSOPEN_CLOEXEC: 1 } as const;
export const FSMOUNT = { FSMOUNT_CLOEXEC: 1 } as const;
export const SIGNALS = {
  SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGILL: 4, SIGTRAP: 5, SIGABRT: 6, SIGBUS: 7, SIGFPE: 8, SIGKILL: 9,
  SIGUSR1: 10, SIGSEGV: 11, SIGUSR2: 12, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15, SIGSTKFLT: 16, SIGCHLD: 17,
  SIGCONT: 18, SIGSTOP: 19, SIGTSTP: 20, SIGTTIN: 21, SIGTTOU: 22, SIGURG: 23, SIGXCPU: 24, SIGXFSZ: 25,
  SIGVTALRM: 26, SIGPROF: 27, SIGWINCH: 28, SIGIO: 29, SIGPWR: 30, SIGSYS: 31,
} as const;

export const P = { P_ALL: 0, P_PID: 1 } as const;
export const WAIT = { WEXITED: 4, __WALL: 0x40000000 } as const;

export const BPF_CMD = { BPF_PROG_LOAD: 5, BPF_PROG_ATTACH: 8 } as const;

interface Family {
  names: Record<string, number>;
  /** Bits that are or-ed together, or one of a list of values. */
  bits: boolean;
  /** How zero is written when no name stands for it. */
  zero?: string;
}

/** The families that a program's integers name. */
export const FAMILIES: Record<string, Family> = {
  MS: { names: MS, bits: true }, MNT: { names: MNT, bits: true }, MOUNT_ATTR: { names: MOUNT_ATTR, bits: true },
  CLONE: { names: CLONE, bits: true }, O: { names: O, bits: true }, AT: { names: AT, bits: true },
  OPEN_TREE: { names: OPEN_TREE, bits: true }, MOVE_MOUNT: { names: MOVE_MOUNT, bits: true },
  RESOLVE: { names: RESOLVE, bits: true }, S: { names: S, bits: true }, PR: { names: PR, bits: false },
  PR_CAP_AMBIENT_OP: { names: PR_CAP_AMBIENT_OP, bits: false }, CLOSE_RANGE: { names: CLOSE_RANGE, bits: true },
  RLIMIT: { names: RLIMIT, bits: false }, SECCOMP_OP: { names: SECCOMP_OP, bits: false },
  SECCOMP_FLAG: { names: SECCOMP_FLAG, bits: true }, AF: { names: AF, bits: false }, SOCK: { names: SOCK, bits: true },
  NETLINK: { names: NETLINK, bits: false }, IOCTL: { names: IOCTL, bits: false }, KEYCTL: { names: KEYCTL, bits: false },
  PER: { names: PER, bits: true }, SCHED: { names: SCHED, bits: false }, SCHED_FLAG: { names: SCHED_FLAG, bits: true },
  IOPRIO_WHO: { names: IOPRIO_WHO, bits: false }, MPOL: { names: MPOL_F, bits: true },
  FSCONFIG: { names: FSCONFIG, bits: false }, FSOPEN: { names: FSOPEN, bits: true }, MFD: { names: MFD, bits: true },
  FSMOUNT: { names: FSMOUNT, bits: true }, SIGNALS: { names: SIGNALS, bits: false },
  BPF_CMD: { names: BPF_CMD, bits: false }, P: { names: P, bits: false }, WAIT: { names: WAIT, bits: true },
};

/**
 * The names of a value, as strace writes them: `MS_REC|MS_PRIVATE`, `RLIMIT_NOFILE`, `0`.
 * Families FD (descriptors) and MODE (octal) and OCTET values are the narrator's business.
 */
export function flagNames(familyName: string, value: bigint): string {
  const family = FAMILIES[familyName];
  if (!family) return value.toString();
  if (!family.bits) {
    const hit = Object.entries(family.names).find(([, n]) => BigInt(n >>> 0) === value || BigInt(n) === value);
    return hit ? hit[0] : value.toString();
  }
  const names: string[] = [];
  let rest = value;
  if (familyName === 'MPOL') {
    // The mode is a value in the low bits, the flags are bits above it.
    const mode = rest & 0xfffn;
    names.push(Object.entries(MPOL).find(([, n]) => BigInt(n) === mode)?.[0] ?? mode.toString());
    rest &= ~0xfffn;
  }
  if (familyName === 'O') {
    // The access mode is a value in two bits, not a bit set.
    const access = rest & 3n;
    rest &= ~3n;
    const path = (rest & BigInt(O.O_PATH)) !== 0n;
    if (!path || access) names.push(access === 0n ? 'O_RDONLY' : access === 1n ? 'O_WRONLY' : 'O_RDWR');
  }
  if (familyName === 'CLONE') {
    const exitSignal = rest & 0x7fn;
    if (exitSignal === 17n) rest &= ~0x7fn;
    for (const [name, n] of Object.entries(family.names)) {
      if (name === 'SIGCHLD' || !(rest & BigInt(n))) continue;
      names.push(name);
      rest &= ~BigInt(n);
    }
    if (exitSignal === 17n) names.push('SIGCHLD');
  } else if (familyName === 'S') {
    const type = rest & 0o170000n;
    const hit = Object.entries(S).find(([, n]) => BigInt(n) === type);
    if (hit) {
      names.push(hit[0]);
      rest &= ~0o170000n;
    }
    if (rest || !names.length) names.push(`0${rest.toString(8).padStart(3, '0')}`);
    return names.join('|');
  } else {
    for (const [name, n] of Object.entries(family.names)) {
      const bit = BigInt(n >>> 0);
      if (!bit || (bit & 3n && familyName === 'O')) continue;
      if ((rest & bit) !== bit) continue;
      names.push(name);
      rest &= ~bit;
    }
  }
  if (rest) names.push(`0x${rest.toString(16)}`);
  return names.join('|') || '0';
}
