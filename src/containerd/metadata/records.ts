/** The records that containerd keeps, and their tables. Times are ISO 8601; bytes are base64. */
import { keyOf, type Metadata, openMetadata, SEPARATOR, type Table } from './store.ts';

export type Labels = Record<string, string>;

/** google.protobuf.Any, kept byte for byte. */
export interface AnyRecord {
  typeUrl: string;
  value: string;
}

export interface Times {
  createdAt: string;
  updatedAt: string;
}

export interface NamespaceRecord {
  labels: Labels;
}

export interface ContainerRecord extends Times {
  labels: Labels;
  image: string;
  runtime: { name: string; options?: AnyRecord };
  spec?: AnyRecord;
  snapshotter: string;
  snapshotKey: string;
  extensions: Record<string, AnyRecord>;
  sandbox: string;
}

export interface DescriptorRecord {
  mediaType: string;
  digest: string;
  size: number;
  annotations: Labels;
}

export interface ImageRecord extends Times {
  labels: Labels;
  target: DescriptorRecord;
}

export interface ContentRecord extends Times {
  size: number;
  labels: Labels;
}

export interface IngestRecord {
  /** Its ref in the store on disk, which all namespaces share. */
  ref: string;
  /** Set when the content is there already, by another namespace, and only has to be committed. */
  expected?: string;
  /** When nobody needs it any more; absent while a lease keeps it. */
  expireAt?: string;
}

export interface SnapshotRecord extends Times {
  kind: 'active' | 'view' | 'committed';
  /** Its name in the snapshotter, which all namespaces share. */
  backend: string;
  /** The name of another snapshot of the namespace; empty for none. */
  parent: string;
  labels: Labels;
}

export interface LeaseRecord {
  createdAt: string;
  labels: Labels;
}

/** Kinds of what a lease keeps: `content`, `ingests`, or `snapshots/` and a snapshotter's name. */
export type ResourceType = string;

/** Keys begin with the namespace; a snapshot's goes on with its snapshotter, a lease's resource with lease and type. */
export interface Records extends Pick<Metadata, 'transaction' | 'close'> {
  namespaces: Table<NamespaceRecord>;
  containers: Table<ContainerRecord>;
  images: Table<ImageRecord>;
  content: Table<ContentRecord>;
  ingests: Table<IngestRecord>;
  snapshots: Table<SnapshotRecord>;
  leases: Table<LeaseRecord>;
  leased: Table<true>;
  /** A number that was never given before. */
  next(): number;
}

/** Everything of one namespace (and snapshotter, and lease) begins with this. */
export const prefixOf = (...words: string[]): string => keyOf(...words, '');

/** The words that a key was made of. */
export const wordsOf = (key: string): string[] => key.split(SEPARATOR);

export { keyOf };

/** Numbers are taken in packs, as each transaction waits for the disk. Those that a daemon did not use up are never given. */
const RESERVED = 1000;

/** Opens the records, or makes them. @param path of the file */
export function openRecords(path: string): Records {
  const metadata = openMetadata(path);
  const counters = metadata.table<number>('counters');
  let [number, reserved] = [0, 0];
  return {
    transaction: metadata.transaction,
    close: metadata.close,
    namespaces: metadata.table('namespaces'),
    containers: metadata.table('containers'),
    images: metadata.table('images'),
    content: metadata.table('content'),
    ingests: metadata.table('ingests'),
    snapshots: metadata.table('snapshots'),
    leases: metadata.table('leases'),
    leased: metadata.table('leased'),
    next() {
      if (number >= reserved) {
        reserved = metadata.transaction(() => {
          number = counters.get('next') ?? 0;
          counters.put('next', number + RESERVED);
          return number + RESERVED;
        });
      }
      return ++number;
    },
  };
}

/** Records of one prefix, without it. */
export function entriesOf<T>(table: Table<T>, ...words: string[]): [name: string, value: T][] {
  const prefix = prefixOf(...words);
  return table.entries(prefix).map(([key, value]) => [key.slice(prefix.length), value]);
}

/** A namespace is there from the first thing on that is in it. */
export function ensureNamespace(records: Records, namespace: string): void {
  if (!records.namespaces.get(namespace)) records.namespaces.put(namespace, { labels: {} });
}
