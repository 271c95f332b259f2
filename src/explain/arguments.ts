/** A call's arguments one by one, for a table: name, number, meaning. */
import type { Arg, Call, Field } from '../runc/program/step.ts';
import { constantName } from './constants.ts';
import { showArg } from './decode.ts';

export interface ArgumentRow {
  /** The parameter's name in the manual page; `how.resolve` for a field of a struct. */
  name: string;
  /** The word that the kernel gets, as a number where it is one. */
  raw: string;
  decoded: string;
}

/** Parameter names, as the manual pages have them. */
const PARAMETERS: Record<string, string> = {
  clone: 'flags stack parent_tid child_tid tls',
  clone3: 'cl_args size',
  unshare: 'flags',
  setns: 'fd nstype',
  waitid: 'idtype id infop options',
  execve: 'pathname argv envp',
  run_hook: 'path argv environment timeout input namespaces cwd',
  sethostname: 'name len',
  setdomainname: 'name len',
  openat: 'dirfd pathname flags mode',
  openat2: 'dirfd pathname how size',
  accept4: 'sockfd addr addrlen flags',
  close: 'fd',
  write: 'fd buf count',
  memfd_create: 'name flags',
  dup3: 'oldfd newfd flags',
  fcntl: 'fd op arg',
  mkdirat: 'dirfd pathname mode',
  mknodat: 'dirfd pathname mode dev',
  symlinkat: 'target newdirfd linkpath',
  unlinkat: 'dirfd pathname flags',
  fchownat: 'dirfd pathname owner group flags',
  fchmodat: 'dirfd pathname mode',
  fchown: 'fd owner group',
  chdir: 'path',
  fchdir: 'fd',
  getcwd: 'buf size',
  umask: 'mask',
  statx: 'dirfd pathname flags mask statxbuf',
  fstatfs: 'fd buf',
  close_range: 'first last flags',
  mount: 'source target filesystemtype mountflags data',
  umount2: 'target flags',
  pivot_root: 'new_root put_old',
  chroot: 'path',
  open_tree: 'dirfd pathname flags',
  move_mount: 'from_dirfd from_pathname to_dirfd to_pathname flags',
  mount_setattr: 'dirfd pathname flags attr size',
  fsopen: 'fsname flags',
  fsconfig: 'fd cmd key value aux',
  fsmount: 'fd flags attr_flags',
  prctl: 'op arg2 arg3 arg4 arg5',
  setgroups: 'size list',
  setresgid: 'rgid egid sgid',
  setresuid: 'ruid euid suid',
  capset: 'header data',
  prlimit: 'pid resource new_limit old_limit',
  personality: 'persona',
  ioprio_set: 'which who ioprio',
  sched_setattr: 'pid attr flags',
  seccomp: 'operation flags args',
  keyctl: 'operation name',
  kill: 'pid sig',
  ioctl: 'fd op argument',
  socket: 'domain type protocol',
  sendto: 'sockfd buf size flags dest_addr addrlen',
  recvfrom: 'sockfd buf size flags src_addr addrlen',
  sendmsg: 'sockfd msg flags',
  sendmmsg: 'sockfd msgvec vlen flags',
  readlinkat: 'dirfd pathname buf bufsiz',
  pread64: 'fd buf count offset',
  bpf: 'cmd attr size',
  sched_setaffinity: 'pid cpusetsize mask',
  set_mempolicy: 'mode nodemask maxnode',
  setpriority: 'which who prio',
};

function rawNumber(value: bigint, family?: string): string {
  if (family === 'MODE') return `0${value.toString(8)}`;
  return value < 10n ? value.toString() : `${value} = 0x${value.toString(16)}`;
}

function raw(arg: Arg): string {
  switch (arg.kind) {
    case 'int':
      return rawNumber(BigInt(arg.value), arg.family);
    case 'null':
      return '0';
    case 'result':
      return 'known at run time';
    case 'text':
      return 'an address';
    case 'list':
      return `address of ${arg.items.length} addresses`;
    case 'data':
      return arg.hex.length > 32 ? `address of ${arg.hex.length / 2} bytes` : `address of ${arg.hex.replace(/..(?=.)/g, '$& ')}`;
    case 'buffer':
      return `address of ${arg.size} bytes`;
    case 'memory':
      return 'address of what an earlier step was told';
    case 'struct':
      return `address of struct ${arg.name}`;
  }
}

/** What is known of an earlier result, `/proc in the rootfs`; undefined when it is only a number. */
export type Meaning = (of: string) => string | undefined;

function decoded(arg: Arg, meaning: Meaning, place?: { call: Call; index: number }): string {
  if (arg.kind === 'buffer') return 'written by the kernel';
  const refs = arg.kind === 'result' ? [arg] : arg.kind === 'text' ? arg.parts.filter((p) => typeof p !== 'string') : [];
  const known = refs.map((r) => meaning(r.of)).filter((m) => m !== undefined);
  return showArg(arg, {}, place) + (known.length ? ` = ${known.join(', ')}` : '');
}

/** One row an argument; a struct has one more for each field. */
export function argumentRows(call: Call, meaning: Meaning = () => undefined): ArgumentRow[] {
  if (call.name === 'posix_spawn')
    return call.args.map((arg, i) => ({ name: `argv[${i}]`, raw: raw(arg), decoded: decoded(arg, meaning) }));
  if (call.name === 'sync_wait' || call.name === 'sync_signal')
    return call.args.map((arg) => ({ name: 'meeting point', raw: '', decoded: decoded(arg, meaning) }));
  const names = (PARAMETERS[call.name] ?? '').split(' ');
  return call.args.flatMap((arg, index) => {
    const name = names[index] || `argument ${index + 1}`;
    if (arg.kind !== 'struct') return [{ name, raw: raw(arg), decoded: decoded(arg, meaning, { call, index }) }];
    return [{ name, raw: raw(arg), decoded: '' }, ...fieldRows(name, arg.name, arg.fields, meaning)];
  });
}

function fieldRows(prefix: string, struct: string, fields: Field[], meaning: Meaning): ArgumentRow[] {
  return fields.flatMap((field) => {
    const name = `${prefix}.${field.name}`;
    if (field.value.kind === 'struct')
      return [{ name, raw: raw(field.value), decoded: '' }, ...fieldRows(name, field.value.name, field.value.fields, meaning)];
    const constant = field.value.kind === 'int' ? constantName(struct, field.name, BigInt(field.value.value)) : undefined;
    return [{ name, raw: raw(field.value), decoded: constant ?? decoded(field.value, meaning) }];
  });
}
