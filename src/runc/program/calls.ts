/**
 * The libc calls that programs are made of, one typed constructor each. Argument order is the
 * manual page's; flags name the family that decodes them for the reader.
 */
import { AF, BPF_CMD, CLONE, FSCONFIG, IOCTL, NETLINK, OPEN_TREE, P, SOCK } from '../../libc/flags.ts';
import {
  AT_FDCWD, buffer, data, type Fd, fd, i32, int, list, NULL, ptr, struct, type Text, text, textOrNull, u16, u32, u64,
} from './args.ts';
import type { Arg, Call, Field, Ref } from './step.ts';

const call = (name: string, ...args: Arg[]): Call => ({ name, args });
const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);
const mode = (value: number): Arg => int(value, 'MODE');

// Processes and namespaces
export const clone = (flags: number): Call => call('clone', int(flags, 'CLONE'), NULL, NULL, NULL, int(0));
/** @param cgroup a folder of version 2, in which the child is born; with CLONE_PARENT, the child's end is told as the caller's would be */
export const clone3 = (flags: number, cgroup: Fd): Call =>
  call(
    'clone3',
    struct('clone_args', [
      u64('flags', flags + CLONE.CLONE_INTO_CGROUP, 'CLONE'), u64('pidfd', 0), u64('child_tid', 0), u64('parent_tid', 0),
      u64('exit_signal', 0), u64('stack', 0), u64('stack_size', 0), u64('tls', 0), u64('set_tid', 0), u64('set_tid_size', 0),
      u64('cgroup', fd(cgroup)),
    ]),
    int(88),
  );
export const unshare = (flags: number): Call => call('unshare', int(flags, 'CLONE'));
export const setns = (descriptor: Fd, type: number): Call => call('setns', fd(descriptor), int(type, 'CLONE'));
export const execve = (path: string, argv: string[], env: string[]): Call => call('execve', text(path), list(argv), list(env));
export const setsid = (): Call => call('setsid');
/** Waits for a child; how it ended is not asked for. */
export const waitChild = (pid: Ref, options: number): Call => call('waitid', int(P.P_PID, 'P'), pid, NULL, int(options, 'WAIT'));
/** Runs another program and waits for it; the runtime's alone. */
/**
 * Runs a hook with the state on its standard input, and waits for it; the runtime's alone.
 * @param env null: the runtime's
 * @param timeout seconds, 0 for none
 * @param inside a process in whose namespaces it runs; null: the runtime's
 * @param cwd its working directory; null: the runtime's
 */
export const runHook = (path: string, argv: string[], env: string[] | null, timeout: number, state: Text, inside: Ref | null, cwd: string | null): Call =>
  call('run_hook', text(path), list(argv), env ? list(env) : NULL, int(timeout), text(state), inside ?? NULL, textOrNull(cwd));
export const runProgram = (...argv: Text[]): Call => call('posix_spawn', ...argv.map(text));

// Identity
export const sethostname = (name: string): Call => call('sethostname', data(utf8(name), JSON.stringify(name)), int(utf8(name).length));
export const setdomainname = (name: string): Call => call('setdomainname', data(utf8(name), JSON.stringify(name)), int(utf8(name).length));

// Files
export const openat = (dir: Fd, path: Text, flags: number, m?: number): Call =>
  call('openat', fd(dir), text(path), int(flags, 'O'), ...(m === undefined ? [] : [mode(m)]));
export const open = (path: Text, flags: number): Call => openat(AT_FDCWD, path, flags);
export const openat2 = (dir: Fd, path: Text, flags: number, resolve: number): Call =>
  call(
    'openat2', fd(dir), text(path),
    struct('open_how', [u64('flags', flags, 'O'), u64('mode', 0), u64('resolve', resolve, 'RESOLVE')]),
    int(24),
  );
export const accept4 = (descriptor: Fd): Call => call('accept4', fd(descriptor), NULL, NULL, int(SOCK.SOCK_CLOEXEC, 'SOCK'));
export const close = (descriptor: Fd): Call => call('close', fd(descriptor));
export const write = (descriptor: Fd, value: string): Call =>
  call('write', fd(descriptor), data(utf8(value), JSON.stringify(value)), int(utf8(value).length));
/** The first bytes of a text, which may hold results and be longer. */
export const writeStart = (descriptor: Fd, value: Text, size: number): Call => call('write', fd(descriptor), text(value), int(size));
/** @param name of the buffer that gets the bytes, for later steps */
export const pread = (descriptor: Fd, size: number, name: string): Call =>
  call('pread64', fd(descriptor), buffer(size, name), int(size), int(0));
