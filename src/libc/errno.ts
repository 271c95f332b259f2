/** errno numbers and names, as on x86-64 and arm64 (include/uapi/asm-generic/errno*.h). */
export const ERRNO: Record<string, number> = {
  EPERM: 1, ENOENT: 2, ESRCH: 3, EINTR: 4, EIO: 5, ENXIO: 6, E2BIG: 7, ENOEXEC: 8, EBADF: 9,
  ECHILD: 10, EAGAIN: 11, ENOMEM: 12, EACCES: 13, EFAULT: 14, ENOTBLK: 15, EBUSY: 16, EEXIST: 17,
  EXDEV: 18, ENODEV: 19, ENOTDIR: 20, EISDIR: 21, EINVAL: 22, ENFILE: 23, EMFILE: 24, ENOTTY: 25,
  ETXTBSY: 26, EFBIG: 27, ENOSPC: 28, ESPIPE: 29, EROFS: 30, EMLINK: 31, EPIPE: 32, EDOM: 33,
  ERANGE: 34, EDEADLK: 35, ENAMETOOLONG: 36, ENOLCK: 37, ENOSYS: 38, ENOTEMPTY: 39, ELOOP: 40,
  ENODATA: 61, EPROTO: 71, EBADMSG: 74, EOVERFLOW: 75, EUSERS: 87, ENOTSOCK: 88, EMSGSIZE: 90,
  EPROTONOSUPPORT: 93, EOPNOTSUPP: 95, EAFNOSUPPORT: 97, EADDRINUSE: 98, EADDRNOTAVAIL: 99,
  ENETDOWN: 100, ENETUNREACH: 101, ECONNRESET: 104, ENOBUFS: 105, EISCONN: 106, ENOTCONN: 107,
  ETIMEDOUT: 110, ECONNREFUSED: 111, EALREADY: 114, EINPROGRESS: 115, ESTALE: 116, EDQUOT: 122,
  ECANCELED: 125, EKEYEXPIRED: 127, EKEYREVOKED: 128,
}; // prettier-ignore

/** What the kernel means by it, in the words of strerror(3). */
const MEANING: Record<string, string> = {
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or directory',
  ESRCH: 'no such process',
  EINTR: 'interrupted system call',
  EIO: 'input/output error',
  ENXIO: 'no such device or address',
  E2BIG: 'argument list too long',
  ENOEXEC: 'exec format error',
  EBADF: 'bad file descriptor',
  EAGAIN: 'resource temporarily unavailable',
  ENOMEM: 'cannot allocate memory',
  EACCES: 'permission denied',
  EFAULT: 'bad address',
  EBUSY: 'device or resource busy',
  EEXIST: 'file exists',
  EXDEV: 'invalid cross-device link',
  ENODEV: 'no such device',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EINVAL: 'invalid argument',
  EMFILE: 'too many open files',
  ENOTTY: 'inappropriate ioctl for device',
  ETXTBSY: 'text file busy',
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
  EPIPE: 'broken pipe',
  ERANGE: 'numerical result out of range',
  ENAMETOOLONG: 'file name too long',
  ENOSYS: 'function not implemented',
  ELOOP: 'too many levels of symbolic links',
  EPROTO: 'protocol error',
  EOVERFLOW: 'value too large for defined data type',
  EUSERS: 'too many users',
  EOPNOTSUPP: 'operation not supported',
  EDQUOT: 'disk quota exceeded',
};

const NAMES = new Map(Object.entries(ERRNO).map(([name, n]) => [n, name]));

/** `2` → `ENOENT`; an unknown number → `errno 4095`. */
export const errnoName = (n: number): string => NAMES.get(n) ?? `errno ${n}`;

/** `ENOENT` → `no such file or directory`. */
export const errnoMeaning = (name: string): string => MEANING[name] ?? name;

/** A failed system call, with what was being done. */
export class SyscallError extends Error {
  readonly code: string;
  readonly errno: number;
  constructor(doing: string, errno: number) {
    const name = errnoName(errno);
    super(`${doing}: ${errnoMeaning(name)} (${name})`);
    this.name = 'SyscallError';
    this.code = name;
    this.errno = errno;
  }
}
