/** This process's streams, copied to and from the fifos that a shim gives to the container. */
import { constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { mkfifo } from '../../libc/fifo.ts';
import type { ChainStreams } from './chain.ts';

/** What a process that outlives the container's first one may keep open: nobody waits for it longer. */
const LAST_OUTPUT_MS = 2000;

export interface Copying {
  names: ChainStreams;
  /** Begins to pass input on. @param ended tells the layers below that no more will come */
  begin(ended: () => void): void;
  /** The container has ended: waits for its last output. */
  drain(): Promise<void>;
  close(): void;
}

/** Makes the fifos in a folder and listens to the output. */
export function openStreams(folder: string, terminal: boolean): Copying {
  const make = (name: string): string => {
    const path = join(folder, name);
    mkfifo(path, 0o600);
    return path;
  };
  const names: ChainStreams = { stdin: make('stdin'), stdout: make('stdout'), stderr: terminal ? '' : make('stderr'), terminal };
  const ends: Promise<void>[] = [];
  const readers: Socket[] = [];
  const copy = (path: string, to: NodeJS.WriteStream) => {
    // Both ends are not opened: the end of the output would never come.
    const reader = new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
    readers.push(reader);
    ends.push(new Promise((resolve) => reader.on('close', () => resolve())));
    reader.on('error', () => reader.destroy());
    // Whoever read from us is gone: nobody needs to read from the container either.
    to.on('error', () => reader.destroy());
    reader.pipe(to, { end: false });
  };
  copy(names.stdout, process.stdout);
  if (names.stderr) copy(names.stderr, process.stderr);
  // For reading as well, so that it opens before anybody reads (fifo(7)); nothing is read from it.
  const input = new Socket({ fd: openSync(names.stdin, constants.O_RDWR | constants.O_NONBLOCK), readable: false, writable: true });
  input.on('error', () => input.destroy());
  const raw = terminal && process.stdin.isTTY === true;

  return {
    names,
    begin(ended) {
      if (raw) process.stdin.setRawMode(true);
      process.stdin.on('error', () => undefined);
      process.stdin.on('end', () => {
        // End of file on a pipe becomes Ctrl-D, as the line discipline of a terminal would read it.
        if (terminal) input.write('\x04');
        else input.end(ended);
      });
      process.stdin.pipe(input, { end: false });
    },
    async drain() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, LAST_OUTPUT_MS);
      });
      await Promise.race([Promise.all(ends), late]);
      clearTimeout(timer);
    },
    close() {
      process.stdin.unpipe(input);
      process.stdin.pause();
      if (raw) process.stdin.setRawMode(false);
      input.destroy();
      for (const reader of readers) reader.destroy();
    },
  };
}
