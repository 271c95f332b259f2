/**
 * What was read from a container and is no whole line yet, kept beside the log: a daemon that is killed
 * loses nothing that it took. It counts only for the very file and size that it was written for.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import type { Stream } from '../../http/stdcopy.ts';
import { NOTHING, type Unfinished } from './lines.ts';

export interface UnfinishedLine extends Unfinished {
  /** When the first piece of it came, in nanoseconds since 1970. */
  since: bigint;
}

export type UnfinishedLines = Record<Stream, UnfinishedLine>;

/** Where the log stood. */
export interface Place {
  inode: number;
  size: number;
}

interface Header extends Place {
  lines: { [S in Stream]?: { length: number; continued: boolean; since: string } };
}

export interface UnfinishedStore {
  /** Keeps these, and none that were kept before. */
  keep(lines: UnfinishedLines, place: Place): void;
  /** The log ended, and what was kept is part of it. */
  remove(): void;
  close(): void;
}

export const nothingUnfinished = (): UnfinishedLines => ({ stdout: { ...NOTHING, since: 0n }, stderr: { ...NOTHING, since: 0n } });

const isEmpty = ({ bytes, continued }: Unfinished): boolean => bytes.length === 0 && !continued;

function encode({ stdout, stderr }: UnfinishedLines, place: Place): Buffer {
  const about = ({ bytes, continued, since }: UnfinishedLine) => ({ length: bytes.length, continued, since: String(since) });
  const header: Header = { ...place, lines: { stdout: about(stdout), stderr: about(stderr) } };
  return Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), stdout.bytes, stderr.bytes]);
}

function decode(text: Buffer, place: Place): UnfinishedLines | undefined {
  const newline = text.indexOf(0x0a);
  if (newline < 0) return undefined;
  const { inode, size, lines } = JSON.parse(text.toString('utf8', 0, newline)) as Header;
  if (inode !== place.inode || size !== place.size) return undefined;
  const found = nothingUnfinished();
  let at = newline + 1;
  for (const stream of ['stdout', 'stderr'] as const) {
    const { length = 0, continued = false, since = '0' } = lines[stream] ?? {};
    if (at + length > text.length) return undefined;
    found[stream] = { bytes: text.subarray(at, at + length), continued, since: BigInt(since) };
    at += length;
  }
  return found;
}

/** What the last daemon kept; nothing when the log is not where it stood then. */
export function readUnfinished(path: string, place: Place): UnfinishedLines {
  try {
    return decode(readFileSync(path), place) ?? nothingUnfinished();
  } catch {
    // Not there, which is the rule, or cut off.
    return nothingUnfinished();
  }
}

export function openUnfinished(path: string): UnfinishedStore {
  let fd: number | undefined;
  let length = 0;
  return {
    keep(lines, place) {
      if (isEmpty(lines.stdout) && isEmpty(lines.stderr)) {
        // Most output ends with a newline: nothing to keep, and nothing to do.
        if (length > 0 && fd !== undefined) ftruncateSync(fd, 0);
        length = 0;
        return;
      }
      fd ??= openSync(path, 'w', 0o600);
      const text = encode(lines, place);
      writeSync(fd, text, 0, text.length, 0);
      // What an older, longer text left behind this one is not looked at.
      length = text.length;
    },
    remove() {
      rmSync(path, { force: true });
    },
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}