/** Close-on-exec (MFD_CLOEXEC, 1). */
export const memfdCreate = (name: string): Call => call('memfd_create', text(name), int(1, 'MFD'));
export const dup3 = (from: Fd, to: number): Call => call('dup3', fd(from), int(to, 'FD'), int(0, 'O'));
export const fcntl = (descriptor: Fd, command: number, value: number): Call => call('fcntl', fd(descriptor), int(command), int(value));
export const mkdirat = (dir: Fd, path: Text, m: number): Call => call('mkdirat', fd(dir), text(path), mode(m));
export const mknodat = (dir: Fd, path: string, typeAndMode: number, device: number): Call =>
  call('mknodat', fd(dir), text(path), int(typeAndMode, 'S'), int(device, 'DEV'));
export const symlinkat = (target: string, dir: Fd, path: string): Call => call('symlinkat', text(target), fd(dir), text(path));
export const unlinkat = (dir: Fd, path: string, flags: number): Call => call('unlinkat', fd(dir), text(path), int(flags, 'AT'));
export const fchownat = (dir: Fd, path: string, uid: number, gid: number, flags: number): Call =>
  call('fchownat', fd(dir), text(path), int(uid), int(gid), int(flags, 'AT'));
export const fchmodat = (dir: Fd, path: string, m: number): Call => call('fchmodat', fd(dir), text(path), mode(m));
export const fchown = (descriptor: Fd, uid: number, gid: number): Call => call('fchown', fd(descriptor), int(uid), int(gid));
export const chdir = (path: string): Call => call('chdir', text(path));
export const fchdir = (descriptor: Fd): Call => call('fchdir', fd(descriptor));
export const getcwd = (): Call => call('getcwd', buffer(4096), int(4096));
export const umask = (m: number): Call => call('umask', mode(m));
/** @param name of the buffer that gets the text, for later steps; the result is its length */
export const readlinkat = (dir: Fd, path: Text, size: number, name: string): Call =>
  call('readlinkat', fd(dir), text(path), buffer(size, name), int(size));
/** struct stat lands in argument 2; its layout differs by architecture, so programs check statx. */
export const statx = (dir: Fd, path: Text, flags: number): Call =>
  call('statx', fd(dir), text(path), int(flags, 'AT'), int(0x7ff), buffer(256));
export const fstatfs = (descriptor: Fd): Call => call('fstatfs', fd(descriptor), buffer(120));
export const closeRange = (first: number, flags: number): Call =>
  call('close_range', int(first, 'FD'), int(0xffffffffn), int(flags, 'CLOSE_RANGE'));

// Mounts
export const mount = (source: Text | null, target: Text, type: string | null, flags: number, options: string | null): Call =>
  call('mount', textOrNull(source), text(target), textOrNull(type), int(flags, 'MS'), textOrNull(options));
export const umount2 = (target: Text, flags: number): Call => call('umount2', text(target), int(flags, 'MNT'));
export const pivotRoot = (newRoot: string, putOld: string): Call => call('pivot_root', text(newRoot), text(putOld));
export const chroot = (path: string): Call => call('chroot', text(path));
export const openTree = (dir: Fd, path: Text, flags: number): Call =>
  call('open_tree', fd(dir), text(path), int(flags | OPEN_TREE.OPEN_TREE_CLOEXEC, 'OPEN_TREE'));
export const moveMount = (from: Fd, to: Fd, flags: number): Call =>
  call('move_mount', fd(from), text(''), fd(to), text(''), int(flags, 'MOVE_MOUNT'));
export const mountSetattr = (
  dir: Fd,
  flags: number,
  attr: { set: number; clear: number; propagation?: number; userns?: Ref },
): Call =>
  call(
    'mount_setattr', fd(dir), text(''), int(flags, 'AT'),
    struct('mount_attr', [
      u64('attr_set', attr.set, 'MOUNT_ATTR'), u64('attr_clr', attr.clear, 'MOUNT_ATTR'),
      u64('propagation', attr.propagation ?? 0, 'MS'), u64('userns_fd', attr.userns ?? 0),
    ]),
    int(32),
  );
export const fsopen = (type: string): Call => call('fsopen', text(type), int(1, 'FSOPEN'));
/** Makes the file system that a context of {@link fsopen} describes. */
export const fsconfigCreate = (context: Ref): Call =>
  call('fsconfig', context, int(FSCONFIG.FSCONFIG_CMD_CREATE, 'FSCONFIG'), NULL, NULL, int(0));
export const fsmount = (context: Ref, attributes: number): Call => call('fsmount', context, int(1, 'FSMOUNT'), int(attributes, 'MOUNT_ATTR'));

// Privileges
export const prctl = (option: number, ...values: (number | Arg)[]): Call =>
  call('prctl', int(option, 'PR'), ...[0, 1, 2, 3].map((i) => {
    const value = values[i] ?? 0;
    return typeof value === 'number' ? int(value) : value;
  }));
