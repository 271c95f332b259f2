/**
 * The content store: bytes by their digest, as files. The layout is containerd's own, so that
 * either can read what the other has written:
 *
 *     blobs/sha256/HEX                                        what is complete, and verified
 *     ingest/HEX of the ref/{data,ref,total,startedat,updatedat}   what is being written
 *
 * Labels and namespaces are not here; metadata has them.
 */
import { closeSync, createReadStream, fstatSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { isNotFound, notFound } from '../errors.ts';
import { ALGORITHMS, isDigest, parseDigest } from './digest.ts';
import { syncFolder } from './durable.ts';
import { type Ingest, type IngestOptions, openIngest } from './ingest.ts';
import { forgetHalfMade, type IngestStatus, ingestFolder, readStatus } from './ingest-folder.ts';

export type { Ingest, IngestOptions } from './ingest.ts';
export type { IngestStatus } from './ingest-folder.ts';

export interface ContentInfo {
  digest: string;
  /** In bytes. */
  size: number;
  createdAt: Date;
  updatedAt: Date;
}

/** A blob that is open; it can be read from until `close`, even when it is removed meanwhile. */
export interface OpenContent {
  fd: number;
  size: number;
  close(): void;
}

/** Errors are ConnectErrors in the words of containerd: `content sha256:…: not found`. */
export interface ContentStore {
  /** The folder that holds blobs/ and ingest/. */
  readonly root: string;
  /** @throws not found; invalid argument when it is no digest */
  info(digest: string): ContentInfo;
  has(digest: string): boolean;
  list(): ContentInfo[];
  /** Bytes from `offset` on, at most `length` of them. @throws not found */
  read(digest: string, offset?: number, length?: number): Readable;
  /** @throws not found */
  open(digest: string): OpenContent;
  /**
   * Begins to write, or goes on where an earlier writer of the same ref ended.
   * @throws unavailable when the ref is being written, already exists when `expected` is there
   */
  ingest(ref: string, options?: IngestOptions): Promise<Ingest>;
  statuses(): IngestStatus[];
  /** @throws not found */
  status(ref: string): IngestStatus;
  /** Throws away what was written under a ref. @throws not found */
  abort(ref: string): void;
  /** @throws not found */
  remove(digest: string): void;
}

/** Reading costs a promise for each piece: they are large. */
const PIECE = 1 << 20;

/**
 * Opens a content store, or makes it. One process at a time may have it open: ingests that were
 * begun and have no name yet are taken for what a killed process left, and removed.
 * @param root a folder; containerd's is io.containerd.content.v1.content below its root
 */
export function openContent(root: string): ContentStore {
  mkdirSync(join(root, 'ingest'), { recursive: true, mode: 0o700 });
  mkdirSync(join(root, 'blobs', 'sha256'), { recursive: true });
  forgetHalfMade(root);

  const path = (digest: string): string => {
    const { algorithm, hex } = parseDigest(digest);
    return join(root, 'blobs', algorithm, hex);
  };
  const missing = (error: unknown, digest: string): unknown =>
    (error as NodeJS.ErrnoException).code === 'ENOENT' ? notFound(`content ${digest}`) : error;

  const info = (digest: string): ContentInfo => {
    const stat = statSync(path(digest), { throwIfNoEntry: false });
    if (!stat) throw notFound(`content ${digest}`);
    return { digest, size: stat.size, createdAt: stat.mtime, updatedAt: stat.mtime };
  };

  const open = (digest: string): OpenContent => {
    let fd: number;
    try {
      fd = openSync(path(digest), 'r');
    } catch (error) {
      throw missing(error, digest);
    }
    return { fd, size: fstatSync(fd).size, close: () => closeSync(fd) };
  };

  return {
    root,
    info,
    has: (digest) => statSync(path(digest), { throwIfNoEntry: false }) !== undefined,
    list: () =>
      ALGORITHMS.flatMap((algorithm) =>
        namesIn(join(root, 'blobs', algorithm))
          .map((hex) => `${algorithm}:${hex}`)
          .filter(isDigest)
          .flatMap((digest) => orNothing(() => info(digest))),
      ),
    read: (digest, offset = 0, length = Number.POSITIVE_INFINITY) => {
      const { fd, size, close } = open(digest);
      const end = Math.min(size, offset + length);
      if (offset < end) return createReadStream('', { fd, start: offset, end: end - 1, highWaterMark: PIECE });
      close();
      return Readable.from([]);
    },
    open,
    ingest: (ref, options) => openIngest(root, ref, path, options),
    statuses: () => namesIn(join(root, 'ingest')).flatMap((name) => orNothing(() => readStatus(join(root, 'ingest', name)))),
    status: (ref) => {
      const status = readStatus(ingestFolder(root, ref));
      if (!status) throw notFound(`ingest ref ${JSON.stringify(ref)}`);
      return status;
    },
    abort: (ref) => {
      const folder = ingestFolder(root, ref);
      if (!statSync(folder, { throwIfNoEntry: false })) throw notFound(`ingest ref ${JSON.stringify(ref)}`);
      rmSync(folder, { recursive: true, force: true });
    },
    remove: (digest) => {
      const target = path(digest);
      try {
        rmSync(target);
      } catch (error) {
        throw missing(error, digest);
      }
      syncFolder(join(target, '..'));
    },
  };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** One thing as a list; an empty one when it went away while it was looked at. */
function orNothing<T>(look: () => T | undefined): T[] {
  try {
    const found = look();
    return found === undefined ? [] : [found];
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
