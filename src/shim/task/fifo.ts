/**
 * A process's streams without anything in between: it gets the fifos themselves. The shim keeps each of
 * them open for reading and writing. So a reader that goes away and comes back (a daemon that is
 * restarted) finds the same stream, nobody gets SIGPIPE meanwhile, and a process that writes more than
 * a pipe holds waits until somebody reads. Source: fifo(7), pipe(7).
 */
import { closeSync, constants, fchownSync, fstatSync, openSync } from 'node:fs';
import { call } from '../../libc/fd.ts';
import { addressOf } from '../../libc/ffi.ts';
import { deferred } from './deferred.ts';
import { type ProcessIo, type Stdio, type StdioOptions, schemeOf } from './stdio.ts';

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK, O_APPEND, O_CREAT, O_NOCTTY } = constants;
const FIONREAD = 0x541b;
/** How often a fifo is looked at, in ms, once its last writer has ended: the first times soon, for a reader that is there. */
const LOOKS = [1, 2, 5, 10, 20, 50, 100];

/** Bytes that are in the pipe and not read yet. */
export function unread(fd: number): number {
  const count = Buffer.alloc(4);
  return call('ioctl', fd, FIONREAD, addressOf(count)) < 0 ? 0 : count.readInt32LE();
}

/** Both ends of a fifo in one descriptor: Linux opens it at once, with nobody at the other side. */
export const holdFifo = (path: string): number => openSync(path, O_RDWR | O_NONBLOCK);

/** The path of a file:// URI, or the path itself. */
const pathOf = (uri: string): string => (schemeOf(uri) === 'file' ? decodeURIComponent(new URL(uri).pathname) : uri);

/** Resolves when the pipe is empty, or `stop` says so. */
export function emptied(fd: number, stop: Promise<void>): Promise<void> {
  const { promise, resolve } = deferred<void>();
  let timer: NodeJS.Timeout | undefined;
  const look = (turn: number) => {
    if (unread(fd) === 0) return resolve();
    timer = setTimeout(look, LOOKS[Math.min(turn, LOOKS.length - 1)], turn + 1);
  };
  look(0);
  void stop.then(() => {
    clearTimeout(timer);
    resolve();
  });
  return promise;
}

/**
 * Opens the fifos or files of a process that has no terminal.
 * @throws Error when one of them is not there
 */
export function openFifos(stdio: Stdio, { uid, gid }: StdioOptions): ProcessIo {
  /** What the process gets: closed as soon as it has it. */
  const given: number[] = [];
  /** Our hold on the output, until it is read. */
  const outputs: number[] = [];
  let input: number | undefined;
  const closed = deferred<void>();
  const drained = deferred<void>();
  const closeAll = (fds: number[]) => fds.splice(0).forEach(closeSync);

  const give = (fd: number): number => {
    given.push(fd);
    return fd;
  };
  const own = (fd: number): number => {
    if ((uid || gid) && fstatSync(fd).isFIFO()) fchownSync(fd, uid, gid);
    return fd;
  };
  const openOutput = (uri: string): number => {
    if (!uri) return give(openSync('/dev/null', O_WRONLY));
    const path = pathOf(uri);
    if (schemeOf(uri) === 'file') return give(openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, 0o644));
    const hold = openSync(path, O_RDWR | O_NONBLOCK | O_NOCTTY);
    if (fstatSync(hold).isFIFO()) outputs.push(own(hold));
    else closeSync(hold);
    // A descriptor of its own: one that could read too, or does not block, would be a surprise.
    return give(openSync(path, O_WRONLY | O_APPEND | O_NOCTTY));
  };
  const openInput = (path: string): number => {
    if (!path) return give(openSync('/dev/null', O_RDONLY));
    input = own(holdFifo(path));
    return give(openSync(path, O_RDONLY));
  };
  const closeStdin = () => {
    if (input !== undefined) closeSync(input);
    input = undefined;
  };

  try {
    const errors = schemeOf(stdio.stdout) === 'file' && !stdio.stderr ? stdio.stdout : stdio.stderr;
    const streams = { stdin: openInput(stdio.stdin), stdout: openOutput(stdio.stdout), stderr: openOutput(errors) };
    return {
      streams,
      started: () => closeAll(given),
      closeStdin,
      resize() {},
      ended() {
        closeAll(given);
        closeStdin();
        void Promise.all(
          outputs.map(async (fd) => {
            await emptied(fd, closed.promise);
            // Whoever reads gets the end now, unless a child of the process still has the stream.
            const at = outputs.indexOf(fd);
            if (at >= 0) outputs.splice(at, 1).forEach(closeSync);
          }),
        ).then(() => drained.resolve());
      },
      drained: drained.promise,
      close() {
        closed.resolve();
        drained.resolve();
        closeAll(given);
        closeAll(outputs);
        closeStdin();
      },
    };
  } catch (error) {
    closeAll(given);
    closeAll(outputs);
    closeStdin();
    throw error;
  }
}
