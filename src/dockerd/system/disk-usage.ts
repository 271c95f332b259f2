/** GET /system/df: what images, containers and volumes take on the disk, and how much of it could be given back. */
import { listContainers } from '../container/list.ts';
import type { Daemon } from '../daemon.ts';
import { badRequest } from '../http/api-error.ts';
import type { Query } from '../http/query.ts';
import { type ImageSummary, listImages } from '../image/list.ts';

const KINDS = ['container', 'image', 'volume', 'build-cache'] as const;
type Kind = (typeof KINDS)[number];

/** The parameter `type`, which may be given several times; all kinds without. @throws 400 */
export function kindsOf(query: Query): ReadonlySet<Kind> {
  const given = query.getAll('type');
  for (const kind of given) if (!KINDS.includes(kind as Kind)) throw badRequest(`unknown object type: ${kind}`);
  return new Set(given.length > 0 ? (given as Kind[]) : KINDS);
}

type Parts = Pick<Daemon, 'images' | 'containers' | 'volumes' | 'stores'>;

async function imagesUsage({ images, containers, stores }: Parts): Promise<{ total: number; images: Omit<ImageSummary, 'Descriptor'>[] }> {
  const users = new Map<string, number>();
  for (const { record } of containers.list()) users.set(record.Image, (users.get(record.Image) ?? 0) + 1);
  const list = await listImages(
    { images, content: stores.content },
    { filters: new Map(), sharedSize: true, containers: (id) => users.get(id) ?? 0 },
  );
  // A layer that several images have is there once.
  const layers = new Map<string, number>();
  for (const image of await images.list()) for (const { chainId, size } of await images.layers(image)) layers.set(chainId, size);
  return { total: sum(layers.values()), images: list.map(({ Descriptor, ...summary }) => summary) };
}

const sum = (values: Iterable<number>): number => [...values].reduce((all, value) => all + value, 0);

const volumesUsage = ({ volumes }: Parts): Promise<object[]> =>
  Promise.all(
    volumes.list().map(async ({ anonymous: _, ...volume }) => ({
      ...volume,
      UsageData: { RefCount: volumes.usedBy(volume.Name).length, Size: (await volumes.size(volume.Name).catch(() => undefined)) ?? -1 },
    })),
  );

/** Counting takes time: who asks while somebody else is counting gets the same answer. */
function shared<T>(act: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= act().finally(() => {
      running = undefined;
    });
    return running;
  };
}

export interface DiskUsage {
  /** @param minor of the API's version */
  of(kinds: ReadonlySet<Kind>, minor: number): Promise<object>;
}

export function openDiskUsage(daemon: Daemon): DiskUsage {
  const images = shared(() => imagesUsage(daemon));
  const containers = shared(() => listContainers(daemon, new URLSearchParams('all=1&size=1')));
  const volumes = shared(() => volumesUsage(daemon));
  return {
    async of(kinds, minor) {
      const [image, container, volume] = await Promise.all([
        kinds.has('image') ? images() : undefined,
        kinds.has('container') ? containers() : null,
        kinds.has('volume') ? volumes() : null,
      ]);
      return {
        LayersSize: image?.total ?? 0,
        // A field that is gone since version 1.44.
        Images: image?.images.map((one) => (minor < 44 ? { ...one, VirtualSize: one.Size } : one)) ?? null,
        Containers: container,
        Volumes: volume,
        // The classic builder keeps images, and nothing besides them.
        BuildCache: kinds.has('build-cache') ? [] : null,
        ...(minor < 42 ? { BuilderSize: 0 } : {}),
      };
    },
  };
}
