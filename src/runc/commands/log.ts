/** The log that engines read: one line an event, text as logrus writes it or JSON. */
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

type Level = 'debug' | 'warning' | 'error';

export interface Log {
  debug(message: string): void;
  warn(message: string): void;
  /** Goes to standard error as well when the log is a file, so that a person sees it too. */
  error(message: string): void;
  close(): void;
}

const STDERR = 2;

/** RFC 3339, in seconds. */
const now = (): string => new Date().toISOString().replace(/\.\d+Z$/, 'Z');

function line(format: 'text' | 'json', level: Level, message: string): string {
  if (format === 'json') return `${JSON.stringify({ level, msg: message, time: now() })}\n`;
  return `time="${now()}" level=${level} msg=${JSON.stringify(message)}\n`;
}

/**
 * @param file appended to; made with its folder's mode closed to others. Undefined or /dev/stderr: standard error
 * @throws Error when the file cannot be opened
 */
export function openLog(file: string | undefined, format: 'text' | 'json', debug: boolean): Log {
  const toFile = file !== undefined && file !== '' && file !== '/dev/stderr';
  let fd = STDERR;
  if (toFile) {
    mkdirSync(dirname(file), { recursive: true });
    fd = openSync(file, 'a', 0o644);
  }
  const put = (level: Level, message: string) => {
    try {
      writeSync(fd, line(format, level, message));
    } catch {
      // The reader is gone, or the disk is full: the exit code still tells.
    }
  };
  return {
    debug(message) {
      if (debug) put('debug', message);
    },
    warn: (message) => put('warning', message),
    error(message) {
      put('error', message);
      if (!toFile) return;
      try {
        writeSync(STDERR, `${message}\n`);
      } catch {
        // as above
      }
    },
    close() {
      if (toFile) closeSync(fd);
    },
  };
}
