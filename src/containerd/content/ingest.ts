/**
 * Writing content. What is written lies in a file of its own, and gets its name in blobs/ by a
 * rename once its digest is known to be right: a wrong or half blob is never to be seen.
 */
import { close, fstatSync, fsync, ftruncate, mkdirSync, open, read, renameSync, rmSync, statSync, utimesSync, write } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { call } from '../../libc/fd.ts';
import { alreadyExists, failedPrecondition, invalidArgument, unavailable } from '../errors.ts';
import { CANONICAL, digestSoFar, hasher, parseDigest } from './digest.ts';
import { syncFolder } from './durable.ts';
import { ingestFolder, makeIngestFolder, readStatus, writeTime } from './ingest-folder.ts';

const openAsync = promisify(open);
const closeAsync = promisify(close);
const readAsync = promisify(read);
const writeAsync = promisify(write);
const syncAsync = promisify(fsync);
const truncateAsync = promisify(ftruncate);

export interface IngestOptions {
  /** The digest that it will have, if known: nothing is begun when that is there already. */
  expected?: string;
  /** How many bytes there will be, if known. */
  total?: number;
}

/** One writer of one ref. Exactly one of `commit` and `close` ends it. */
export interface Ingest {
  readonly ref: string;
  /** How many bytes are there: where the next `write` goes. More than 0 at the beginning when an earlier writer was interrupted. */
  readonly offset: number;
  readonly total: number;
  readonly startedAt: Date;
  readonly updatedAt: Date;
  /** The digest of what is there so far. */
  digest(): string;
  /** Writes at `offset`, and moves that on at once. The chunk must not be changed until it resolves. */
  write(chunk: Uint8Array): Promise<void>;
  /** Keeps the first `offset` bytes only. */
  truncate(offset: number): Promise<void>;
  /**
   * Makes it content, if size (in bytes) and digest are as given. The ingest ends in any case;
   * what was written stays for another try when they are not.
   * @returns its digest
   * @throws failed precondition when they differ, already exists when that content is there
   */
  commit(wanted?: { size?: number; digest?: string }): Promise<string>;
  /** Stops; what was written waits for the next ingest of the ref. May be called at any time, also after `commit`. */
  close(): Promise<void>;
}

const LOCK_EX_NB = 2 | 4;

