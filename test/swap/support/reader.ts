/** The client's end of a fifo to which a container writes. */
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';

export interface FifoReader {
  path: string;
  /** All that has come so far; until it was closed. */
  text(): string;
  /** What goes on being written stays in the fifo for the next reader, or holds the writer up. */
  close(): void;
}

export function makeFifo(path: string): void {
  const made = spawnSync('mkfifo', ['-m', '600', path], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`mkfifo ${path}: ${made.stderr}`);
}

const isEmpty = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EAGAIN';

/** Reads only when it is asked to, so that nothing is on its way when it is closed. */
export function readFifo(path: string): FifoReader {
  // Without O_RDWR, the open would wait for the writer, and the last writer's close would end it.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const buffer = Buffer.alloc(65_536);
  let all = '';
  let open = true;
  return {
    path,
    text() {
      if (!open) return all;
      try {
        for (;;) {
          const length = readSync(fd, buffer, 0, buffer.length, null);
          if (length === 0) return all;
          all += buffer.toString('utf8', 0, length);
        }
      } catch (error) {
        if (!isEmpty(error)) throw error;
        return all;
      }
    },
    close() {
      if (open) closeSync(fd);
      open = false;
    },
  };
}
