/**
 * Snapshots as a namespace sees them. The snapshotter has all namespaces' snapshots, under names
 * that are used once; a record says what a namespace calls one of them, and has its labels. What
 * has no record does not exist, and is removed when garbage is collected.
 */
import { alreadyExists, failedPrecondition, isNotFound, notFound } from '../errors.ts';
import { applyMask } from '../field-mask.ts';
import { inMap, parseFilters } from '../filters.ts';
import { checkLabels } from '../identifier.ts';
import type { Scope } from '../scope.ts';
import type { Mount, SnapshotKind, Snapshotter, SnapshotUsage } from '../snapshots/snapshotter.ts';
import { leaseIt, unleaseIt } from './leases.ts';
import { ensureNamespace, entriesOf, keyOf, type Labels, type Records, type SnapshotRecord, wordsOf } from './records.ts';

export interface SnapshotInfo extends Omit<SnapshotRecord, 'backend'> {
  name: string;
}

export interface NamespacedSnapshots {
  /** @throws not found */
  stat(scope: Scope, key: string): SnapshotInfo;
  /** @throws not found, invalid argument */
  update(scope: Scope, key: string, labels: Labels, paths: readonly string[]): SnapshotInfo;
  /** @throws not found */
  usage(scope: Scope, key: string): Promise<SnapshotUsage>;
  /** @throws not found */
  mounts(scope: Scope, key: string): Mount[];
  /** An active snapshot, or a view. @throws already exists, not found for the parent */
  make(scope: Scope, kind: 'active' | 'view', key: string, parent: string, labels: Labels): Promise<Mount[]>;
  /** @throws already exists, not found */
  commit(scope: Scope, name: string, key: string, labels: Labels): Promise<void>;
  /** The files stay until they are collected. @throws not found, failed precondition for a parent */
  remove(scope: Scope, key: string): void;
  list(scope: Scope, filters: readonly string[]): SnapshotInfo[];
  /** Names in the snapshotter that are being made now: not to be collected, though no record has them yet. */
  readonly making: ReadonlySet<string>;
}

/** Labels that a snapshotter may want to know begin with this. */
const FOR_SNAPSHOTTER = 'containerd.io/snapshot';
/** What the snapshot will be called when it is committed: no need to begin, if that is there. */
const TARGET = 'containerd.io/snapshot.ref';

