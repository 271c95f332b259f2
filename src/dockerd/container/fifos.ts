/**
 * The fifos between a process of a container and the daemon. The shim holds both ends of each, so a
 * daemon that goes and comes back finds what was written meanwhile. Source: fifo(7).
 */
import { closeSync, constants, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { join } from 'node:path';
import { SyscallError } from '../../libc/errno.ts';
import { call } from '../../libc/fd.ts';
import { addressOf, cstring } from '../../libc/ffi.ts';
import type { Daemon } from '../daemon.ts';

const { O_RDONLY, O_RDWR, O_NONBLOCK } = constants;
const S_IFIFO = 0o010000;
const AT_FDCWD = -100;

/** Paths, as containerd's Create and Exec are told; '' for none. */
export interface FifoPaths {
  stdin: string;
  stdout: string;
  stderr: string;
}

export const fifoPaths = (folder: string, name: string, { stdin, tty }: { stdin: boolean; tty: boolean }): FifoPaths => ({
  stdin: stdin ? join(folder, `${name}-stdin`) : '',
  stdout: join(folder, `${name}-stdout`),
  // What goes through a terminal cannot be told apart.
  stderr: tty ? '' : join(folder, `${name}-stderr`),
});

/** Those that are there. */
export const present = ({ stdin, stdout, stderr }: FifoPaths): FifoPaths => {
  const existing = (path: string) => (path !== '' && existsSync(path) ? path : '');
  return { stdin: existing(stdin), stdout: existing(stdout), stderr: existing(stderr) };
};

/** Where those of a container and its execs are. */
export const fifoFolder = ({ options }: Pick<Daemon, 'options'>, id: string): string => join(options.execRoot, 'fifos', id);

/** mkfifo(3). @throws SyscallError */
function makeFifo(path: string): void {
  const name = cstring(path);
  const result = call('mknodat', AT_FDCWD, addressOf(name), S_IFIFO | 0o600, 0);
  if (result < 0) throw new SyscallError(`make the fifo ${path}`, -result);
}

export function makeFifos(paths: FifoPaths, folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const path of Object.values(paths) as string[]) {
    if (path === '') continue;
    rmSync(path, { force: true });
    makeFifo(path);
  }
}

export const removeFifos = (paths: FifoPaths): void => {
  for (const path of Object.values(paths) as string[]) if (path !== '') rmSync(path, { force: true });
};

/** The reading end, as a stream that ends when the last writer has gone. */
export interface FifoReader {
  socket: Socket;
  /** From now on the end of the last writer is the end of the stream. Until then it waits for the first one. */
  release(): void;
}

/** What is read at once, at most. Short lines take the longest: 32 KiB of `y` are some milliseconds of work. */
export const BLOCK_SIZE = 32 << 10;
/** One for all: it is read into and given to who takes it in one go. */
const BLOCK = Buffer.allocUnsafeSlow(BLOCK_SIZE);

/**
 * What is read is given to `take` before anything more is read, and nothing waits inside of this
 * process: what was not given is still in the pipe, and the next daemon finds it there.
 * @param take may use the bytes until it returns; false: no more until `socket.resume()`
 * @throws when the fifo is not there
 */
export function readFifo(path: string, take: (chunk: Buffer) => boolean): FifoReader {
  // With a writer of our own there is no end before the shim has opened it.
  let hold = openSync(path, O_RDWR | O_NONBLOCK);
  const onread = { buffer: BLOCK, callback: (length: number) => take(BLOCK.subarray(0, length)) };
  try {
    const options = { fd: openSync(path, O_RDONLY | O_NONBLOCK), readable: true, writable: false, onread };
    // The types of Node 20 have `onread` for connections alone.
    const socket = new Socket(options as SocketConstructorOpts);
    const release = () => {
      if (hold >= 0) closeSync(hold);
      hold = -1;
    };
    socket.on('close', release);
    return { socket, release };
  } catch (error) {
    closeSync(hold);
    throw error;
  }
}

/** The writing end. It can be opened when nobody reads yet; what is written waits in the pipe. */
export function writeFifo(path: string): Socket {
  const socket = new Socket({ fd: openSync(path, O_RDWR | O_NONBLOCK), readable: false, writable: true });
  // A reader that has gone is no failure of the daemon.
  socket.on('error', () => socket.destroy());
  return socket;
}
