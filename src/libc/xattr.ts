/**
 * Extended attributes, xattr(7). Names and values are byte strings, one character a byte.
 * All but the lists return the result of the call, or -errno.
 */
import { lastErrno, loadLibc } from './ffi.ts';

type Call = (...args: (number | bigint | Uint8Array | null)[]) => number;

function bound(declaration: string): Call {
  let found: Call | undefined;
  return (...args) => {
    found ??= loadLibc().func(declaration) as unknown as Call;
    const result = found(...args);
    return result < 0 ? -lastErrno() : result;
  };
}

const c = {
  fset: bound('int fsetxattr(int, const void *, const void *, size_t, int)'),
  lset: bound('int lsetxattr(const void *, const void *, const void *, size_t, int)'),
  lget: bound('long lgetxattr(const void *, const void *, void *, size_t)'),
  llist: bound('long llistxattr(const void *, void *, size_t)'),
};

const text = (bytes: string): Buffer => Buffer.from(`${bytes}\0`, 'latin1');
/** A file by its open folder and its name: the l… calls take paths only, and follow no link at the end. */
const pathIn = (folder: number, name: string): Buffer => text(`/proc/self/fd/${folder}/${name}`);

export const setXattrFd = (fd: number, name: string, value: string): number =>
  c.fset(fd, text(name), Buffer.from(value, 'latin1'), value.length, 0);
/** Of the link itself when it is one. */
export const setXattrAt = (folder: number, file: string, name: string, value: string): number =>
  c.lset(pathIn(folder, file), text(name), Buffer.from(value, 'latin1'), value.length, 0);

/** XATTR_SIZE_MAX and XATTR_LIST_MAX: no value, and no list of names, is longer. */
const LONGEST = 65_536;
let into: Buffer | undefined;

/** The value of one attribute of a file in an open folder, or -errno. `.` is the folder itself. */
export function getXattrAt(folder: number, file: string, name: string): string | number {
  into ??= Buffer.allocUnsafeSlow(LONGEST);
  const length = c.lget(pathIn(folder, file), text(name), into, LONGEST);
  return length < 0 ? length : into.toString('latin1', 0, length);
}

/** All attributes of a file in an open folder that may be read, by name. None where the file system has none. */
export function xattrsAt(folder: number, file: string): Map<string, string> {
  into ??= Buffer.allocUnsafeSlow(LONGEST);
  const length = c.llist(pathIn(folder, file), into, LONGEST);
  const found = new Map<string, string>();
  if (length <= 0) return found;
  for (const name of into
    .toString('latin1', 0, length - 1)
    .split('\0')
    .sort()) {
    const value = getXattrAt(folder, file, name);
    if (typeof value === 'string') found.set(name, value);
  }
  return found;
}