export const setgroups = (groups: number[]): Call => {
  const bytes = Buffer.alloc(4 * groups.length);
  groups.forEach((g, i) => {
    bytes.writeUInt32LE(g, 4 * i);
  });
  return call('setgroups', int(groups.length), groups.length ? data(bytes, `[${groups.join(', ')}]`) : NULL);
};
export const setresgid = (gid: number): Call => call('setresgid', int(gid), int(gid), int(gid));
export const setresuid = (uid: number): Call => call('setresuid', int(uid), int(uid), int(uid));
export const capset = (effective: bigint, permitted: bigint, inheritable: bigint): Call => {
  const low = (set: bigint) => Number(set & 0xffffffffn);
  const high = (set: bigint) => Number(set >> 32n);
  return call(
    'capset',
    struct('__user_cap_header_struct', [u32('version', 0x20080522), i32('pid', 0)]),
    struct('__user_cap_data_struct[2]', [
      u32('effective', low(effective), 'CAP'), u32('permitted', low(permitted), 'CAP'), u32('inheritable', low(inheritable), 'CAP'),
      u32('effective_high', high(effective), 'CAP_HIGH'), u32('permitted_high', high(permitted), 'CAP_HIGH'),
      u32('inheritable_high', high(inheritable), 'CAP_HIGH'),
    ]),
  );
};
export const prlimit = (resource: number, soft: bigint, hard: bigint): Call =>
  call('prlimit', int(0), int(resource, 'RLIMIT'), struct('rlimit', [u64('rlim_cur', soft), u64('rlim_max', hard)]), NULL);
export const personality = (domain: number): Call => call('personality', int(domain, 'PER'));
export const ioprioSet = (classAndLevel: number): Call => call('ioprio_set', int(1, 'IOPRIO_WHO'), int(0), int(classAndLevel, 'IOPRIO'));
export const schedSetattr = (a: { policy: number; flags: number; nice: number; priority: number; runtime: bigint; deadline: bigint; period: bigint }): Call =>
  call(
    'sched_setattr', int(0),
    struct('sched_attr', [
      u32('size', 56), u32('sched_policy', a.policy, 'SCHED'), u64('sched_flags', a.flags, 'SCHED_FLAG'), i32('sched_nice', a.nice),
      u32('sched_priority', a.priority), u64('sched_runtime', a.runtime), u64('sched_deadline', a.deadline), u64('sched_period', a.period),
      // Of the second version of the struct (Linux 5.3), which the flags for them need; the specification has no values.
      u32('sched_util_min', 0), u32('sched_util_max', 0),
    ]),
    int(0),
  );
/** @param nodes a bit mask in whole 64-bit words; undefined: no nodes */
export const setMempolicy = (modeAndFlags: number, nodes: Uint8Array | undefined, shows: string): Call =>
  // The kernel looks at one bit less than it is told (set_mempolicy(2), "BUGS").
  call('set_mempolicy', int(modeAndFlags, 'MPOL'), nodes ? data(nodes, `[${shows}]`) : NULL, int(nodes ? 8 * nodes.length + 1 : 0));
/** @param processors a bit mask in whole 64-bit words */
export const schedSetaffinity = (pid: number, processors: Uint8Array, shows: string): Call =>
  call('sched_setaffinity', int(pid), int(processors.length), data(processors, `[${shows}]`));
/** @param filter a compiled classic-BPF program: 8 bytes an instruction */
export const seccompFilter = (filter: Uint8Array, flags: number): Call =>
  call(
    'seccomp', int(1, 'SECCOMP_OP'), int(flags, 'SECCOMP_FLAG'),
    struct('sock_fprog', [u16('len', filter.length / 8), ptr('filter', data(filter, `${filter.length / 8} BPF instructions`))]),
  );
export const joinSessionKeyring = (name: string): Call => call('keyctl', int(1, 'KEYCTL'), text(name));
export const kill = (pid: Ref, signal: number): Call => call('kill', pid, int(signal, 'SIGNALS'));

// Terminals and sockets
export const ioctl = (descriptor: Fd, request: keyof typeof IOCTL, arg: Arg): Call =>
  call('ioctl', fd(descriptor), int(IOCTL[request], 'IOCTL'), arg);
export const routeSocket = (): Call =>
  call('socket', int(AF.AF_NETLINK, 'AF'), int(SOCK.SOCK_RAW | SOCK.SOCK_CLOEXEC, 'SOCK'), int(NETLINK.NETLINK_ROUTE, 'NETLINK'));
export const send = (descriptor: Fd, message: Uint8Array, shows: string): Call =>
  call('sendto', fd(descriptor), data(message, shows), int(message.length), int(0), NULL, int(0));
