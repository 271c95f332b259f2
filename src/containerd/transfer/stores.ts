/** containerd's own stores as transfers want them: one namespace, one snapshotter. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { create } from '@bufbuild/protobuf';
import { ImageCreateSchema, ImageUpdateSchema } from '../../proto/containerd/events/image_pb.ts';
import type { OpenContent } from '../content/store.ts';
import { invalidArgument, isAlreadyExists, isNotFound } from '../errors.ts';
import { applyLayer } from '../layers/apply.ts';
import { createImage, getImage, listImages, updateImage } from '../metadata/images.ts';
import { createLease, deleteLease, leaseIt } from '../metadata/leases.ts';
import type { NamespacedSnapshots } from '../metadata/snapshots.ts';
import type { Scope } from '../scope.ts';
import type { Services } from '../services/context.ts';
import type { ContentPort, Image, ImagesPort, SnapshotsPort, Stores } from './ports.ts';

const DAY = 24 * 3600 * 1000;
const TARGET = 'containerd.io/snapshot.ref';

/** Reads a range of open content, and closes it at the end. */
function readOpen({ fd, size, close }: OpenContent, offset: number, length: number): Readable {
  const end = Math.min(size, offset + length);
  if (offset < end) return createReadStream('', { fd, start: offset, end: end - 1, highWaterMark: 1 << 20 });
  close();
  return Readable.from([]);
}

const contentOf = ({ content }: Services, scope: Scope): ContentPort => ({
  info: (digest) => content.info(scope, digest),
  read: (digest, offset = 0, length = Number.POSITIVE_INFINITY) => readOpen(content.open(scope, digest), offset, length),
  ingest: (ref, options) => content.write(scope, ref, options),
  abort: (ref) => content.abort(scope, ref),
  label: (digest, labels) => {
    const paths = Object.keys(labels).map((label) => `labels.${label}`);
    content.update(scope, digest, labels, paths);
  },
});

function imagesOf({ records, events, collector }: Services, scope: Scope): ImagesPort {
  const { namespace } = scope;
  const put = ({ name, target, labels = {} }: Image): Image => {
    const { mediaType, digest, size, annotations = {} } = target;
    const image = { name, labels, target: { mediaType, digest, size, annotations }, createdAt: '', updatedAt: '' };
    try {
      const made = createImage(records, scope, image);
      events.publish(namespace, '/images/create', ImageCreateSchema, create(ImageCreateSchema, { name, labels }));
      return made;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const paths = ['target', ...Object.keys(labels).map((label) => `labels.${label}`)];
    const changed = updateImage(records, scope, image, paths);
    events.publish(namespace, '/images/update', ImageUpdateSchema, create(ImageUpdateSchema, { name, labels: changed.labels }));
    // What the name pointed to before may be nobody's now.
    collector.schedule();
    return changed;
  };
  return { get: (name) => getImage(records, scope, name), list: () => listImages(records, scope, []), put };
}

const snapshotsOf = ({ records }: Services, scope: Scope, name: string, snapshots: NamespacedSnapshots): SnapshotsPort => ({
  name,
  prepare: async (key, parent, { labels = {} } = {}) => {
    try {
      return await snapshots.make(scope, 'active', key, parent, labels);
    } catch (error) {
      const target = labels[TARGET];
      // Whoever wanted to make it needs it: it must not be collected before an image names it.
      if (isAlreadyExists(error) && target !== undefined && has(snapshots, scope, target)) {
        records.transaction(() => leaseIt(records, scope, { type: `snapshots/${name}`, id: target }));
      }
      throw error;
    }
  },
  commit: (target, key, { labels = {} } = {}) => snapshots.commit(scope, target, key, labels),
  remove: (key) => snapshots.remove(scope, key),
});

const has = (snapshots: NamespacedSnapshots, scope: Scope, key: string): boolean => {
  try {
    return snapshots.stat(scope, key).kind === 'committed';
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
};

/**
 * @param snapshotter where layers are unpacked; without it images are only kept
 * @throws invalid argument for a snapshotter that is not there
 */
export function storesOf(services: Services, namespace: string, snapshotter?: string): Stores {
  const snapshots = snapshotter === undefined ? undefined : services.snapshots.get(snapshotter);
  if (snapshotter !== undefined && !snapshots) throw invalidArgument(`snapshotter not loaded: ${snapshotter}`);
  const scoped = (scope: Scope): Omit<Stores, 'leased'> => ({
    content: contentOf(services, scope),
    images: imagesOf(services, scope),
    ...(snapshots && snapshotter !== undefined && { snapshots: snapshotsOf(services, scope, snapshotter, snapshots), apply: applyLayer }),
  });
  const { records, collector } = services;
  return {
    ...scoped({ namespace }),
    leased: async (act) => {
      const id = `transfer-${Date.now()}-${randomBytes(6).toString('hex')}`;
      createLease(records, { namespace }, id, { 'containerd.io/gc.expire': new Date(Date.now() + DAY).toISOString() });
      try {
        return await act(scoped({ namespace, lease: id }));
      } finally {
        deleteLease(records, { namespace }, id);
        collector.schedule();
      }
    },
  };
}
