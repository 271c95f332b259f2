/** Owner, mode, times and xattrs of what was unpacked, in the order in which they do not undo each other. */
import { chmodSync, constants } from 'node:fs';
import { chmodFd, chownAt, chownFd, closeAt, FAILED, O_CLOEXEC, O_PATH, openAt, setTimesAt, setTimesFd } from '../../libc/at.ts';
import { SyscallError } from '../../libc/errno.ts';
import { setXattrAt, setXattrFd } from '../../libc/xattr.ts';
import type { TarEntry, TarTime } from './tar-header.ts';
import { isReservedXattr } from './target.ts';

export interface Rules {
  /** Owners are set; only root can. */
  owners: boolean;
  /** Told what could not be set, and does not matter that much. */
  ignored: (what: string) => void;
}

const must = (doing: string, result: number): void => {
  if (result < 0) throw new SyscallError(doing, -result);
};

/** The later of both, as containerd has it: tar archives of old say nothing of the time of access. */
const accessed = ({ accessed: a, modified: m }: TarEntry): TarTime =>
  a && (a.seconds > m.seconds || (a.seconds === m.seconds && a.nanoseconds > m.nanoseconds)) ? a : m;

function setXattrs(entry: TarEntry, set: (name: string, value: string) => number, rules: Rules): void {
  for (const [name, value] of entry.xattrs) {
    if (isReservedXattr(name)) {
      rules.ignored(`the attribute ${name}: it belongs to the host`);
      continue;
    }
    const result = set(name, value);
    // Attributes of users exist for files and folders only, xattr(7).
    const special = result === FAILED.EPERM && name.startsWith('user.') && entry.type !== 'file' && entry.type !== 'folder';
    if (result === FAILED.EOPNOTSUPP || special) rules.ignored(`the attribute ${name}: the file system has none`);
    else must(`set the attribute ${name}`, result);
  }
}

function mustOwn(entry: TarEntry, result: number): void {
  const doing = `give it to user ${entry.uid}, group ${entry.gid}`;
  if (result !== FAILED.EINVAL) must(doing, result);
  else
    throw new Error(`${doing}: this user namespace has no such id (EINVAL). Give its owner more of them, in /etc/subuid and /etc/subgid`);
}

/** Of an open file or folder. `times: false` for a folder, whose time changes as long as files come into it. */
export function setAttributes(fd: number, entry: TarEntry, rules: Rules, times: boolean): void {
  if (rules.owners) mustOwn(entry, chownFd(fd, entry.uid, entry.gid));
  // After the owner and the data: the kernel takes capabilities away when those change.
  if (entry.xattrs.size > 0) setXattrs(entry, (name, value) => setXattrFd(fd, name, value), rules);
  // After the owner, which takes setuid and setgid away.
  must(`set the mode ${entry.mode.toString(8)}`, chmodFd(fd, entry.mode));
  if (times) must('set the times', setTimesFd(fd, accessed(entry), entry.modified));
}

/** Of what cannot be opened: links, devices, pipes. */
export function setAttributesAt(folder: number, name: string, entry: TarEntry, rules: Rules): void {
  if (rules.owners) mustOwn(entry, chownAt(folder, name, entry.uid, entry.gid));
  if (entry.xattrs.size > 0) setXattrs(entry, (key, value) => setXattrAt(folder, name, key, value), rules);
  if (entry.type !== 'symlink') {
    // Named by a descriptor: fchmodat(2) would follow a link (CVE-2021-32760).
    const fd = openAt(folder, name, O_PATH | constants.O_NOFOLLOW | O_CLOEXEC);
    must('open it', fd);
    try {
      chmodSync(`/proc/self/fd/${fd}`, entry.mode);
    } finally {
      closeAt(fd);
    }
  }
  setTimes(folder, name, entry);
}

export function setTimes(folder: number, name: string, entry: TarEntry): void {
  must('set the times', setTimesAt(folder, name, accessed(entry), entry.modified));
}
