/** The stores of a containerd of its own process, ours or the real one, as transfers want them. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { isAlreadyExists } from '../../containerd/errors.ts';
import type { Descriptor } from '../../containerd/registry/descriptor.ts';
import type { ApplyPort, ContentPort, ImagesPort, Image as Named, SnapshotsPort, Stores } from '../../containerd/transfer/ports.ts';
import type { Image as Message } from '../../proto/containerd/services/images/v1/images_pb.ts';
import type { ContainerdClients } from './clients.ts';
import { openContentWriter } from './content-writer.ts';

type Headers = Record<string, string>;

const DAY = 24 * 3600 * 1000;

const labelPaths = (labels: Record<string, string>): string[] => Object.keys(labels).map((label) => `labels.${label}`);

function contentOf(clients: ContainerdClients, headers: Headers): ContentPort {
  const { content } = clients;
  async function* read(digest: string, offset: number, size: number): AsyncGenerator<Uint8Array> {
    // 0 bytes would mean all of them.
    if (size <= 0) return;
    const wanted = { digest, offset: BigInt(offset), size: Number.isFinite(size) ? BigInt(size) : 0n };
    for await (const { data } of content.read(wanted, { headers })) yield data;
  }
  return {
    async info(digest) {
      const { info } = await content.info({ digest }, { headers });
      return { digest, size: Number(info?.size ?? 0), labels: info?.labels ?? {} };
    },
    read: (digest, offset = 0, length = Number.POSITIVE_INFINITY) =>
      Readable.from(read(digest, offset, length), { objectMode: false, highWaterMark: 1 << 20 }),
    ingest: (ref, options) => openContentWriter(clients, headers, ref, options),
    async abort(ref) {
      await content.abort({ ref }, { headers });
    },
    async label(digest, labels) {
      await content.update({ info: { digest, labels }, updateMask: { paths: labelPaths(labels) } }, { headers });
    },
  };
}

function namedOf({ name, labels, target, updatedAt }: Message): Named & { updatedAt: string } {
  const { mediaType = '', digest = '', size = 0n, annotations = {} } = target ?? {};
  return {
    name,
    labels,
    target: { mediaType, digest, size: Number(size), annotations },
    updatedAt: updatedAt ? timestampDate(updatedAt).toISOString() : '',
  };
}

function imagesOf({ images }: ContainerdClients, headers: Headers): ImagesPort {
  return {
    async get(name) {
      const { image } = await images.get({ name }, { headers });
      return namedOf(image as Message);
    },
    list: async () => (await images.list({}, { headers })).images.map(namedOf),
    async put({ name, target, labels = {} }) {
      const { mediaType, digest, size, annotations = {} } = target;
      const image = { name, labels, target: { mediaType, digest, size: BigInt(size), annotations } };
      try {
        return namedOf((await images.create({ image }, { headers })).image as Message);
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
      }
      const updateMask = { paths: ['target', ...labelPaths(labels)] };
      return namedOf((await images.update({ image, updateMask }, { headers })).image as Message);
    },
  };
}

const snapshotsOf = ({ snapshots }: ContainerdClients, headers: Headers, snapshotter: string): SnapshotsPort => ({
  name: snapshotter,
  async prepare(key, parent, { labels = {} } = {}) {
    const { mounts } = await snapshots.prepare({ snapshotter, key, parent, labels }, { headers });
    return mounts.map(({ type, source, target, options }) => ({ type, source, target, options }));
  },
  async commit(name, key, { labels = {} } = {}) {
    await snapshots.commit({ snapshotter, name, key, labels }, { headers });
  },
  async remove(key) {
    await snapshots.remove({ snapshotter, key }, { headers });
  },
});

/** containerd reads the layer from its own store; the stream is left alone. */
const applyOf =
  ({ diff }: ContainerdClients, headers: Headers): ApplyPort =>
  async (mounts, tar, { mediaType, digest, size }: Descriptor) => {
    tar.destroy();
    const wanted = {
      diff: { mediaType, digest, size: BigInt(size), annotations: {} },
      mounts: mounts.map((mount) => ({ target: '', ...mount })),
    };
    const { applied } = await diff.apply(wanted, { headers });
    return { digest: applied?.digest ?? '', size: Number(applied?.size ?? 0) };
  };

/** @param snapshotter where layers are unpacked */
export function remoteStores(clients: ContainerdClients, snapshotter: string): Stores {
  const scoped = (headers: Headers): Omit<Stores, 'leased'> => ({
    content: contentOf(clients, headers),
    images: imagesOf(clients, headers),
    snapshots: snapshotsOf(clients, headers, snapshotter),
    apply: applyOf(clients, headers),
  });
  return {
    ...scoped({}),
    async leased(act) {
      const id = `transfer-${Date.now()}-${randomBytes(6).toString('hex')}`;
      // A daemon that is killed leaves it; containerd forgets it after a day.
      await clients.leases.create({ id, labels: { 'containerd.io/gc.expire': new Date(Date.now() + DAY).toISOString() } });
      try {
        return await act(scoped({ 'containerd-lease': id }));
      } finally {
        await clients.leases.delete({ id });
      }
    },
  };
}
