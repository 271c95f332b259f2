/** Reads a tar or tar.gz, entry by entry. The format is the `tar` package's business; the errors are ours. */
import { closeSync, openSync, readSync } from 'node:fs';
import type { ReadEntry } from 'tar';
import { type ArchiveEntry, type EntryKind, RootfsError } from './archive-tree.ts';

export interface FoundEntry extends ArchiveEntry {
  /** Permission bits, set-user-id and the like included. */
  mode: number;
  uid: number;
  gid: number;
  mtime: Date;
  major: number;
  minor: number;
}

/** What a caller does with an entry's bytes; files only. */
export interface EntryWriter {
  data(chunk: Buffer): void;
  end(): void;
}

// biome-ignore format: a table
const KINDS: Record<string, EntryKind> = {
  File: 'file', OldFile: 'file', ContiguousFile: 'file', Directory: 'dir', GNUDumpDir: 'dir', SymbolicLink: 'symlink',
  Link: 'hardlink', CharacterDevice: 'char', BlockDevice: 'block', FIFO: 'fifo',
};

const CHUNK = 1024 * 1024;

/** Compressions that `tar` packages of other tools use, by their first bytes. */
const COMPRESSIONS: [name: string, program: string, magic: number[]][] = [
  ['xz', 'xz -d', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['bzip2', 'bzip2 -d', [0x42, 0x5a, 0x68]],
  ['zstd', 'zstd -d', [0x28, 0xb5, 0x2f, 0xfd]],
  ['lz4', 'lz4 -d', [0x04, 0x22, 0x4d, 0x18]],
  ['zip', 'unzip', [0x50, 0x4b, 0x03, 0x04]],
];

/**
 * Calls `onEntry` for each entry, in order; what it returns gets the bytes of a file. Synchronous
 * but for the loading of the tar package.
 * @throws RootfsError when the file is no tar, ends too early, or is empty; and what `onEntry` throws
 */
export async function readArchive(file: string, onEntry: (entry: FoundEntry) => EntryWriter | undefined): Promise<void> {
  const { Parser } = await import('tar');
  let problem: Error | undefined;
  let count = 0;
  let sawEnd = false;
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry: ReadEntry) => {
      count++;
      try {
        if (!problem) take(entry, onEntry);
      } catch (error) {
        problem ??= error as Error;
      }
      entry.resume();
    },
  });
  parser.on('eof', () => {
    sawEnd = true;
  });
  parser.on('error', (error: Error) => {
    problem ??= explain(file, error, count);
  });
  const fd = openSync(file, 'r');
  try {
    for (let first = true; !problem; first = false) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const n = readSync(fd, chunk);
      if (first) {
        if (n === 0) throw new RootfsError(`${file} is empty: it holds no root filesystem`);
        refuseOtherFormats(file, chunk.subarray(0, n));
      }
      if (n === 0) break;
      parser.write(chunk.subarray(0, n));
    }
    if (!problem) parser.end();
  } catch (error) {
    problem ??= error instanceof RootfsError ? error : explain(file, error as Error, count);
  } finally {
    closeSync(fd);
  }
  if (problem) throw problem;
  if (count === 0) throw new RootfsError(`${file} is an archive without any entry: it holds no root filesystem`);
  // tar(5): an archive ends with two blocks of zeros. Without them, the rest may be missing.
  if (!sawEnd) throw new RootfsError(`${file} is truncated: the mark at the end of a tar is missing; copy or make it again`);
}

function take(entry: ReadEntry, onEntry: (entry: FoundEntry) => EntryWriter | undefined): void {
  const kind = KINDS[entry.type];
  if (!kind) throw new RootfsError(`the entry ${JSON.stringify(entry.path)} is of a kind that is not supported (${entry.type})`);
  const writer = onEntry({
    path: entry.path,
    kind,
    linkpath: entry.linkpath ?? '',
    mode: (entry.mode ?? (kind === 'dir' ? 0o755 : 0o644)) & 0o7777,
    uid: entry.uid ?? 0,
    gid: entry.gid ?? 0,
    mtime: entry.mtime ?? new Date(0),
    major: entry.header.devmaj,
    minor: entry.header.devmin,
  });
  if (!writer) return;
  entry.on('data', (chunk: Buffer) => writer.data(chunk));
  entry.on('end', () => writer.end());
}

function refuseOtherFormats(file: string, start: Buffer): void {
  for (const [name, program, magic] of COMPRESSIONS) {
    if (magic.every((byte, i) => start[i] === byte)) {
      throw new RootfsError(`${file} is ${name}-compressed; only tar and tar.gz are read (unpack it first: ${program} ${file})`);
    }
  }
}

function explain(file: string, error: Error, entries: number): Error {
  const { code = '', tarCode = '' } = error as Error & { code?: string; tarCode?: string };
  if (error instanceof RootfsError || /^E[A-Z]+$/.test(code)) return error;
  if (/Truncated|unexpected end/i.test(error.message) || code === 'Z_BUF_ERROR') {
    return new RootfsError(`${file} is truncated: it ends in the middle of an entry; copy or make it again`);
  }
  if (entries === 0) return new RootfsError(`${file} is no tar archive (and no folder); a root filesystem is one or the other`);
  return new RootfsError(`${file} is damaged after ${entries} entries: ${error.message}${tarCode ? ` (${tarCode})` : ''}`);
}
