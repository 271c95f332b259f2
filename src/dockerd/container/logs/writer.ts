/** The log of one container, as what it prints is written into it. */
import { realtime } from '../../../libc/clock.ts';
import type { Stream } from '../../http/stdcopy.ts';
import { addEntry, openBatch, tailOf } from './encode-entry.ts';
import { NO_LINE, openJournal, readJournal, type UnfinishedLines } from './journal.ts';
import { cutLines } from './lines.ts';
import { type LogFile, type LogFileSettings, openLogFile } from './log-file.ts';

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
  const journalPath = `${settings.path}.taken`;
  const last = readJournal(journalPath);
  const journal = openJournal(journalPath, last?.number);
  const unfinished: UnfinishedLines = { stdout: NO_LINE, stderr: NO_LINE };
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

  const state = () => ({ place: { inode: file.inode, size: file.size }, unfinished });

  const flush = (): void => {
    if (batch.length === 0) return;
    const entries = batch.bytes.subarray(0, batch.length);
    batch.length = 0;
    file.append(entries);
  };

  /** @param keepRest notes what has not been appended yet */
  const makeRoom = (keepRest: () => void): void => {
    if (!file.isFull(batch.length)) return;
    flush();
    // Before, for the log that is there, and after, for the new one: a kill can come at any moment.
    keepRest();
    // A log that grows too large is better than none.
    attempt(file.rotate);
    keepRest();
  };

  const append = (stream: Stream, chunk: Buffer, at: bigint): void => {
    attempt(() => {
      const before = unfinished[stream];
      const tail = tailOf(stream, settings.attributes, at);
      // All pieces of a line have the time of its first one.
      let since = before.since;
      let earlier = before.continued ? tailOf(stream, settings.attributes, since) : tail;
      unfinished[stream] = NO_LINE;
      const rest = cutLines(before, chunk, ({ source, start, end, whole, continued }) => {
        if (!whole && !continued) {
          since = at;
          earlier = tail;
        }
        makeRoom(() => {
          const left = { ...unfinished, [stream]: { ...NO_LINE, continued, since } };
          attempt(() => journal.remains({ ...state(), unfinished: left }, { stream, bytes: source.subarray(start), at }));
        });
        addEntry(batch, source, start, end, whole, continued ? earlier : tail);
      });
      unfinished[stream] = { ...rest, since };
      flush();
    });
    batch.length = 0;
  };

  /** A line without an end is written as it is, which readers take for a piece. */
  const finish = (stream: Stream): void => {
    const { bytes, continued, since } = unfinished[stream];
    if (bytes.length === 0) return;
    makeRoom(() => undefined);
    addEntry(batch, bytes, 0, bytes.length, false, tailOf(stream, settings.attributes, continued ? since : realtime()));
  };

  if (last && file.rewind(last.state.place)) {
    Object.assign(unfinished, last.state.unfinished);
    if (last.chunk) append(last.chunk.stream, last.chunk.bytes, last.chunk.at);
  }
  attempt(() => journal.settled(state()));

  return {
    file,
    write(stream, chunk, at = realtime()) {
      if (file.ended) return;
      // Before anything else: from the pipe to here it is nowhere but in this process.
      attempt(() => journal.took({ stream, bytes: chunk, at }));
      append(stream, chunk, at);
      attempt(() => journal.settled(state()));
    },
    close() {
      if (file.ended) return;
      attempt(() => {
        finish('stdout');
        finish('stderr');
        flush();
        journal.remove();
      });
      journal.close();
      file.close();
    },
  };
}
