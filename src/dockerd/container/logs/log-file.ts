/** The file that a log is appended to: whole entries only, a new file when it is large enough, and news for those who follow. */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { type Compression, openCompression } from './compression.ts';
import { rotateNames } from './rotated-files.ts';

export interface LogFileSettings {
  path: string;
  /** Bytes from which on a new file is begun; undefined: never. */
  maxSize?: number;
  /** How many files there are at most. */
  maxFiles: number;
  /** Older files are compressed. */
  compress: boolean;
}

export interface Follower {
  /** There is more to read, or the end has come. */
  appended(): void;
  /** Path names a new, empty file; the one before has its final size. */
  rotated(finalSize: number): void;
}

export interface LogFile {
  readonly settings: LogFileSettings;
  /** Of the file that path names, in bytes; always the end of an entry. */
  readonly size: number;
  /** Tells this file from others that had its name. */
  readonly inode: number;
  /** Nothing will follow. */
  readonly ended: boolean;
  /** The next entry belongs into a new file. @param waiting bytes that are not appended yet */
  isFull(waiting: number): boolean;
  rotate(): void;
  /** All of it is handed to the kernel when this returns; or nothing. @throws Error of the file system */
  append(entries: Uint8Array): void;
  /**
   * Takes back what was appended since the log ended at `place`, or leaves one alone that was begun then.
   * @returns false when it never ended there
   */
  rewind(place: { inode: number; size: number }): boolean;
  /** @returns ends it */
  follow(follower: Follower): () => void;
  close(): void;
  /** Resolves when no old file is being compressed. */
  settled(): Promise<void>;
}

/** As Docker's: not for everybody to read. */
const MODE = 0o640;

/** What a daemon that was killed in the middle of a write left behind the last entry is taken away. */
function cutTornEnd(fd: number): number {
  const { size } = fstatSync(fd);
  const block = Buffer.alloc(64 << 10);
  let end = size;
  while (end > 0) {
    const start = Math.max(0, end - block.length);
    const length = readSync(fd, block, 0, end - start, start);
    const newline = block.subarray(0, length).lastIndexOf(0x0a);
    if (newline >= 0) {
      end = start + newline + 1;
      break;
    }
    end = start;
  }
  if (end < size) ftruncateSync(fd, end);
  return end;
}

/** @param failed is told of what does not hinder the log: an old file that cannot be compressed */
export function openLogFile(settings: LogFileSettings, failed: (error: unknown) => void): LogFile {
  const { path, maxSize, maxFiles, compress } = settings;
  let fd = openSync(path, 'a+', MODE);
  let size: number;
  try {
    size = cutTornEnd(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let inode = fstatSync(fd).ino;
  let ended = false;
  const followers = new Set<Follower>();
  const compression: Compression | undefined = compress && maxFiles > 1 ? openCompression(path, maxFiles, failed) : undefined;
  return {
    settings,
    get size() {
      return size;
    },
    get inode() {
      return inode;
    },
    get ended() {
      return ended;
    },
    isFull: (waiting) => maxSize !== undefined && size + waiting >= maxSize,
    rotate() {
      // First what can fail for want of space or descriptors, so that a failure changes no names.
      const fresh = `${path}.new`;
      rmSync(fresh, { force: true });
      const next = openSync(fresh, 'a+', MODE);
      try {
        rotateNames(path, maxFiles);
        renameSync(fresh, path);
      } catch (error) {
        closeSync(next);
        throw error;
      }
      closeSync(fd);
      fd = next;
      const finalSize = size;
      ({ size, ino: inode } = fstatSync(fd));
      compression?.rotated();
      for (const follower of [...followers]) follower.rotated(finalSize);
    },
    append(entries) {
      try {
        for (let done = 0; done < entries.length; ) done += writeSync(fd, entries, done);
      } catch (error) {
        // A disk that is full takes a part: an entry is there as a whole or not at all.
        ftruncateSync(fd, size);
        throw error;
      }
      size += entries.length;
      for (const follower of [...followers]) follower.appended();
    },
    rewind(place) {
      if (place.inode !== inode) return size === 0;
      if (place.size > size) return false;
      if (place.size < size) ftruncateSync(fd, place.size);
      size = place.size;
      return true;
    },
    follow(follower) {
      followers.add(follower);
      return () => followers.delete(follower);
    },
    close() {
      if (ended) return;
      ended = true;
      closeSync(fd);
      compression?.close();
      for (const follower of [...followers]) follower.appended();
      followers.clear();
    },
    settled: async () => compression?.idle(),
  };
}
