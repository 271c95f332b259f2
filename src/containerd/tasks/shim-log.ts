/** The log of a shim: a fifo in its bundle, whose lines become the daemon's. */
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { call } from '../../libc/fd.ts';
import { addressOf, cstring, must } from '../../libc/ffi.ts';

const AT_FDCWD = -100;
const S_IFIFO = 0o010000;
const EEXIST = -17;

/** Makes and reads it until `close`. @param write gets what the shim writes, as it comes */
export function readShimLog(bundle: string, write: (text: string) => void): { close(): void } {
  const path = join(bundle, 'log');
  const name = cstring(path);
  const made = call('mknodat', AT_FDCWD, addressOf(name), S_IFIFO | 0o700, 0);
  if (made !== EEXIST) must(`mkfifo ${path}`, made);
  // Open for writing as well: nobody has to wait for the other end, and it never comes to its end.
  const socket = new Socket({ fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK), readable: true, writable: false });
  socket.setEncoding('utf8');
  socket.on('data', write);
  socket.on('error', () => undefined);
  socket.unref();
  return { close: () => socket.destroy() };
}