export function namespacedSnapshots(records: Records, snapshotter: Snapshotter): NamespacedSnapshots {
  const type = `snapshots/${snapshotter.name}`;
  const making = new Set<string>();
  const keyIn = ({ namespace }: Scope, key: string) => keyOf(namespace, snapshotter.name, key);
  const find = (scope: Scope, key: string): SnapshotRecord => {
    const found = records.snapshots.get(keyIn(scope, key));
    if (!found) throw notFound(`snapshot ${key} does not exist`);
    return found;
  };
  const described = (name: string, { backend: _, ...record }: SnapshotRecord): SnapshotInfo => ({ name, ...record });
  const refuseTaken = (scope: Scope, key: string, labels: Labels) => {
    const target = labels[TARGET];
    if (target !== undefined && records.snapshots.get(keyIn(scope, target)))
      throw alreadyExists(`target snapshot ${JSON.stringify(target)}`);
    if (records.snapshots.get(keyIn(scope, key))) throw alreadyExists(`snapshot ${JSON.stringify(key)}`);
  };
  /** Who wants to make what is there already goes on with that: it must not be collected meanwhile. */
  const leaseTarget = (scope: Scope, labels: Labels) => {
    const target = labels[TARGET];
    if (target === undefined || !records.snapshots.get(keyIn(scope, target))) return;
    records.transaction(() => leaseIt(records, scope, { type, id: target }));
  };
  /** Makes something in the snapshotter under a new name, and its record; or neither. */
  const withRecord = async <T>(
    scope: Scope,
    key: string,
    make: (backend: string) => Promise<T>,
    record: (backend: string) => void,
  ): Promise<T> => {
    const backend = `${scope.namespace}/${records.next()}/${key}`;
    making.add(backend);
    try {
      const made = await make(backend);
      records.transaction(() => record(backend));
      return made;
    } finally {
      making.delete(backend);
    }
  };
  const put = (scope: Scope, key: string, record: Omit<SnapshotRecord, 'createdAt' | 'updatedAt'>) => {
    const now = new Date().toISOString();
    ensureNamespace(records, scope.namespace);
    leaseIt(records, scope, { type, id: key });
    records.snapshots.put(keyIn(scope, key), { ...record, createdAt: now, updatedAt: now });
  };

  return {
    making,
    stat: (scope, key) => described(key, find(scope, key)),
    update: (scope, key, labels, paths) =>
      records.transaction(() => {
        const record = find(scope, key);
        const refuse = (path: string) => `cannot update ${JSON.stringify(path)} field on snapshot ${JSON.stringify(key)}`;
        applyMask(record, { ...record, labels }, paths.length > 0 ? paths : ['labels'], { labels: 'labels' }, refuse);
        checkLabels(record.labels, 'info.Labels');
        record.updatedAt = new Date().toISOString();
        records.snapshots.put(keyIn(scope, key), record);
        return described(key, record);
      }),
    usage: async (scope, key) => snapshotter.usage(find(scope, key).backend),
    mounts: (scope, key) => snapshotter.mounts(find(scope, key).backend),
    async make(scope, kind, key, parent, labels) {
      checkLabels(labels, 'info.Labels');
      leaseTarget(scope, labels);
      refuseTaken(scope, key, labels);
      const below = parent === '' ? '' : records.snapshots.get(keyIn(scope, parent))?.backend;
      if (below === undefined) throw notFound(`parent snapshot ${parent} does not exist`);
      const passed = Object.fromEntries(Object.entries(labels).filter(([name]) => name.startsWith(FOR_SNAPSHOTTER)));
      const make = (backend: string) =>
        kind === 'view' ? snapshotter.view(backend, below, passed) : snapshotter.prepare(backend, below, passed);
      return withRecord(scope, key, make, (backend) => {
        // Somebody may have made one of that name meanwhile.
        refuseTaken(scope, key, labels);
        put(scope, key, { kind, backend, parent, labels });
      });
    },
    async commit(scope, name, key, labels) {
      checkLabels(labels, 'info.Labels');
      const active = find(scope, key);
      if (records.snapshots.get(keyIn(scope, name))) throw alreadyExists(`snapshot ${JSON.stringify(name)}`);
      await withRecord(
        scope,
        name,
        (backend) => snapshotter.commit(backend, active.backend),
        (backend) => {
          records.snapshots.remove(keyIn(scope, key));
          unleaseIt(records, scope, { type, id: key });
          // Somebody was faster: theirs stays, ours is garbage.
          if (records.snapshots.get(keyIn(scope, name))) throw alreadyExists(`snapshot ${JSON.stringify(name)}`);
          put(scope, name, { kind: 'committed', backend, parent: active.parent, labels });
        },
      );
    },
    remove: (scope, key) =>
      records.transaction(() => {
        find(scope, key);
        if (entriesOf(records.snapshots, scope.namespace, snapshotter.name).some(([, { parent }]) => parent === key)) {
          throw failedPrecondition('cannot remove snapshot with child');
        }
        records.snapshots.remove(keyIn(scope, key));
        unleaseIt(records, scope, { type, id: key });
      }),
    list: ({ namespace }, filters) => {
      const matches = parseFilters(filters);
      return entriesOf(records.snapshots, namespace, snapshotter.name)
        .map(([name, record]) => described(name, record))
        .filter((info) =>
          matches(([first, ...rest]) => {
            if (first === 'kind') return info.kind satisfies SnapshotKind;
            if (first === 'name') return info.name;
            if (first === 'parent') return info.parent;
            return first === 'labels' ? inMap(info.labels, rest) : undefined;
          }),
        );
    },
  };
}

/**
 * Forgets records whose snapshot the snapshotter does not have: a kill came between the two halves
 * of a commit, and the client that did not hear of it begins again.
 */
export function forgetLost(records: Records, snapshotter: Snapshotter): void {
  const there = (name: string): boolean => {
    try {
      snapshotter.stat(name);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  };
  records.transaction(() => {
    for (const [key, { backend }] of records.snapshots.entries()) {
      const [, name] = wordsOf(key);
      if (name === snapshotter.name && !there(backend)) records.snapshots.remove(key);
    }
  });
}