export const receive = (descriptor: Fd, size: number): Call => call('recvfrom', fd(descriptor), buffer(size), int(size), int(0), NULL, NULL);
/** @param name of the buffer that gets the message, for later steps */
export const receiveInto = (descriptor: Fd, size: number, name: string): Call =>
  call('recvfrom', fd(descriptor), buffer(size, name), int(size), int(0), NULL, NULL);
export const sendBytes = (descriptor: Fd, message: Arg, length: number): Call =>
  call('sendto', fd(descriptor), message, int(length), int(0), NULL, int(0));
/** One message of several pieces. */
export const sendIov = (socket: Fd, pieces: Piece[]): Call =>
  call(
    'sendmsg', fd(socket),
    struct('msghdr', [
      ptr('msg_name', NULL), u64('msg_namelen', 0), ...iov(pieces), ptr('msg_control', NULL), u64('msg_controllen', 0), i32('msg_flags', 0),
    ]),
    int(0),
  );
/** Who is not there any more is an error, not a signal. */
const MSG_NOSIGNAL = 0x4000;
/** Hands an open descriptor to the process at the other end of a unix socket (SCM_RIGHTS, unix(7)). */
export const sendDescriptor = (socket: Fd, descriptor: Ref, payload: string): Call =>
  call(
    'sendmsg', fd(socket),
    struct('msghdr', [
      ptr('msg_name', NULL), u64('msg_namelen', 0),
      ptr('msg_iov', struct('iovec', [ptr('iov_base', text(payload)), u64('iov_len', payload.length)])), u64('msg_iovlen', 1),
      ptr('msg_control', struct('cmsghdr', [
        u64('cmsg_len', 20), i32('cmsg_level', 1), i32('cmsg_type', 1), { name: 'fd', type: 'i32', value: descriptor }, u32('padding', 0),
      ])),
      u64('msg_controllen', 24), i32('msg_flags', 0),
    ]),
    int(MSG_NOSIGNAL),
  );
/** Bytes and how many of them are sent. */
export type Piece = [bytes: Arg, length: number | Ref];
const iov = (pieces: Piece[]): Field[] => [
  ptr('msg_iov', struct(`iovec[${pieces.length}]`, pieces.flatMap(([bytes, length], i) => [ptr(`iov_base_${i}`, bytes), u64(`iov_len_${i}`, length)]))),
  u64('msg_iovlen', pieces.length),
];
/** A message of several pieces, and a descriptor with it, by sendmsg(2) or, where that is not possible, sendmmsg(2). */
export const sendPieces = (name: 'sendmsg' | 'sendmmsg', socket: Fd, descriptor: Ref, pieces: Piece[]): Call => {
  const header: Field[] = [
    ptr('msg_name', NULL), u64('msg_namelen', 0),
    ...iov(pieces),
    ptr('msg_control', struct('cmsghdr', [
      u64('cmsg_len', 20), i32('cmsg_level', 1), i32('cmsg_type', 1), { name: 'fd', type: 'i32', value: descriptor }, u32('padding', 0),
    ])),
    u64('msg_controllen', 24), i32('msg_flags', 0),
  ];
  return name === 'sendmsg'
    ? call('sendmsg', fd(socket), struct('msghdr', header), int(MSG_NOSIGNAL))
    : call('sendmmsg', fd(socket), struct('mmsghdr', [...header, u32('padding', 0), u32('msg_len', 0)]), int(1), int(MSG_NOSIGNAL));
};

// eBPF
/** Loads a device-cgroup program; `instructions` are 8 bytes each. */
export const bpfProgLoad = (instructions: Uint8Array, type: number): Call =>
  call(
    'bpf', int(BPF_CMD.BPF_PROG_LOAD, 'BPF_CMD'),
    struct('bpf_attr', [
      u32('prog_type', type), u32('insn_cnt', instructions.length / 8),
      ptr('insns', data(instructions, `${instructions.length / 8} eBPF instructions`)), ptr('license', text('Apache')),
      u32('log_level', 0), u32('log_size', 0), ptr('log_buf', NULL), u32('kern_version', 0), u32('prog_flags', 0),
    ]),
    int(48),
  );
export const bpfProgAttach = (target: Fd, program: Ref, type: number, flags: number): Call =>
  call(
    'bpf', int(BPF_CMD.BPF_PROG_ATTACH, 'BPF_CMD'),
    struct('bpf_attr', [
      { name: 'target_fd', type: 'u32', value: fd(target) }, { name: 'attach_bpf_fd', type: 'u32', value: program },
      u32('attach_type', type), u32('attach_flags', flags),
    ]),
    int(16),
  );
