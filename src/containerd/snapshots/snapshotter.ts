/**
 * What a snapshotter does: it keeps file trees that are made of one another. A committed snapshot
 * never changes. An active one is what a layer is applied to, or a container writes to, on top of
 * a committed parent; a view is the same, to be read only.
 * Source: containerd, core/snapshots/snapshotter.go.
 */
import type { Mount } from './mount.ts';

export type { Mount } from './mount.ts';

export type SnapshotKind = 'view' | 'active' | 'committed';

export interface SnapshotInfo {
  kind: SnapshotKind;
  /** The key of an active one or a view, the name of a committed one: both are unique among all of them. */
  name: string;
  /** The name of the committed snapshot below; empty for none. */
  parent: string;
  labels: Record<string, string>;
  createdAt: Date;
  updatedAt: Date;
}

export interface SnapshotUsage {
  /** How many files, folders included. */
  inodes: number;
  /** What they take on the disk, in bytes. */
  size: number;
}

/** Errors are ConnectErrors in the words of containerd. Keys and names are any text; the caller puts namespaces into them. */
export interface Snapshotter {
  /** overlayfs or native. */
  readonly name: string;
  /** @throws not found */
  stat(key: string): SnapshotInfo;
  /**
   * Changes labels; nothing else can be changed.
   * @param fieldpaths `labels`, `labels.NAME`; none at all replaces all labels
   * @throws not found, invalid argument for other fields
   */
  update(info: Pick<SnapshotInfo, 'name' | 'labels'>, fieldpaths?: string[]): SnapshotInfo;
  /** What the snapshot takes beyond its parents. @throws not found */
  usage(key: string): Promise<SnapshotUsage>;
  /** How to mount an active one or a view. @throws not found */
  mounts(key: string): Mount[];
  /** Makes an active snapshot. @throws already exists, not found or invalid argument for the parent */
  prepare(key: string, parent: string, labels?: Record<string, string>): Promise<Mount[]>;
  /** Makes a view. @throws as prepare */
  view(key: string, parent: string, labels?: Record<string, string>): Promise<Mount[]>;
  /** Makes a committed snapshot of an active one, whose key is free afterwards. @throws already exists, not found, failed precondition */
  commit(name: string, key: string, labels?: Record<string, string>): Promise<void>;
  /** @throws not found, failed precondition when another one is made of it */
  remove(key: string): Promise<void>;
  /** All of them, in the order of their names. */
  walk(): SnapshotInfo[];
  /** Removes folders that belong to no snapshot: of removed ones, and of what a killed process began. */
  cleanup(): Promise<void>;
  close(): Promise<void>;
}
