/** The person's terminal connected with the container's: raw mode, window size, detach keys. */
import { ReadStream } from 'node:tty';
import { call } from '../../libc/fd.ts';
import { addressOf } from '../../libc/ffi.ts';
import { DetachFilter } from './detach-keys.ts';

const TIOCSWINSZ = 0x5414;

/** Sets the size of the terminal at its master end. */
export function resize(master: number, rows: number, columns: number): void {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(rows, 0);
  size.writeUInt16LE(columns, 2);
  call('ioctl', master, TIOCSWINSZ, addressOf(size));
}

export interface Console {
  /** Resolves when the person pressed the detach keys. */
  detached: Promise<void>;
  /** Waits for the last output (bounded in time), gives the person's terminal back as it was, and lets go of the master. */
  close(): Promise<void>;
}

/**
 * Copies between this process's streams and the container's terminal until it is closed.
 * @param keys the byte sequence that detaches; empty for none
 */
export function connectConsole(master: number, keys: Uint8Array): Console {
  const input = process.stdin;
  const filter = new DetachFilter(keys);
  const stream = new ReadStream(master);
  let detach: () => void = () => {};
  const detached = new Promise<void>((resolve) => {
    detach = resolve;
  });
  let drained: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    drained = resolve;
  });

  const onInput = (chunk: Buffer) => {
    const { pass, detach: wanted } = filter.push(chunk);
    if (pass.length) stream.write(pass);
    if (wanted) detach();
  };
  const onResize = () => resize(master, process.stdout.rows ?? 24, process.stdout.columns ?? 80);
  stream.on('data', (chunk: Buffer) => process.stdout.write(chunk));
  stream.on('error', () => drained()); // EIO: the last process of the session closed the other end
  stream.on('end', () => drained());
  stream.on('close', () => drained());

  const raw = input.isTTY === true;
  if (raw) input.setRawMode(true);
  input.on('data', onInput);
  // End of file on a pipe becomes Ctrl-D, as the line discipline of a terminal would read it.
  input.on('end', () => stream.write('\x04'));
  if (process.stdout.isTTY) {
    onResize();
    process.on('SIGWINCH', onResize);
  }

  return {
    detached,
    async close() {
      input.off('data', onInput);
      input.pause();
      if (raw) input.setRawMode(false);
      process.off('SIGWINCH', onResize);
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 200).unref())]);
      stream.destroy();
      if (!raw) input.destroy();
    },
  };
}
