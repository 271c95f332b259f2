/** Containers: what is to be run. */
import { alreadyExists, invalidArgument, notFound } from '../errors.ts';
import { applyMask } from '../field-mask.ts';
import { inMap, parseFilters, unlessEmpty } from '../filters.ts';
import { checkIdentifier, checkLabels } from '../identifier.ts';
import type { Scope } from '../scope.ts';
import { type ContainerRecord, ensureNamespace, entriesOf, keyOf, type Records } from './records.ts';

export interface Container extends ContainerRecord {
  id: string;
}

/** @throws not found */
export function getContainer(records: Records, { namespace }: Scope, id: string): Container {
  const found = records.containers.get(keyOf(namespace, id));
  if (!found) throw notFound(`container ${JSON.stringify(id)} in namespace ${JSON.stringify(namespace)}`);
  return { id, ...found };
}

/** @throws invalid argument for the filters */
export function listContainers(records: Records, { namespace }: Scope, filters: readonly string[]): Container[] {
  const matches = parseFilters(filters);
  return entriesOf(records.containers, namespace)
    .map(([id, record]) => ({ id, ...record }))
    .filter((container) =>
      matches(([first, ...rest]) => {
        if (first === 'id') return unlessEmpty(container.id);
        if (first === 'runtime') return rest[0] === 'name' ? unlessEmpty(container.runtime.name) : undefined;
        if (first === 'image') return unlessEmpty(container.image);
        return first === 'labels' ? inMap(container.labels, rest) : undefined;
      }),
    );
}

/** @param container its times are set here @throws already exists, invalid argument */
export function createContainer(records: Records, { namespace }: Scope, container: Container): Container {
  check(container, 'create container failed validation');
  return records.transaction(() => {
    const { id, ...record } = container;
    const key = keyOf(namespace, id);
    if (records.containers.get(key)) throw alreadyExists(`container ${JSON.stringify(id)}`);
    ensureNamespace(records, namespace);
    record.createdAt = record.updatedAt = new Date().toISOString();
    records.containers.put(key, record);
    return { id, ...record };
  });
}

/** What may be named by an update; all of them but the last two when none is named. */
const FIELDS = {
  labels: 'labels',
  image: 'image',
  spec: 'spec',
  snapshot_key: 'snapshotKey',
  snapshotkey: 'snapshotKey',
  extensions: 'extensions',
  sandbox: 'sandbox',
} as const satisfies Record<string, keyof Container>;

/** @throws not found, invalid argument */
export function updateContainer(records: Records, { namespace }: Scope, change: Container, paths: readonly string[]): Container {
  const { id } = change;
  if (id === '') throw invalidArgument('must specify a container id');
  return records.transaction(() => {
    const found = records.containers.get(keyOf(namespace, id));
    if (!found) throw notFound(`container ${JSON.stringify(id)}`);
    const current: Container = { id, ...found };
    if (paths.length === 0) {
      if (change.snapshotter !== current.snapshotter) throw invalidArgument('container.Snapshotter field is immutable');
      if (change.runtime.name !== current.runtime.name) throw invalidArgument('container.Runtime.Name field is immutable');
    }
    applyMask<Container>(
      current,
      change,
      paths.length > 0 ? paths : ['labels', 'image', 'spec', 'snapshotkey', 'extensions', 'sandbox'],
      FIELDS,
      (path) => `cannot update ${JSON.stringify(path)} field on ${JSON.stringify(id)}`,
    );
    check(current, 'update failed validation');
    const { id: _, ...record } = current;
    record.updatedAt = new Date().toISOString();
    records.containers.put(keyOf(namespace, id), record);
    return { id, ...record };
  });
}

/** @throws not found */
export function deleteContainer(records: Records, { namespace }: Scope, id: string): void {
  if (!records.transaction(() => records.containers.remove(keyOf(namespace, id)))) throw notFound(`container ${JSON.stringify(id)}`);
}

function check(container: Container, what: string): void {
  checkIdentifier(container.id, `${what}: container.ID`);
  if (Object.hasOwn(container.extensions, '')) throw invalidArgument(`${what}: container.Extension keys must not be zero-length`);
  checkLabels(container.labels, `${what}: containers.Labels`);
  if (container.runtime.name === '') throw invalidArgument(`${what}: container.Runtime.Name must be set`);
  if (!container.spec) throw invalidArgument(`${what}: container.Spec must be set`);
  if (container.snapshotKey !== '' && container.snapshotter === '') {
    throw invalidArgument(`${what}: container.Snapshotter must be set if container.SnapshotKey is set`);
  }
}
