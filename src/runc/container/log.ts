/** The log of a detached container: Docker's json-file format, a line of output an object. */
import { closeSync, openSync, writeSync } from 'node:fs';

export interface LogEntry {
  log: string;
  stream: 'stdout' | 'stderr';
  /** ISO 8601. */
  time: string;
}

export interface LogWriter {
  write(stream: LogEntry['stream'], chunk: Buffer): void;
  /** Writes what has no newline yet, and closes the file. */
  close(): void;
}

/** A line longer than this is written in parts, as Docker does. */
const LONGEST = 16 * 1024;

/** Appends to the file. Bytes that are no UTF-8 become U+FFFD, as in Docker's. */
export function logWriter(path: string): LogWriter {
  const fd = openSync(path, 'a', 0o600);
  const pending: Record<LogEntry['stream'], Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  const emit = (stream: LogEntry['stream'], bytes: Buffer) => {
    const entry: LogEntry = { log: bytes.toString('utf8'), stream, time: new Date().toISOString() };
    writeSync(fd, `${JSON.stringify(entry)}\n`);
  };
  return {
    write(stream, chunk) {
      let rest = pending[stream].length ? Buffer.concat([pending[stream], chunk]) : chunk;
      for (;;) {
        const newline = rest.indexOf(10);
        const end = newline >= 0 && newline < LONGEST ? newline + 1 : rest.length >= LONGEST ? LONGEST : 0;
        if (end === 0) break;
        emit(stream, rest.subarray(0, end));
        rest = rest.subarray(end);
      }
      pending[stream] = Buffer.from(rest);
    },
    close() {
      for (const stream of ['stdout', 'stderr'] as const) if (pending[stream].length) emit(stream, pending[stream]);
      closeSync(fd);
    },
  };
}