/** See {@link ContentStore.ingest}. `blobPath` gives a digest's place in blobs/. */
export async function openIngest(
  root: string,
  ref: string,
  blobPath: (digest: string) => string,
  { expected, total = 0 }: IngestOptions = {},
): Promise<Ingest> {
  if (ref === '') throw invalidArgument('ref must not be empty');
  let algorithm = CANONICAL;
  if (expected !== undefined) {
    algorithm = parseDigest(expected).algorithm;
    if (statSync(blobPath(expected), { throwIfNoEntry: false })) throw alreadyExists(`content ${expected}`);
  }

  const folder = ingestFolder(root, ref);
  const status = readStatus(folder);
  const fits = status?.ref === ref && !(total > 0 && status.total > 0 && total !== status.total);
  if (!fits) {
    // Somebody may be writing to what does not fit; their lock says so.
    if (status) await closeAsync(await lockData(folder, ref));
    makeIngestFolder(folder, ref, total);
  }
  const fd = await lockData(folder, ref);
  const started = { at: fits ? status.startedAt : new Date(), total: fits && status.total > 0 ? status.total : total };

  let hash = hasher(algorithm);
  let offset = 0;
  let updatedAt = fits ? status.updatedAt : started.at;
  let ended = false;
  /** All writes that were begun. When one of them failed, hash and file differ: only `truncate` mends that. */
  let writes: Promise<unknown> = Promise.resolve();

  /** Hashes again what lies there: after a crash nothing else is to be trusted. */
  const hashAgain = async (size: number, kind = algorithm): Promise<void> => {
    hash = hasher(kind);
    algorithm = kind;
    offset = 0;
    const piece = Buffer.allocUnsafeSlow(Math.min(1 << 20, Math.max(size, 1)));
    while (offset < size) {
      const { bytesRead } = await readAsync(fd, piece, 0, Math.min(piece.length, size - offset), offset);
      if (bytesRead === 0) throw new Error(`ingest ${ref}: the file ends at ${offset}, not at ${size}`);
      hash.update(piece.subarray(0, bytesRead));
      offset += bytesRead;
    }
  };

  const end = async (): Promise<void> => {
    if (ended) return;
    ended = true;
    await closeAsync(fd);
  };

  const demandOpen = (): void => {
    if (ended) throw failedPrecondition('cannot commit on closed writer');
  };

  try {
    await hashAgain(fstatSync(fd).size);
  } catch (error) {
    await end();
    throw error;
  }

  const writeAll = async (chunk: Uint8Array, at: number): Promise<void> => {
    for (let done = 0; done < chunk.length; ) {
      done += (await writeAsync(fd, chunk, done, chunk.length - done, at + done)).bytesWritten;
    }
  };

  const publish = async (size?: number, digest?: string): Promise<string> => {
    await writes;
    if (size !== undefined && size > 0 && size !== offset) {
      throw failedPrecondition(`unexpected commit size ${offset}, expected ${size}`);
    }
    const wanted = digest === undefined || digest === '' ? undefined : parseDigest(digest);
    if (wanted && wanted.algorithm !== algorithm) await hashAgain(offset, wanted.algorithm);
    const got = digestSoFar(algorithm, hash);
    if (wanted && got !== digest) throw failedPrecondition(`unexpected commit digest ${got}, expected ${digest}`);

    const target = blobPath(got);
    mkdirSync(dirname(target), { recursive: true });
    if (statSync(target, { throwIfNoEntry: false })) {
      rmSync(folder, { recursive: true, force: true });
      throw alreadyExists(`content ${got}`);
    }
    call('fchmod', fd, 0o444);
    await syncAsync(fd);
    const data = statSync(join(folder, 'data'), { throwIfNoEntry: false });
    // Aborted, and perhaps begun again by somebody else: what lies there now is not what was hashed.
    if (data?.ino !== fstatSync(fd).ino || data.size !== offset) throw failedPrecondition(`ingest ref ${JSON.stringify(ref)} was aborted`);
    renameSync(join(folder, 'data'), target);
    syncFolder(dirname(target));
    const now = new Date();
    utimesSync(target, now, now);
    rmSync(folder, { recursive: true, force: true });
    return got;
  };

  return {
    ref,
    get offset() {
      return offset;
    },
    get total() {
      return started.total;
    },
    startedAt: started.at,
    get updatedAt() {
      return updatedAt;
    },
    digest: () => digestSoFar(algorithm, hash),
    write: async (chunk) => {
      demandOpen();
      // libuv's pool writes while this thread hashes.
      const written = writeAll(chunk, offset);
      writes = Promise.all([writes, written]);
      writes.catch(() => {}); // whoever waits for it sees the error
      offset += chunk.length;
      hash.update(chunk);
      await written;
      updatedAt = new Date();
    },
    truncate: async (size) => {
      demandOpen();
      await writes.catch(() => {});
      if (size > offset) throw invalidArgument(`cannot truncate ${offset} bytes to ${size}`);
      await truncateAsync(fd, size);
      await hashAgain(size);
      writes = Promise.resolve();
    },
    commit: async ({ size, digest } = {}) => {
      demandOpen();
      try {
        return await publish(size, digest);
      } finally {
        await end();
      }
    },
    close: async () => {
      if (ended) return;
      await writes.catch(() => {});
      await syncAsync(fd);
      if (statSync(folder, { throwIfNoEntry: false })) writeTime(folder, 'updatedat');
      await end();
    },
  };
}

/**
 * Opens an ingest's data and locks it, flock(2), against other writers, in this process or another.
 * A lock that was got after the file went to blobs/ counts for nothing: that would write into a blob.
 */
async function lockData(folder: string, ref: string): Promise<number> {
  const path = join(folder, 'data');
  const fd = await openAsync(path, 'r+').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? unavailable(`ref ${ref} locked`) : error;
  });
  const locked = call('flock', fd, LOCK_EX_NB) === 0;
  const now = statSync(path, { throwIfNoEntry: false });
  if (locked && now?.ino === fstatSync(fd).ino) return fd;
  await closeAsync(fd);
  throw unavailable(`ref ${ref} locked`);
}
