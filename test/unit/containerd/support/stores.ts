/** Stores for tests of transfers: real content in a folder; labels, images and snapshots in memory. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type ContentStore, openContent } from '../../../../src/containerd/content/store.ts';
import { alreadyExists, notFound } from '../../../../src/containerd/errors.ts';
import type { Image, Stores } from '../../../../src/containerd/transfer/ports.ts';

export interface TestStores extends Stores {
  store: ContentStore;
  labels: Map<string, Record<string, string>>;
  named: Map<string, Image>;
  /** committed snapshots, by their chain ids, and what each stands on */
  committed: Map<string, string>;
  active: Set<string>;
  leases: { now: number; ever: number };
}

export function testStores(folder: string): TestStores {
  const store = openContent(join(folder, 'content'));
  const labels = new Map<string, Record<string, string>>();
  const named = new Map<string, Image>();
  const committed = new Map<string, string>();
  const parents = new Map<string, string>();
  const active = new Set<string>();
  const leases = { now: 0, ever: 0 };
  const make = (): Omit<Stores, 'leased'> => ({
    content: {
      info: (digest) => ({ ...store.info(digest), labels: labels.get(digest) ?? {} }),
      read: store.read,
      ingest: store.ingest,
      abort: store.abort,
      label: (digest, added) => {
        store.info(digest);
        labels.set(digest, Object.fromEntries(Object.entries({ ...labels.get(digest), ...added }).filter(([, value]) => value !== '')));
      },
    },
    images: {
      get: (name) => {
        const image = named.get(name);
        if (!image) throw notFound(`image ${JSON.stringify(name)}`);
        return image;
      },
      list: () => [...named.values()],
      put: (image) => {
        named.set(image.name, image);
        return image;
      },
    },
    snapshots: {
      name: 'overlayfs',
      prepare: (key, parent, { labels = {} } = {}) => {
        const target = labels['containerd.io/snapshot.ref'] ?? '';
        if (committed.has(target)) throw alreadyExists(`target snapshot ${target}`);
        if (parent !== '' && !committed.has(parent)) throw notFound(`parent snapshot ${parent}`);
        active.add(key);
        parents.set(key, parent);
        return [];
      },
      commit: (name, key) => {
        if (committed.has(name)) throw alreadyExists(`snapshot ${name}`);
        active.delete(key);
        committed.set(name, parents.get(key) ?? '');
      },
      remove: (key) => void active.delete(key),
    },
    apply: async (_mounts, tar, { mediaType }) => {
      const plain: Readable = tar.pipe(/gzip$/.test(mediaType) ? createGunzip() : new PassThrough());
      const hash = createHash('sha256');
      let size = 0;
      for await (const chunk of plain as AsyncIterable<Buffer>) {
        hash.update(chunk);
        size += chunk.length;
      }
      return { digest: `sha256:${hash.digest('hex')}`, size };
    },
  });
  return {
    ...make(),
    store,
    labels,
    named,
    committed,
    active,
    leases,
    leased: async (act) => {
      leases.now++;
      leases.ever++;
      try {
        return await act(make());
      } finally {
        leases.now--;
      }
    },
  };
}
