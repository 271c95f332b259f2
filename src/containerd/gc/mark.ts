/**
 * What is still needed. Roots are images, containers, leases that have not expired, ingests that
 * have not, and whatever has the label containerd.io/gc.root; from there on labels refer to more:
 * containerd.io/gc.ref.content.* and gc.ref.snapshot.NAME on what needs, gc.bref.* on what is
 * needed. A snapshot needs its parent. Source: containerd, docs/garbage-collection.md.
 */
import { keyOf, type Labels, prefixOf, type Records, wordsOf } from '../metadata/records.ts';

/** Something that can be needed: `content NS DIGEST`, `ingests NS REF`, `snapshots/NAME NS KEY`, `leases NS ID`, `images`, `containers`. */
export type Node = string;

const nodeOf = (type: string, namespace: string, id: string): Node => keyOf(type, namespace, id);

const ROOT = 'containerd.io/gc.root';
const EXPIRE = 'containerd.io/gc.expire';
const FLAT = 'containerd.io/gc.flat';
const REF_CONTENT = 'containerd.io/gc.ref.content';
const REF_SNAPSHOT = 'containerd.io/gc.ref.snapshot.';
const BACK = 'containerd.io/gc.bref.';

/** What is there, and what of it nobody needs. */
export interface Unneeded {
  content: string[];
  ingests: string[];
  snapshots: string[];
  leases: string[];
}

/** @returns keys of the tables of `records`. Reads only; to be called inside a transaction */
export function unneeded(records: Records, now: Date = new Date()): Unneeded {
  const needed = marked(records, now);
  const rest = (entries: [string, unknown][], node: (key: string) => Node) =>
    entries.flatMap(([key]) => (needed.has(node(key)) ? [] : [key]));
  return {
    content: rest(records.content.entries(), (key) => simple('content', key)),
    ingests: rest(records.ingests.entries(), (key) => simple('ingests', key)),
    snapshots: rest(records.snapshots.entries(), snapshotNode),
    leases: rest(records.leases.entries(), (key) => simple('leases', key)),
  };
}

function simple(type: string, key: string): Node {
  const [namespace = '', id = ''] = wordsOf(key);
  return nodeOf(type, namespace, id);
}

function snapshotNode(key: string): Node {
  const [namespace = '', snapshotter = '', id = ''] = wordsOf(key);
  return nodeOf(`snapshots/${snapshotter}`, namespace, id);
}

/** All that is reachable. A node that a flat lease names is marked, and its parents, but not what its labels name. */
function marked(records: Records, now: Date): Set<Node> {
  const needed = new Set<Node>();
  const flat: Node[] = [];
  const back = backReferences(records);
  const todo: Node[] = [...roots(records, now, (node) => flat.push(node))];
  for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
    if (needed.has(node)) continue;
    needed.add(node);
    todo.push(...references(records, node), ...(back.get(node) ?? []));
  }
  for (let node = flat.pop(); node !== undefined; node = flat.pop()) {
    if (needed.has(node)) continue;
    needed.add(node);
    flat.push(...parents(records, node));
  }
  return needed;
}

