/** containerd's namespaces, and their labels. */
import { alreadyExists, failedPrecondition, invalidArgument, notFound } from '../errors.ts';
import { checkIdentifier, checkLabels } from '../identifier.ts';
import { removeLease } from './leases.ts';
import { entriesOf, type Labels, prefixOf, type Records, wordsOf } from './records.ts';

export interface Namespace {
  name: string;
  labels: Labels;
}

/** @throws not found */
export function getNamespace(records: Records, name: string): Namespace {
  const found = records.namespaces.get(name);
  if (!found) throw notFound(`namespace ${JSON.stringify(name)}`);
  return { name, ...found };
}

export const listNamespaces = (records: Records): Namespace[] =>
  records.namespaces.entries().map(([name, record]) => ({ name, ...record }));

/** @throws already exists, invalid argument */
export function createNamespace(records: Records, { name, labels }: Namespace): Namespace {
  checkIdentifier(name);
  checkLabels(labels, 'namespace.Labels');
  return records.transaction(() => {
    if (records.namespaces.get(name)) throw alreadyExists(`namespace ${JSON.stringify(name)}`);
    records.namespaces.put(name, { labels });
    return { name, labels };
  });
}

/**
 * Sets labels; an empty value removes one.
 * @param paths `labels.NAME`; without any, or with `labels`, all that are given
 * @throws not found, invalid argument
 */
export function updateNamespace(records: Records, { name, labels }: Namespace, paths: readonly string[]): Namespace {
  return records.transaction(() => {
    const current = getNamespace(records, name);
    const set = (label: string, value: string) => {
      if (value === '') delete current.labels[label];
      else current.labels[label] = value;
    };
    for (const path of paths.length > 0 ? paths : ['labels']) {
      if (path.startsWith('labels.')) set(path.slice('labels.'.length), labels[path.slice('labels.'.length)] ?? '');
      else if (path === 'labels') for (const [label, value] of Object.entries(labels)) set(label, value);
      else throw invalidArgument(`cannot update ${JSON.stringify(path)} field`);
    }
    checkLabels(current.labels, 'namespace.Labels');
    records.namespaces.put(name, { labels: current.labels });
    return current;
  });
}

/** @throws not found; failed precondition while something is in it */
export function deleteNamespace(records: Records, name: string): void {
  records.transaction(() => {
    const left: string[] = [];
    if (records.images.entries(prefixOf(name)).length > 0) left.push('images');
    if (records.content.entries(prefixOf(name)).length > 0) left.push('blobs');
    if (records.containers.entries(prefixOf(name)).length > 0) left.push('containers');
    const snapshotters = entriesOf(records.snapshots, name).map(([key]) => wordsOf(key)[0] ?? '');
    for (const snapshotter of new Set(snapshotters)) left.push(`snapshots on ${JSON.stringify(snapshotter)} snapshotter`);
    if (left.length > 0) {
      throw failedPrecondition(`namespace ${JSON.stringify(name)} must be empty, but it still has ${left.join(', ')}`);
    }
    for (const [id] of entriesOf(records.leases, name)) removeLease(records, name, id);
    for (const [key] of records.ingests.entries(prefixOf(name))) records.ingests.remove(key);
    if (!records.namespaces.remove(name)) throw notFound(`namespace ${JSON.stringify(name)}`);
  });
}
