/** The log of one container, as what it prints is written into it. */
import { realtime } from '../../../libc/clock.ts';
import type { Stream } from '../../http/stdcopy.ts';
import { addEntry, openBatch, tailOf } from './encode-entry.ts';
import { cutLines, NOTHING } from './lines.ts';
import { type LogFile, type LogFileSettings, openLogFile } from './log-file.ts';
import { openUnfinished, readUnfinished } from './unfinished-lines.ts';

export interface LogWriter {
  /** For those who follow. */
  readonly file: LogFile;
  /**
   * Appends the lines of `chunk`. When it returns they are with the kernel: a daemon that is killed
   * now loses nothing. It never throws: a full disk must not stop a container; `failed` is told.
   * @param at nanoseconds since 1970; all lines of a chunk have the same time
   */
  write(stream: Stream, chunk: Buffer, at?: bigint): void;
  /** The container ended: its last lines are written even without a newline, and who follows comes to an end. */
  close(): void;
}

export interface LogWriterSettings extends LogFileSettings {
  /** JSON that each entry carries as `attrs`; empty: none. */
  attributes: string;
}

const SILENCE_MS = 60_000;

/**
 * Opens a log, to go on with what is there.
 * @param failed is told what could not be written; once a minute for each kind of failure
 * @throws Error of the file system when it cannot be opened
 */
export function openWriter(settings: LogWriterSettings, failed: (error: unknown) => void): LogWriter {
  const file = openLogFile(settings, failed);
  const place = () => ({ inode: file.inode, size: file.size });
  const unfinishedPath = `${settings.path}.unfinished`;
  const unfinished = readUnfinished(unfinishedPath, place());
  const store = openUnfinished(unfinishedPath);
  const batch = openBatch();
  /** When each kind of failure was told. */
  const told = new Map<string, number>();

  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      const kind = String((error as NodeJS.ErrnoException).code ?? error);
      if (performance.now() - (told.get(kind) ?? -SILENCE_MS) < SILENCE_MS) return;
      told.set(kind, performance.now());
      failed(error);
    }
  };

  const flush = (): void => {
    if (batch.length === 0) return;
    const entries = batch.bytes.subarray(0, batch.length);
    batch.length = 0;
    file.append(entries);
  };

  const add = (source: Buffer, start: number, end: number, whole: boolean, tail: Buffer): void => {
    if (file.isFull(batch.length)) {
      flush();
      // A log that grows too large is better than none.
      attempt(file.rotate);
    }
    addEntry(batch, source, start, end, whole, tail);
  };

  /** A line without an end is written as it is, which readers take for a piece. */
  const finish = (stream: Stream): void => {
    const { bytes, continued, since } = unfinished[stream];
    if (bytes.length > 0) add(bytes, 0, bytes.length, false, tailOf(stream, settings.attributes, continued ? since : realtime()));
    unfinished[stream] = { ...NOTHING, since: 0n };
  };

  return {
    file,
    write(stream, chunk, at = realtime()) {
      if (file.ended) return;
      attempt(() => {
        const before = unfinished[stream];
        const tail = tailOf(stream, settings.attributes, at);
        // All pieces of a line have the time of its first one.
        let since = before.since;
        let earlier = before.continued ? tailOf(stream, settings.attributes, since) : tail;
        unfinished[stream] = { ...NOTHING, since: 0n };
        const rest = cutLines(before, chunk, ({ source, start, end, whole, continued }) => {
          if (!whole && !continued) {
            since = at;
            earlier = tail;
          }
          add(source, start, end, whole, continued ? earlier : tail);
        });
        unfinished[stream] = { ...rest, since };
        flush();
        store.keep(unfinished, place());
      });
      batch.length = 0;
    },
    close() {
      if (file.ended) return;
      attempt(() => {
        finish('stdout');
        finish('stderr');
        flush();
        store.remove();
      });
      store.close();
      file.close();
    },
  };
}
