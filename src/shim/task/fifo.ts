/**
 * Streams without anything in between: a container's init gets the fifos themselves. The shim keeps each of
 * them open for reading and writing. So a reader that goes away and comes back (a daemon that is
 * restarted) finds the same stream, nobody gets SIGPIPE meanwhile, and a process that writes more than
 * a pipe holds waits until somebody reads. Source: fifo(7), pipe(7).
 */
import { closeSync, constants, fchownSync, fstatSync, openSync } from 'node:fs';
import { call, pipe } from '../../libc/fd.ts';
import { addressOf } from '../../libc/ffi.ts';
import { deferred } from './deferred.ts';
import { type Pump, pump } from './pump.ts';
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

/** The fifo or file that output goes to, and what holds it open for its readers. */
interface Output {
  /** Where to write. */
  target: number;
  /** Both ends, if it is a fifo. */
  hold: number | undefined;
}

/** @param nonBlocking for a writer that waits in its own way */
function openOutput(uri: string, nonBlocking: boolean): Output {
  const path = pathOf(uri);
  const flags = O_WRONLY | O_APPEND | O_NOCTTY | (nonBlocking ? O_NONBLOCK : 0);
  if (schemeOf(uri) === 'file') return { target: openSync(path, flags | O_CREAT, 0o644), hold: undefined };
  const hold = openSync(path, O_RDWR | O_NONBLOCK | O_NOCTTY);
  try {
    // A descriptor of its own: one that can read too, or does not block, would be a surprise to a program.
    const target = openSync(path, flags);
    if (fstatSync(hold).isFIFO()) return { target, hold };
    closeSync(hold);
    return { target, hold: undefined };
  } catch (error) {
    closeSync(hold);
    throw error;
  }
}

/**
 * Opens the fifos or files of a process that has no terminal.
 *
 * An init gets the fifos themselves: what could write to them later ends with it. An exec's children may live on, and
 * its client waits for the end of the output: so an exec writes to pipes, and what they hold is copied until Delete.
 * @throws Error when one of them is not there
 */
export function openFifos(stdio: Stdio, { uid, gid, copied }: StdioOptions): ProcessIo {
  /** What the process gets: closed as soon as it has it. */
  const given: number[] = [];
  /** Our holds on the output, until it is read. */
  const holds: number[] = [];
  const pumps: Pump[] = [];
  let input: number | undefined;
  const closed = deferred<void>();
  const copying = deferred<void>();
  const drained = deferred<void>();
  const closeAll = (fds: number[]) => fds.splice(0).forEach(closeSync);

  const give = (fd: number): number => {
    given.push(fd);
    if ((uid || gid) && fstatSync(fd).isFIFO()) fchownSync(fd, uid, gid);
    return fd;
  };
  const output = (uri: string): number => {
    if (!uri) return give(openSync('/dev/null', O_WRONLY));
    const { target, hold } = openOutput(uri, copied);
    if (hold !== undefined) holds.push(hold);
    if (!copied) return give(target);
    const [from, to] = pipe();
    pumps.push(pump(from, target));
    return give(to);
  };
  const openInput = (path: string): number => {
    if (!path) return give(openSync('/dev/null', O_RDONLY));
    input = holdFifo(path);
    return give(openSync(path, O_RDONLY));
  };
  /** Each by itself: whoever reads this one gets the end, whether somebody reads the other one or not. */
  const release = async (hold: number): Promise<void> => {
    await emptied(hold, closed.promise);
    const at = holds.indexOf(hold);
    if (at >= 0) holds.splice(at, 1).forEach(closeSync);
  };
  const closeStdin = () => {
    if (input !== undefined) closeSync(input);
    input = undefined;
  };
  const close = () => {
    closed.resolve();
    copying.resolve();
    drained.resolve();
    for (const { stop } of pumps) stop();
    closeAll(given);
    closeAll(holds);
    closeStdin();
  };

  try {
    const errors = schemeOf(stdio.stdout) === 'file' && !stdio.stderr ? stdio.stdout : stdio.stderr;
    return {
      streams: { stdin: openInput(stdio.stdin), stdout: output(stdio.stdout), stderr: output(errors) },
      started: () => closeAll(given),
      closeStdin,
      resize() {},
      ended() {
        closeAll(given);
        closeStdin();
        void (async () => {
          await Promise.all(pumps.map(({ done }) => done));
          copying.resolve();
          await Promise.all(holds.map(release));
          drained.resolve();
        })();
      },
      copied: copying.promise,
      drained: drained.promise,
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
