/**
 * What a transfer needs of the stores, and nothing more. The content store, the snapshotters and
 * the metadata fit it; tests have small ones of their own.
 */
import type { Readable } from 'node:stream';
import type { Descriptor } from '../registry/descriptor.ts';

type Awaitable<T> = T | Promise<T>;

export interface BlobInfo {
  digest: string;
  /** bytes */
  size: number;
  labels?: Record<string, string>;
}

/** One writer of one ref; see the content store's Ingest. */
export interface BlobWriter {
  readonly offset: number;
  write(chunk: Uint8Array): Promise<void>;
  truncate(offset: number): Promise<void>;
  /** @throws failed precondition for the wrong bytes, already exists when somebody else was faster */
  commit(wanted: { size?: number; digest?: string }): Promise<string>;
  close(): Promise<void>;
}

/** Content of one namespace, with its labels. */
export interface ContentPort {
  /** @throws not found */
  info(digest: string): Awaitable<BlobInfo>;
  read(digest: string, offset?: number, length?: number): Readable;
  /** @throws unavailable while somebody writes to that ref; already exists when `expected` is there, which is leased then */
  ingest(ref: string, options?: { expected?: string; total?: number }): Awaitable<BlobWriter>;
  /** Throws away what was written under a ref. @throws not found */
  abort(ref: string): Awaitable<void>;
  /** Sets these labels; an empty value removes one; others stay. */
  label(digest: string, labels: Record<string, string>): Awaitable<void>;
}

export interface Image {
  name: string;
  target: Descriptor;
  labels?: Record<string, string>;
}

export interface ImagesPort {
  /** @throws not found */
  get(name: string): Awaitable<Image>;
  list(): Awaitable<readonly Image[]>;
  /** Makes it, or lets the name point to the new target. */
  put(image: Image): Awaitable<Image>;
}

export interface Mount {
  type: string;
  source: string;
  target?: string;
  options: string[];
}

/** One snapshotter of one namespace. */
export interface SnapshotsPort {
  /** its name in labels: `overlayfs` */
  readonly name: string;
  /**
   * Makes an active snapshot.
   * @throws already exists also when the label `containerd.io/snapshot.ref` names a snapshot that is there; that is leased then
   */
  prepare(key: string, parent: string, options?: { labels?: Record<string, string> }): Awaitable<readonly Mount[]>;
  commit(name: string, key: string, options?: { labels?: Record<string, string> }): Awaitable<void>;
  remove(key: string): Awaitable<void>;
}

/** Unpacks a layer's tar, compressed or not, onto a prepared snapshot. @returns the digest of the uncompressed tar */
export type ApplyPort = (mounts: readonly Mount[], tar: Readable, layer: Descriptor) => Promise<{ digest: string; size: number }>;

export interface Stores {
  content: ContentPort;
  images: ImagesPort;
  /** missing where images are only kept, not run */
  snapshots?: SnapshotsPort;
  apply?: ApplyPort;
  /**
   * Runs it with stores whose new content and snapshots the garbage collector leaves alone until
   * it ends, and for a day if the process is killed in the middle of it.
   */
  leased<R>(act: (stores: Omit<Stores, 'leased'>) => Promise<R>): Promise<R>;
}
