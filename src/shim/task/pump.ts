/**
 * Copying from one descriptor to another, bytes as they are. What cannot be written yet is waited for, and
 * nothing is read meanwhile: so a slow reader slows the writer down, and no memory fills up.
 */
import { readSync, writeSync } from 'node:fs';
import { closeFd } from '../../libc/fd.ts';
import { type Poll, poll } from '../../libc/poll.ts';
import { type Deferred, deferred } from './deferred.ts';

const CHUNK = 64 * 1024;
/** One for all: what a write leaves over is copied. */
const chunk = Buffer.allocUnsafeSlow(CHUNK);
/** How long to wait for somebody to open the other end of a terminal again, in ms. */
const HANGUP_MS = 100;

const LAST_READS = 64;

export interface Pump {
  /** Resolves when the source has ended and all of it is written; or with {@link stop}. */
  done: Promise<void>;
  /** The source gets nothing more: what is there is still copied. */
  finish(): void;
  /** At once. What is not written is lost. */
  stop(): void;
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/**
 * Owns both descriptors, which become non-blocking, and closes them.
 * @param from where EIO means that the other end of a terminal is closed, which may pass
 */
export function pump(from: number, to: number): Pump {
  const done: Deferred<void> = deferred<void>();
  const reading = poll(from);
  /** Made when it is needed: a file can always be written, and cannot be waited for. */
  let writing: Poll | undefined;
  let left: Buffer = Buffer.alloc(0);
  let finishing = false;
  let ended = false;
  let timer: NodeJS.Timeout | undefined;

  const stop = () => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    reading.close();
    writing?.close();
    closeFd(from);
    closeFd(to);
    done.resolve();
  };
  /** Writes what it can; false when some of it has to wait. */
  const write = (bytes: Buffer): boolean => {
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(to, bytes, at);
      } catch (error) {
        const code = codeOf(error);
        if (code === 'EINTR') continue;
        if (code !== 'EAGAIN') return true; // nobody will ever read it: the source is not to wait for that
        left = Buffer.from(bytes.subarray(at));
        reading.rest();
        writing ??= poll(to);
        writing.when('writable', onWritable);
        return false;
      }
    }
    return true;
  };
  /** Reads and writes once. `again` when there may be more at once. */
  const move = (): 'again' | 'later' | 'end' | 'hangup' => {
    let n: number;
    try {
      n = readSync(from, chunk, 0, CHUNK, null);
    } catch (error) {
      const code = codeOf(error);
      return code === 'EINTR' ? 'again' : code === 'EAGAIN' ? 'later' : code === 'EIO' ? 'hangup' : 'end';
    }
    if (n === 0) return 'end';
    return write(chunk.subarray(0, n)) ? 'again' : 'later';
  };
  const onReadable = () => {
    const result = move();
    if (result === 'end') stop();
    if (result !== 'hangup' || ended) return;
    // The kernel would tell it again and again.
    reading.rest();
    timer = setTimeout(() => reading.when('readable', onReadable), HANGUP_MS);
  };
  const onWritable = () => {
    writing?.rest();
    const bytes = left;
    left = Buffer.alloc(0);
    if (!write(bytes)) return;
    if (finishing) drain();
    else reading.when('readable', onReadable);
  };
  const drain = () => {
    clearTimeout(timer);
    // No more than a terminal can hold: somebody may go on writing.
    for (let turn = 0; turn < LAST_READS && move() === 'again'; turn++);
    if (!left.length) stop(); // else once that is written
  };

  reading.when('readable', onReadable);
  return {
    done: done.promise,
    finish() {
      if (ended || finishing) return;
      finishing = true;
      if (!left.length) drain();
    },
    stop,
  };
}
