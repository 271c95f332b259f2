/**
 * The …at calls: files by a name in an open folder, so that nobody can put another folder, or a
 * link, under what was looked at before. All but `openInside` take single names, without a slash.
 *
 * Names are byte strings, one character a byte ("latin1"): a file's name need not be UTF-8.
 * All return the result of the call, or -errno.
 */
import { hostArch } from './fd.ts';
import { lastErrno, loadLibc } from './ffi.ts';
import { syscallNumber } from './syscalls.ts';

type Call = (...args: (number | bigint | Uint8Array | null)[]) => number;

/** A function of libc by its C declaration, bound when it is first called. */
function bound(declaration: string): Call {
  let found: Call | undefined;
  return (...args) => {
    found ??= loadLibc().func(declaration) as unknown as Call;
    const result = found(...args);
    return result < 0 ? -lastErrno() : result;
  };
}

const c = {
  openat: bound('int openat(int, const void *, int, unsigned int)'),
  close: bound('int close(int)'),
  mkdirat: bound('int mkdirat(int, const void *, unsigned int)'),
  mknodat: bound('int mknodat(int, const void *, unsigned int, uint64_t)'),
  symlinkat: bound('int symlinkat(const void *, int, const void *)'),
  renameat: bound('int renameat(int, const void *, int, const void *)'),
  linkat: bound('int linkat(int, const void *, int, const void *, int)'),
  unlinkat: bound('int unlinkat(int, const void *, int)'),
  fchown: bound('int fchown(int, unsigned int, unsigned int)'),
  fchownat: bound('int fchownat(int, const void *, unsigned int, unsigned int, int)'),
  fchmod: bound('int fchmod(int, unsigned int)'),
  utimensat: bound('int utimensat(int, const void *, const void *, int)'),
  futimens: bound('int futimens(int, const void *)'),
  readlinkat: bound('long readlinkat(int, const void *, void *, size_t)'),
  openat2: bound('long syscall(long, int, const void *, const void *, size_t)'),
};

const PATH_MAX = 4096;
/** Calls do not overlap and libc keeps no pointer: two buffers serve all of them. */
const first = Buffer.allocUnsafeSlow(PATH_MAX + 1);
const second = Buffer.allocUnsafeSlow(PATH_MAX + 1);

/** The C string of a byte string. Too long, it stays too long for the kernel: ENAMETOOLONG. */
function text(name: string, into: Buffer): Buffer {
  const length = into.write(name, 0, PATH_MAX, 'latin1');
  into[length] = 0;
  return into;
}

/** The failures that callers decide by, as results. */
export const FAILED = {
  EPERM: -1,
  ENOENT: -2,
  EAGAIN: -11,
  EEXIST: -17,
  EXDEV: -18,
  ENOTDIR: -20,
  EISDIR: -21,
  EINVAL: -22,
  ENOTEMPTY: -39,
  ELOOP: -40,
  EOPNOTSUPP: -95,
} as const; // prettier-ignore

/** Open flags that Node does not name; the others are those of fs.constants, as the machine has them. */
export const O_PATH = 0o10000000;
export const O_CLOEXEC = 0o2000000;

export const openAt = (folder: number, name: string, flags: number, mode = 0): number => c.openat(folder, text(name, first), flags, mode);
export const closeAt = (fd: number): number => c.close(fd);
export const makeFolderAt = (folder: number, name: string, mode: number): number => c.mkdirat(folder, text(name, first), mode);
/** `device` is a dev_t, see {@link deviceNumber}. */
export const makeNodeAt = (folder: number, name: string, mode: number, device: bigint): number =>
  c.mknodat(folder, text(name, first), mode, device);
export const linkSymbolicallyAt = (target: string, folder: number, name: string): number =>
  c.symlinkat(text(target, first), folder, text(name, second));
/** linkat(2) without AT_SYMLINK_FOLLOW: a link to a symbolic link is one to the link itself. */
export const linkAt = (oldFolder: number, oldName: string, folder: number, name: string): number =>
  c.linkat(oldFolder, text(oldName, first), folder, text(name, second), 0);
export const renameAt = (oldFolder: number, oldName: string, folder: number, name: string): number =>
  c.renameat(oldFolder, text(oldName, first), folder, text(name, second));
const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_NOFOLLOW = 0x100;
export const unlinkAt = (folder: number, name: string): number => c.unlinkat(folder, text(name, first), 0);
export const removeFolderAt = (folder: number, name: string): number => c.unlinkat(folder, text(name, first), AT_REMOVEDIR);
/** Of the link itself when it is one. */
export const chownAt = (folder: number, name: string, uid: number, gid: number): number =>
  c.fchownat(folder, text(name, first), uid, gid, AT_SYMLINK_NOFOLLOW);
export const chownFd = (fd: number, uid: number, gid: number): number => c.fchown(fd, uid, gid);
export const chmodFd = (fd: number, mode: number): number => c.fchmod(fd, mode);

/** A time as the kernel keeps it. `nanoseconds` is at least 0, also before 1970. */
export interface Timespec {
  seconds: number;
  nanoseconds: number;
}

const times = Buffer.alloc(32);
function timesOf(accessed: Timespec, modified: Timespec): Buffer {
  times.writeBigInt64LE(BigInt(accessed.seconds), 0);
  times.writeInt32LE(accessed.nanoseconds, 8);
  times.writeBigInt64LE(BigInt(modified.seconds), 16);
  times.writeInt32LE(modified.nanoseconds, 24);
  return times;
}
/** Of the link itself when it is one. */
export const setTimesAt = (folder: number, name: string, accessed: Timespec, modified: Timespec): number =>
  c.utimensat(folder, text(name, first), timesOf(accessed, modified), AT_SYMLINK_NOFOLLOW);
export const setTimesFd = (fd: number, accessed: Timespec, modified: Timespec): number => c.futimens(fd, timesOf(accessed, modified));

const target = Buffer.allocUnsafeSlow(PATH_MAX);
/** What a symbolic link says, or -errno. */
export function readLinkAt(folder: number, name: string): string | number {
  const length = c.readlinkat(folder, text(name, first), target, target.length);
  return length < 0 ? length : target.toString('latin1', 0, length);
}

const how = Buffer.alloc(24);
const MOST_TRIES = 100;
/**
 * openat2(2) of a path of any depth with RESOLVE_IN_ROOT: `root` is / for it, for `..` and for the
 * links on the way. Links of /proc are not followed.
 */
export function openInside(root: number, path: string, flags: number, noSymlinks = false): number {
  const RESOLVE_NO_MAGICLINKS = 2;
  const RESOLVE_NO_SYMLINKS = 4;
  const RESOLVE_IN_ROOT = 0x10;
  how.writeBigUInt64LE(BigInt(flags), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (noSymlinks ? RESOLVE_NO_SYMLINKS : 0)), 16);
  for (let tries = 1; ; tries++) {
    const result = c.openat2(syscallNumber('openat2', hostArch()), root, text(path, first), how, how.length);
    // Something was renamed during a `..`, openat2(2): to be tried again, but not for as long as somebody likes to rename.
    if (result !== FAILED.EAGAIN || tries === MOST_TRIES) return result;
  }
}

/** The dev_t of a device, as glibc's makedev(3) has it. */
export const deviceNumber = (major: number, minor: number): bigint => {
  const [a, b] = [BigInt(major), BigInt(minor)];
  return ((a & 0xfffff000n) << 32n) | ((a & 0xfffn) << 8n) | ((b & 0xffffff00n) << 12n) | (b & 0xffn);
};
