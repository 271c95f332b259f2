/**
 * Reading files of a root filesystem from outside of it.
 *
 * An image decides what its /etc/passwd is: it may be a symbolic link to /etc/shadow of the host,
 * a pipe that never ends, or a file of many gigabytes. openat2(2) with RESOLVE_IN_ROOT takes every
 * link, absolute ones and `..` too, as a process chrooted into the folder would, without races.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { SyscallError } from '../../libc/errno.ts';
import { call } from '../../libc/fd.ts';
import { addressOf, cstring, must } from '../../libc/ffi.ts';
import { O, RESOLVE } from '../../libc/flags.ts';

const LARGEST = 16 * 1024 * 1024;
/** asm/fcntl.h of arm64 exchanges some O_* values; those used here are the same everywhere. */
const READ_SAFELY = O.O_RDONLY | O.O_CLOEXEC | O.O_NONBLOCK;
const NOT_THERE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO']);

/**
 * The text of a regular file inside `root`, or undefined when there is none (or it may not be read).
 * @param root absolute path of the root filesystem
 * @param path path inside it, as `/etc/passwd`
 * @throws Error when the file is larger than 16 MiB; SyscallError for failures that mean something is broken
 */
export function readInside(root: string, path: string): string | undefined {
  if (process.platform !== 'linux') return readElsewhere(root, path);
  let folder: number | undefined;
  let fd: number | undefined;
  try {
    folder = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    fd = openInRoot(folder, path);
    if (fd === undefined || !fstatSync(fd).isFile()) return undefined;
    return readWhole(fd, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (NOT_THERE.has(code)) return undefined;
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
    if (folder !== undefined) closeSync(folder);
  }
}

/** openat2(2) below `folder`, as a process with that root would; undefined when nothing can be opened there. */
export function openInRoot(folder: number, path: string, flags: number = READ_SAFELY): number | undefined {
  const how = Buffer.alloc(24); // struct open_how: u64 flags, mode, resolve
  how.writeBigUInt64LE(BigInt(flags), 0);
  how.writeBigUInt64LE(BigInt(RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_MAGICLINKS), 16);
  const name = cstring(path);
  for (;;) {
    const fd = call('openat2', folder, addressOf(name), addressOf(how), how.length);
    if (fd === -11) continue; // EAGAIN: a rename during a `..`; the kernel asks to try again
    if (fd >= 0) return fd;
    const error = new SyscallError(`open ${path} inside the rootfs`, -fd);
    if (NOT_THERE.has(error.code)) return undefined;
    return must(`open ${path} inside the rootfs`, fd);
  }
}

function readWhole(fd: number, path: string): string {
  const size = fstatSync(fd).size;
  if (size > LARGEST) throw new Error(`${path} of the rootfs is ${size} bytes large; more than 16 MiB is not read`);
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.alloc(64 * 1024);
    const n = readSync(fd, chunk);
    if (n === 0) return Buffer.concat(chunks).toString('utf8');
    total += n;
    if (total > LARGEST) throw new Error(`${path} of the rootfs grew beyond 16 MiB while it was read`);
    chunks.push(chunk.subarray(0, n));
  }
}

/**
 * On a machine that is not Linux nothing is run, only explained: the check after the fact is
 * enough there. A link that leads out of the rootfs counts as nothing.
 */
function readElsewhere(root: string, path: string): string | undefined {
  try {
    const real = realpathSync(join(root, resolve('/', path)));
    if (!real.startsWith(realpathSync(root) + sep)) return undefined;
    const stat = statSync(real);
    return stat.isFile() && stat.size <= LARGEST ? readFileSync(real, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}
