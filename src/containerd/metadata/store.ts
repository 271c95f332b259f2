/**
 * Where containerd's layers write down what must survive a crash: an LMDB file, as containerd has
 * bbolt. A transaction is there wholly or not at all, whenever the process is killed.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { open } from 'lmdb';

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
  const tables = new Map<string, Table<unknown>>();
  return {
    table: <T>(name: string) => {
      const known = tables.get(name) ?? table<unknown>(name);
      tables.set(name, known);
      return known as Table<T>;
    },
    transaction: (act) => root.transactionSync(act),
    close: () => root.close(),
  };
}
