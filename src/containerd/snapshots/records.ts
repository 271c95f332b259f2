/**
 * What is known of snapshots: which there are, what each is made of, and which folder it has.
 * All of it in one LMDB file; each change is one transaction.
 */
import { alreadyExists, failedPrecondition, invalidArgument, notFound } from '../errors.ts';
import { keyOf, type Metadata } from '../metadata/store.ts';
import type { SnapshotInfo, SnapshotKind, SnapshotUsage } from './snapshotter.ts';

interface Snapshot {
  /** The name of its folder. Never used again for another one. */
  id: number;
  kind: SnapshotKind;
  parent: string;
  labels: Record<string, string>;
  createdAt: string;
  updatedAt: string;
  /** Of a committed one, which does not change any more. */
  usage?: SnapshotUsage;
}

/** A snapshot with the folders that it is made of. */
export interface SnapshotRecord {
  id: string;
  info: SnapshotInfo;
  usage?: SnapshotUsage;
  /** The parent's, its parent's, and so on: topmost first. */
  parentIds: string[];
}

export interface SnapshotRecords {
  /** @throws not found */
  get(key: string): SnapshotRecord;
  all(): SnapshotInfo[];
  ids(): Set<string>;
  update(info: Pick<SnapshotInfo, 'name' | 'labels'>, fieldpaths?: string[]): SnapshotInfo;
  /** @param make what else belongs to the transaction; when it throws, there is no record */
  create(
    kind: 'active' | 'view',
    key: string,
    parent: string,
    labels: Record<string, string>,
    make: (record: SnapshotRecord) => void,
  ): SnapshotRecord;
  /** Throws what `create` would throw, before anything is made for it. */
  mayCreate(key: string, parent: string): string[];
  commit(name: string, key: string, labels: Record<string, string>, usage: SnapshotUsage): void;
  remove(key: string): void;
}

export function snapshotRecords(metadata: Metadata): SnapshotRecords {
  const snapshots = metadata.table<Snapshot>('snapshots');
  /** Keys of parent and child. */
  const children = metadata.table<true>('children');
  const counters = metadata.table<number>('counters');

  const info = (name: string, s: Snapshot): SnapshotInfo => ({
    kind: s.kind,
    name,
    parent: s.parent,
    labels: s.labels,
    createdAt: new Date(s.createdAt),
    updatedAt: new Date(s.updatedAt),
  });

  const parentIds = (first: string): string[] => {
    const ids: string[] = [];
    for (let name = first; name !== ''; ) {
      const parent = snapshots.get(name);
      if (!parent) throw notFound(`missing parent ${JSON.stringify(name)} bucket`);
      ids.push(String(parent.id));
      name = parent.parent;
    }
    return ids;
  };

  const demand = (key: string): Snapshot => {
    const found = snapshots.get(key);
    if (!found) throw notFound(`snapshot ${key}`);
    return found;
  };

  const record = (key: string, s: Snapshot): SnapshotRecord => ({
    id: String(s.id),
    info: info(key, s),
    usage: s.usage,
    parentIds: parentIds(s.parent),
  });

  const mayCreate = (key: string, parent: string): string[] => {
    if (key === '') throw invalidArgument('key must not be empty');
    if (parent !== '') {
      const below = snapshots.get(parent);
      if (!below) throw notFound(`missing parent ${JSON.stringify(parent)} bucket`);
      if (below.kind !== 'committed') throw invalidArgument(`parent ${JSON.stringify(parent)} is not committed snapshot`);
    }
    if (snapshots.get(key)) throw alreadyExists(`snapshot ${key}`);
    return parentIds(parent);
  };

  return {
    get: (key) => record(key, demand(key)),
    all: () => snapshots.entries().map(([key, s]) => info(key, s)),
    ids: () => new Set(snapshots.entries().map(([, s]) => String(s.id))),
    mayCreate,
    update: ({ name, labels }, fieldpaths = []) =>
      metadata.transaction(() => {
        const now = demand(name);
        let wanted = fieldpaths.length === 0 ? labels : { ...now.labels };
        for (const path of fieldpaths) {
          if (path === 'labels') wanted = labels;
          else if (path.startsWith('labels.')) wanted = { ...wanted, [path.slice(7)]: labels[path.slice(7)] ?? '' };
          else throw invalidArgument(`cannot update ${JSON.stringify(path)} field on snapshot ${JSON.stringify(name)}`);
        }
        // An empty value takes a label away.
        const kept = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== ''));
        const changed = { ...now, labels: kept, updatedAt: new Date().toISOString() };
        snapshots.put(name, changed);
        return info(name, changed);
      }),
    create: (kind, key, parent, labels, make) =>
      metadata.transaction(() => {
        mayCreate(key, parent);
        const id = (counters.get('snapshot') ?? 0) + 1;
        counters.put('snapshot', id);
        const now = new Date().toISOString();
        const made: Snapshot = { id, kind, parent, labels, createdAt: now, updatedAt: now };
        snapshots.put(key, made);
        if (parent !== '') children.put(keyOf(parent, key), true);
        const result = record(key, made);
        make(result);
        return result;
      }),
    commit: (name, key, labels, usage) =>
      metadata.transaction(() => {
        if (name === '') throw invalidArgument('name must not be empty');
        if (snapshots.get(name)) throw alreadyExists(`committed snapshot ${name}`);
        const active = snapshots.get(key);
        if (!active) throw notFound(`failed to get active snapshot ${JSON.stringify(key)}`);
        if (active.kind !== 'active') throw failedPrecondition(`snapshot ${JSON.stringify(key)} is not active`);
        const now = new Date().toISOString();
        snapshots.put(name, { ...active, kind: 'committed', labels, usage, createdAt: now, updatedAt: now });
        snapshots.remove(key);
        if (active.parent !== '') {
          children.remove(keyOf(active.parent, key));
          children.put(keyOf(active.parent, name), true);
        }
      }),
    remove: (key) =>
      metadata.transaction(() => {
        const found = demand(key);
        if (children.entries(keyOf(key, '')).length > 0) throw failedPrecondition('cannot remove snapshot with child');
        snapshots.remove(key);
        if (found.parent !== '') children.remove(keyOf(found.parent, key));
      }),
  };
}
