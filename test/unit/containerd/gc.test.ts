import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../../src/containerd/content/digest.ts';
import { type ContentStore, openContent } from '../../../src/containerd/content/store.ts';
import { childrenFirst, openCollector } from '../../../src/containerd/gc/collector.ts';
import { unneeded } from '../../../src/containerd/gc/mark.ts';
import { type NamespacedContent, namespacedContent } from '../../../src/containerd/metadata/content.ts';
import { createImage, deleteImage } from '../../../src/containerd/metadata/images.ts';
import { addResource, createLease, deleteLease, listLeases } from '../../../src/containerd/metadata/leases.ts';
import { keyOf, type Labels, openRecords, type Records } from '../../../src/containerd/metadata/records.ts';
import type { Scope } from '../../../src/containerd/scope.ts';

let folder: string;
let records: Records;
let store: ContentStore;
let content: NamespacedContent;
const scope: Scope = { namespace: 'default' };
const AT = { createdAt: '', updatedAt: '' };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-gc-'));
  records = openRecords(join(folder, 'meta.lmdb'));
  store = openContent(join(folder, 'content'));
  content = namespacedContent(records, store);
});
afterEach(async () => {
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

async function put(text: string, labels: Labels = {}, by: Scope = scope): Promise<string> {
  const writer = await content.write(by, `ref-${text}`);
  try {
    await writer.write(Buffer.from(text));
    return await writer.commit({ labels });
  } finally {
    await writer.close();
  }
}
const image = (name: string, digest: string) =>
  createImage(records, scope, { name, labels: {}, target: { mediaType: 't', digest, size: 1, annotations: {} }, ...AT });
const collect = () => openCollector({ records, store, content, snapshotters: [] }, (error) => expect(error).toBe(undefined)).collect();
const there = () => store.list().map(({ digest }) => digest);
const snapshot = (key: string, parent = '', labels: Labels = {}) =>
  records.snapshots.put(keyOf('default', 'overlayfs', key), { kind: 'committed', backend: `default/1/${key}`, parent, labels, ...AT });
const lostSnapshots = () => unneeded(records).snapshots.map((key) => key.slice(keyOf('default', 'overlayfs', '').length));

test('an image keeps what its labels refer to, and nothing else is kept', async () => {
  const layer = await put('layer');
  const config = await put('config', { 'containerd.io/gc.ref.snapshot.overlayfs': 'top' });
  const manifest = await put('manifest', { 'containerd.io/gc.ref.content.l.0': layer, 'containerd.io/gc.ref.content.config': config });
  await put('nobody');
  const root = await put('root', { 'containerd.io/gc.root': '1' });
  snapshot('base');
  snapshot('top', 'base');
  snapshot('other');
  image('image', manifest);
  expect(lostSnapshots()).toEqual(['other']);
  await collect();
  expect(new Set(there())).toEqual(new Set([layer, config, manifest, root]));
  deleteImage(records, scope, 'image');
  await collect();
  expect(there()).toEqual([root]);
});

test('what refers back is kept as long as what it refers to', async () => {
  const manifest = await put('manifest');
  const attached = await put('attached', { 'containerd.io/gc.bref.image': 'image', 'containerd.io/gc.bref.content.x': manifest });
  image('image', manifest);
  await collect();
  expect(new Set(there())).toEqual(new Set([manifest, attached]));
  deleteImage(records, scope, 'image');
  await collect();
  expect(there()).toEqual([]);
});

test('a lease keeps what is made under it, and what that refers to; a flat one only the thing itself', async () => {
  createLease(records, scope, 'lease', {});
  createLease(records, scope, 'flat', { 'containerd.io/gc.flat': '1' });
  const inner = await put('inner');
  const outer = await put('outer', { 'containerd.io/gc.ref.content': inner }, { ...scope, lease: 'lease' });
  const further = await put('further');
  const alone = await put('alone', { 'containerd.io/gc.ref.content': further }, { ...scope, lease: 'flat' });
  snapshot('base', '', { 'containerd.io/gc.ref.content': further });
  snapshot('top', 'base');
  addResource(records, scope, 'flat', { type: 'snapshots/overlayfs', id: 'top' });
  expect(lostSnapshots()).toEqual([]);
  await collect();
  expect(new Set(there())).toEqual(new Set([inner, outer, alone]));
  deleteLease(records, scope, 'lease');
  deleteLease(records, scope, 'flat');
  await collect();
  expect(there()).toEqual([]);
});

test('a lease that has expired goes, with what it kept; a time that cannot be read keeps it', async () => {
  createLease(records, scope, 'old', { 'containerd.io/gc.expire': '2001-01-01T00:00:00Z' });
  createLease(records, scope, 'new', { 'containerd.io/gc.expire': new Date(Date.now() + 3_600_000).toISOString() });
  createLease(records, scope, 'odd', { 'containerd.io/gc.expire': 'tomorrow' });
  await put('kept by old', {}, { ...scope, lease: 'old' });
  const kept = await put('kept by new', {}, { ...scope, lease: 'new' });
  await collect();
  expect(there()).toEqual([kept]);
  expect(listLeases(records, scope, []).map(({ id }) => id)).toEqual(['new', 'odd']);
});

test('namespaces do not see one another, and share bytes: the last one takes them away', async () => {
  const other: Scope = { namespace: 'other' };
  const digest = await put('shared', { 'containerd.io/gc.root': '1' });
  expect(() => content.info(other, digest)).toThrow(`content digest ${digest}: not found`);
  // Who names the digest has it without sending it.
  const writer = await content.write(other, 'ref', { expected: digest });
  expect(writer.offset).toBe('shared'.length);
  await writer.commit({ labels: { 'containerd.io/gc.root': '1' } });
  await writer.close();
  content.remove(scope, digest);
  await collect();
  expect(content.info(other, digest).size).toBe('shared'.length);
  content.remove(other, digest);
  await collect();
  expect(there()).toEqual([]);
});

test('what is being written is not collected, and is found again; an abandoned file is', async () => {
  const writer = await content.write(scope, 'half');
  await writer.write(Buffer.from('half'));
  await writer.close();
  // A killed daemon leaves a file without a record, and a blob that was not committed.
  const lost = await store.ingest('default/lost');
  await lost.close();
  const blob = await store.ingest('default/blob');
  await blob.write(Buffer.from('blob'));
  await blob.commit();
  await collect();
  expect(store.statuses().map(({ ref }) => ref)).toEqual(['default/half']);
  expect(there()).toEqual([]);
  const again = await content.write(scope, 'half', { expected: digestOf('half and half') });
  expect(again.offset).toBe(4);
  await again.write(Buffer.from(' and half'));
  expect(await again.commit()).toBe(digestOf('half and half'));
  await again.close();
});

test('children go before their parents', () => {
  const names = childrenFirst([
    { name: 'base', parent: '' },
    { name: 'top', parent: 'middle' },
    { name: 'middle', parent: 'base' },
    { name: 'of another', parent: 'kept' },
  ]);
  expect(names.indexOf('top')).toBeLessThan(names.indexOf('middle'));
  expect(names.indexOf('middle')).toBeLessThan(names.indexOf('base'));
});
