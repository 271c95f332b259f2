/**
 * What a process writes, and what it is sent. Output goes to the log first and then to everybody who
 * is attached; a listener that is too slow makes the process wait, so nothing is lost and nothing piles up.
 */
import type { Socket } from 'node:net';
import type { FifoPaths } from './fifos.ts';
import { BLOCK_SIZE, type FifoReader, readFifo, removeFifos, writeFifo } from './fifos.ts';

export type Stream = 'stdout' | 'stderr';

/** Somebody who is attached. */
export interface Listener {
  /** The bytes are its own until it returns. @returns false when it has enough for now; call {@link Streams.resume} when it can take more */
  output(stream: Stream, chunk: Buffer): boolean;
  /** There will be no more output. */
  end(): void;
}

export interface Streams {
  attach(listener: Listener): () => void;
  /** A listener that had enough can take more. */
  resume(listener: Listener): void;
  /** The process's input; undefined when it has none, or that is closed. */
  readonly input: Socket | undefined;
  /** Closes our end of the input, and has the shim close its own as soon as that is there. */
  closeInput(): void;
  /** The shim has opened its ends. */
  opened(): void;
  /** Resolves when all output has come. */
  readonly ended: Promise<void>;
  /** The process has ended: what is left in the pipes, which is not much, is taken however slow a listener is. */
  drain(): void;
  /** Lets go of everything; what has not been read is lost. */
  close(): void;
}

export interface StreamsOptions {
  /** Gets all output before anybody else. */
  record?: ((stream: Stream, chunk: Buffer) => void) | undefined;
  /** Has the shim close its end of the input: the process reads the end of it then. */
  closeIO(): void;
}

/**
 * Opens the daemon's ends. Called before the process is made, or for one that runs already.
 * @throws when a fifo is not there
 */
export function openStreams(paths: FifoPaths, { record, closeIO }: StreamsOptions): Streams {
  const listeners = new Set<Listener>();
  const waiting = new Set<Listener>();
  const readers: FifoReader[] = [];
  let input: Socket | undefined;
  let open = 0;
  let made = false;
  let inputClosed = false;
  let draining = false;
  let finish: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    finish = resolve;
  });

  const begin = (stream: Stream, path: string) => {
    if (path === '') return;
    const reader = readFifo(path, (chunk) => {
      record?.(stream, chunk);
      for (const listener of listeners) if (!listener.output(stream, chunk)) waiting.add(listener);
      if (!draining && waiting.size > 0) {
        for (const { socket } of readers) socket.pause();
        return false;
      }
      if (chunk.length < BLOCK_SIZE) return true;
      // There is more, and libuv would go on reading it for a while: everybody else has a turn first.
      setImmediate(goOn);
      return false;
    });
    readers.push(reader);
    open++;
    reader.socket.on('error', () => reader.socket.destroy());
    reader.socket.on('close', () => {
      if (--open > 0) return;
      finish();
      for (const listener of [...listeners]) listener.end();
      listeners.clear();
    });
  };

  const goOn = () => {
    if (draining || waiting.size === 0) for (const { socket } of readers) socket.resume();
  };
  // Not before the shim has it open: what is in a fifo goes with the last who has.
  const endInput = () => {
    input?.end();
    input = undefined;
    closeIO();
  };
  const close = () => {
    for (const { socket } of readers) socket.destroy();
    input?.destroy();
    input = undefined;
    removeFifos(paths);
  };
  try {
    begin('stdout', paths.stdout);
    begin('stderr', paths.stderr);
    if (paths.stdin !== '') input = writeFifo(paths.stdin);
    if (open === 0) finish();
  } catch (error) {
    close();
    throw error;
  }
  return {
    attach(listener) {
      if (open === 0) {
        listener.end();
        return () => undefined;
      }
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        waiting.delete(listener);
        goOn();
      };
    },
    resume(listener) {
      waiting.delete(listener);
      goOn();
    },
    get input() {
      return input;
    },
    closeInput() {
      if (inputClosed) return;
      inputClosed = true;
      if (made) endInput();
    },
    opened() {
      made = true;
      if (inputClosed) endInput();
      for (const reader of readers) reader.release();
    },
    ended,
    drain() {
      draining = true;
      goOn();
    },
    close,
  };
}
