/**
 * Where containerd's layers write down what must survive a crash: an LMDB file, as containerd has
 * bbolt. A transaction is there wholly or not at all, whenever the process is killed. To wait for the
 * disk at each of them would be most of the time that a container's start takes, so the disk gets them
 * a moment later, in a thread of its own: only a machine that loses power within that moment forgets
 * them, and then all of them from some point on. Who throws bytes away waits for {@link Metadata.flushed} first.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { open, TransactionFlags } from 'lmdb';

/** Records of one kind, by key. Keys are at most 1,000 bytes of UTF-8 (LMDB's limit is 1,978). */
export interface Table<T> {
  get(key: string): T | undefined;
  put(key: string, value: T): void;
  /** @returns false when there was none */
  remove(key: string): boolean;
  /** Those whose keys begin with the prefix, in the order of their keys. */
  entries(prefix?: string): [key: string, value: T][];
}

export interface Metadata {
  /** The table of that name; made when it is first written to. Values are what JSON can hold. */
  table<T>(name: string): Table<T>;
  /** Everything in it happens, or, when it throws, nothing. It waits for nothing; transactions inside belong to the outer one. */
  transaction<R>(act: () => R): R;
  /** Resolves when all transactions so far are on the disk. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}

/**
 * ASCII's unit separator: not a character of any name that containerd allows (identifiers,
 * references), and before all that are. Not less than 5: lmdb escapes those in keys below 64
 * characters and not in longer ones, so that a prefix would not be one.
 */
export const SEPARATOR = '\u001f';

/** A key of several words, such as a namespace and a name: those of one namespace lie together. */
export const keyOf = (...words: string[]): string => words.join(SEPARATOR);

/** Nested ones can be undone alone; the call returns when it is committed, and not when the disk has it. */
const LATER: TransactionFlags = TransactionFlags.ABORTABLE | TransactionFlags.SYNCHRONOUS_COMMIT | TransactionFlags.NO_SYNC_FLUSH;
/** Milliseconds until the disk is given what was written. */
const SOON_MS = 50;

/**
 * Opens the file, or makes it.
 * @param path of the file; a second one beside it, PATH-lock, holds LMDB's locks
 */
export function openMetadata(path: string): Metadata {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Node's own caches would hold each record twice; the page cache holds them already.
  const root = open({ path, encoding: 'json', maxDbs: 64, cache: false, noSubdir: true });
  const table = <T>(name: string): Table<T> => {
    const db = root.openDB<T, string>({ name, encoding: 'json' });
    return {
      get: (key) => db.get(key),
      put: (key, value) => void db.putSync(key, value),
      remove: (key) => db.removeSync(key),
      entries: (prefix = '') => {
        const end = prefix === '' ? undefined : `${prefix}\u{10ffff}`;
        return [...db.getRange(end === undefined ? {} : { start: prefix, end }).map(({ key, value }) => [key, value] as [string, T])];
      },
    };
  };
  // A write of its own, which lmdb makes in its thread, takes all earlier ones to the disk with it (mdb_env_sync).
  const flushes = root.openDB<number, string>({ name: 'flushes', encoding: 'json' });
  const flush = async (): Promise<void> => {
    await flushes.put('last', Date.now());
    await flushes.flushed;
  };
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> = Promise.resolve();
  const flushSoon = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      // What fails here fails again for whoever waits for it, or for the next transaction.
      flushing = flushing.then(flush).catch(() => undefined);
    }, SOON_MS).unref();
  };
  const tables = new Map<string, Table<unknown>>();
  return {
    table: <T>(name: string) => {
      const known = tables.get(name) ?? table<unknown>(name);
      tables.set(name, known);
      return known as Table<T>;
    },
    transaction(act) {
      const result = root.transactionSync(act, LATER);
      flushSoon();
      return result;
    },
    flushed: flush,
    async close() {
      clearTimeout(timer);
      await flushing;
      await flush();
      await root.close();
    },
  };
}
