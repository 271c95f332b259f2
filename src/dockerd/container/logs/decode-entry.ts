/** Entries of a json-file log, as they are read. */
import type { Stream } from '../../http/stdcopy.ts';

export interface Entry {
  /** With its newline, unless it is a piece of a longer line. */
  log: string;
  stream: Stream;
  /** RFC 3339 */
  time: string;
  attrs?: Record<string, string>;
}

/** @returns undefined for a line that is no entry: a disk that was full, or a machine that lost its power, can leave one */
export function decodeEntry(line: string): Entry | undefined {
  let entry: Partial<Entry>;
  try {
    entry = JSON.parse(line) as Partial<Entry>;
  } catch {
    return undefined;
  }
  if (typeof entry !== 'object' || entry === null || typeof entry.time !== 'string') return undefined;
  if (entry.stream !== 'stdout' && entry.stream !== 'stderr') return undefined;
  return { ...entry, log: typeof entry.log === 'string' ? entry.log : '' } as Entry;
}
