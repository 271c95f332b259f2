/**
 * What overlayfs and native snapshots have in common: a folder each, snapshots/N below the root,
 * and a record. The folder comes first, under a name that counts for nothing (new-…); it gets its
 * number in the transaction that writes the record. Going, the record goes first. So whenever the
 * process is killed, a record has its folder, and folders without a record are found when the root
 * is opened again.
 */
import { mkdirSync, mkdtempSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { openMetadata } from '../metadata/store.ts';
import type { Mount } from './mount.ts';
import { type SnapshotRecord, snapshotRecords } from './records.ts';
import { removeTree } from './remove-tree.ts';
import type { Snapshotter } from './snapshotter.ts';
import { usageOf } from './usage.ts';

/** How one kind of snapshot is made in its folder. */
export interface SnapshotForm {
  name: string;
  /** Makes what belongs into a new folder. `parents`: the folders of the parents, topmost first. */
  make(folder: string, kind: 'active' | 'view', parents: string[]): Promise<void> | void;
  /** @param parents as for `make` */
  mounts(folder: string, record: SnapshotRecord, parents: string[]): Mount[];
  /** The part of the folder that holds the files. */
  files(folder: string): string;
}

/**
 * Opens snapshots below a root folder, or makes it. One process at a time.
 *
 * The folders are closed to other users: a file tree of an image has setuid programs, which nobody
 * may reach around the container (CVE-2021-41103).
 */
export async function openFolderSnapshotter(root: string, form: SnapshotForm): Promise<Snapshotter> {
  const base = join(root, 'snapshots');
  mkdirSync(root, { recursive: true, mode: 0o700 });
  mkdirSync(base, { recursive: true, mode: 0o700 });
  const metadata = openMetadata(join(root, 'metadata.lmdb'));
  const records = snapshotRecords(metadata);
  const folderOf = (id: string): string => join(base, id);
  const mountsOf = (record: SnapshotRecord): Mount[] => form.mounts(folderOf(record.id), record, record.parentIds.map(folderOf));
  /** Folders that are being made have no record yet. */
  const making = new Set<string>();

  const cleanup = async (): Promise<void> => {
    const known = records.ids();
    const orphans = readdirSync(base).filter((name) => !known.has(name) && !making.has(name));
    const failed: unknown[] = [];
    for (const name of orphans) await removeTree(base, name).catch((error) => failed.push(error));
    if (failed.length > 0) throw failed[0];
  };

  const create = async (kind: 'active' | 'view', key: string, parent: string, labels: Record<string, string>): Promise<Mount[]> => {
    const parentIds = records.mayCreate(key, parent);
    const folder = mkdtempSync(join(base, 'new-'));
    const name = folder.slice(base.length + 1);
    making.add(name);
    let numbered: string | undefined;
    try {
      await form.make(folder, kind, parentIds.map(folderOf));
      const record = records.create(kind, key, parent, labels, ({ id }) => {
        renameSync(folder, folderOf(id));
        numbered = id;
      });
      return mountsOf(record);
    } catch (error) {
      await removeTree(base, numbered ?? name);
      throw error;
    } finally {
      making.delete(name);
    }
  };

  // What cannot be removed takes room, and is no reason to be without the others.
  await cleanup().catch(() => {});

  return {
    name: form.name,
    stat: (key) => records.get(key).info,
    update: records.update,
    usage: async (key) => {
      const { id, usage } = records.get(key);
      return usage ?? usageOf(form.files(folderOf(id)));
    },
    mounts: (key) => mountsOf(records.get(key)),
    prepare: (key, parent, labels = {}) => create('active', key, parent, labels),
    view: (key, parent, labels = {}) => create('view', key, parent, labels),
    commit: async (name, key, labels = {}) => {
      const { id } = records.get(key);
      records.commit(name, key, labels, await usageOf(form.files(folderOf(id))));
    },
    remove: async (key) => {
      const { id } = records.get(key);
      records.remove(key);
      await removeTree(base, id);
    },
    walk: records.all,
    cleanup,
    close: () => metadata.close(),
  };
}
