/** Unix sockets that have a path: listening and connecting, synchronously (unix(7)). */
import { closeSync, constants, fchmodSync, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { SyscallError } from './errno.ts';
import { call, closeFd } from './fd.ts';
import { addressOf } from './ffi.ts';

const AF_UNIX = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOCK = { stream: 1, dgram: 2, seqpacket: 5 } as const;
/** sizeof sun_path: a longer path does not fit, so every path goes through a descriptor of its folder. */
const SUN_PATH = 108;

/** Calls `use` with a struct sockaddr_un for the path; only the last part of the path may be long, and not that long. */
function withAddress<T>(path: string, use: (address: bigint, size: number) => T): T {
  if (path.startsWith('@')) {
    // The abstract namespace: a name that begins with a NUL and has no file (unix(7)).
    const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(path.replace('@', '\0'))]);
    if (address.length > 2 + SUN_PATH) throw new Error(`${path}: the name of a unix socket may have ${SUN_PATH} bytes at most`);
    return use(addressOf(address), address.length);
  }
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const name = Buffer.from(`/proc/self/fd/${folder}/${basename(path)}`);
    if (name.length >= SUN_PATH) throw new Error(`${path}: the name of a unix socket may have ${SUN_PATH - 25} bytes at most`);
    const address = Buffer.alloc(2 + SUN_PATH);
    address.writeUInt16LE(AF_UNIX, 0);
    name.copy(address, 2);
    return use(addressOf(address), 2 + name.length + 1);
  } finally {
    closeSync(folder);
  }
}

function socket(type: keyof typeof SOCK): number {
  const fd = call('socket', AF_UNIX, SOCK[type] | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SyscallError('make a unix socket', -fd);
  return fd;
}

function orClose(fd: number, what: string, result: number): number {
  if (result < 0) {
    closeFd(fd);
    throw new SyscallError(what, -result);
  }
  return fd;
}

/** A listening socket at `path`, which must not exist, for its owner alone. The caller closes it and removes the path. @throws SyscallError */
export function listenAt(path: string, type: keyof typeof SOCK): number {
  const fd = socket(type);
  fchmodSync(fd, 0o600); // the file gets the mode that the socket has
  orClose(
    fd,
    `bind ${path}`,
    withAddress(path, (address, size) => call('bind', fd, address, size)),
  );
  return orClose(fd, `listen at ${path}`, call('listen', fd, 8));
}

/** A socket at `path`, which must not exist, for messages without connections. The caller closes it and removes the path. @throws SyscallError */
export function bindAt(path: string, type: 'dgram'): number {
  const fd = socket(type);
  return orClose(
    fd,
    `bind ${path}`,
    withAddress(path, (address, size) => call('bind', fd, address, size)),
  );
}

/** Sends one message to the socket at `path`; nobody there is no failure. */
export function sendTo(path: string, message: string): void {
  const fd = socket('dgram');
  const bytes = Buffer.from(message);
  try {
    withAddress(path, (address, size) => call('sendto', fd, addressOf(bytes), bytes.length, 0, address, size));
  } finally {
    closeFd(fd);
  }
}

/** A connection to the socket at `path`. The caller closes it. @throws SyscallError (ENOENT, ECONNREFUSED, …) */
export function connectTo(path: string, type: keyof typeof SOCK): number {
  const fd = socket(type);
  return orClose(
    fd,
    `connect to ${path}`,
    withAddress(path, (address, size) => call('connect', fd, address, size)),
  );
}