function* roots(records: Records, now: Date, flat: (node: Node) => void): Generator<Node> {
  const expired = (at: string | undefined) => at !== undefined && !(new Date(at) > now);
  for (const [key, { labels }] of records.leases.entries()) {
    const [namespace = '', lease = ''] = wordsOf(key);
    // A time that nobody can read keeps the lease, as no time does.
    if (!Number.isNaN(Date.parse(labels[EXPIRE] ?? '')) && expired(labels[EXPIRE])) continue;
    yield nodeOf('leases', namespace, lease);
    for (const [resource] of records.leased.entries(prefixOf(namespace, lease))) {
      const [, , type = '', ...id] = wordsOf(resource);
      const node = nodeOf(type, namespace, keyOf(...id));
      if (FLAT in labels) flat(node);
      else yield node;
    }
  }
  for (const [key, { labels, target }] of records.images.entries()) {
    const [namespace = '', name = ''] = wordsOf(key);
    yield nodeOf('images', namespace, name);
    yield nodeOf('content', namespace, target.digest);
    yield* labelReferences(namespace, labels);
  }
  for (const [key, { labels, snapshotter, snapshotKey }] of records.containers.entries()) {
    const [namespace = '', id = ''] = wordsOf(key);
    yield nodeOf('containers', namespace, id);
    if (snapshotter !== '') yield nodeOf(`snapshots/${snapshotter}`, namespace, snapshotKey);
    yield* labelReferences(namespace, labels);
  }
  for (const [key, { expireAt }] of records.ingests.entries()) {
    if (expireAt !== undefined && !expired(expireAt)) yield simple('ingests', key);
  }
  for (const [key, { labels }] of records.content.entries()) if (ROOT in labels) yield simple('content', key);
  for (const [key, { labels }] of records.snapshots.entries()) if (ROOT in labels) yield snapshotNode(key);
}

const typeOf = (node: Node): string => wordsOf(node)[0] ?? '';

function references(records: Records, node: Node): Node[] {
  const type = typeOf(node);
  const [, namespace = '', ...words] = wordsOf(node);
  const id = keyOf(...words);
  if (type === 'content') {
    const found = records.content.get(keyOf(namespace, id));
    return found ? [...labelReferences(namespace, found.labels)] : [];
  }
  if (type === 'ingests') {
    const expected = records.ingests.get(keyOf(namespace, id))?.expected;
    return expected === undefined ? [] : [nodeOf('content', namespace, expected)];
  }
  if (!type.startsWith('snapshots/')) return [];
  const found = records.snapshots.get(keyOf(namespace, type.slice('snapshots/'.length), id));
  return found ? [...parents(records, node), ...labelReferences(namespace, found.labels)] : [];
}

function parents(records: Records, node: Node): Node[] {
  const type = typeOf(node);
  if (!type.startsWith('snapshots/')) return [];
  const [, namespace = '', ...words] = wordsOf(node);
  const found = records.snapshots.get(keyOf(namespace, type.slice('snapshots/'.length), ...words));
  return found && found.parent !== '' ? [nodeOf(type, namespace, found.parent)] : [];
}

/** What labels say is needed: the name of the label may go on after a dot or a slash, the value is the digest or key. */
function* labelReferences(namespace: string, labels: Labels): Generator<Node> {
  for (const [label, value] of Object.entries(labels)) {
    if (isOrContinues(label, REF_CONTENT)) yield nodeOf('content', namespace, value);
    else if (label.startsWith(REF_SNAPSHOT)) yield nodeOf(`snapshots/${firstWord(label.slice(REF_SNAPSHOT.length))}`, namespace, value);
  }
}

const isOrContinues = (label: string, name: string): boolean =>
  label === name || label.startsWith(`${name}.`) || label.startsWith(`${name}/`);

const firstWord = (text: string): string => text.split(/[./]/)[0] ?? text;

/** Who says of itself that it is needed as long as something else is, by that something. */
function backReferences(records: Records): Map<Node, Node[]> {
  const found = new Map<Node, Node[]>();
  const look = (node: Node, labels: Labels) => {
    const [, namespace = ''] = wordsOf(node);
    for (const [label, value] of Object.entries(labels)) {
      if (!label.startsWith(BACK)) continue;
      const [kind = '', name = ''] = label.slice(BACK.length).split(/[./]/);
      const type = { content: 'content', image: 'images', container: 'containers', snapshot: `snapshots/${name}` }[kind];
      if (type === undefined) continue;
      const target = nodeOf(type, namespace, value);
      found.set(target, [...(found.get(target) ?? []), node]);
    }
  };
  for (const [key, { labels }] of records.content.entries()) look(simple('content', key), labels);
  for (const [key, { labels }] of records.snapshots.entries()) look(snapshotNode(key), labels);
  return found;
}
