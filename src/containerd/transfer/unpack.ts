/** Layers become snapshots, each on top of the one below it, as soon as their bytes are there. */
import { randomBytes } from 'node:crypto';
import { failedPrecondition, isAlreadyExists } from '../errors.ts';
import type { Descriptor } from '../registry/descriptor.ts';
import { ingestRef } from '../registry/descriptor.ts';
import { chainIds } from './chain-id.ts';
import { locked } from './lock.ts';
import type { ApplyPort, ContentPort, Mount, SnapshotsPort } from './ports.ts';
import type { ProgressObserver } from './progress.ts';

export interface UnpackOptions {
  content: ContentPort;
  snapshots: SnapshotsPort;
  apply: ApplyPort;
  progress?: ProgressObserver;
}

/** What is so named is unpacked already: nobody else may take that name. */
const extractKey = (chainId: string) => `extract-${randomBytes(6).toString('base64url')} ${chainId}`;

/** An active snapshot that is not wanted any more. If it cannot be removed, its lease's end lets the collector do it. */
async function removed(snapshots: SnapshotsPort, key: string): Promise<void> {
  try {
    await snapshots.remove(key);
  } catch {
    // The reason for giving up matters more.
  }
}

/** Unpacks one layer, unless the snapshot that it would become is there. */
async function unpackLayer(
  layer: Descriptor,
  diffId: string,
  parent: string,
  chainId: string,
  options: UnpackOptions,
  arrived: () => Promise<void>,
): Promise<void> {
  const { content, snapshots, apply, progress } = options;
  const ref = ingestRef(layer);
  const { digest, size: total } = layer;
  // The metadata knows by this label what is to become of it; if that is there, it says so, and leases it.
  const labels = { 'containerd.io/snapshot.ref': chainId };
  const key = extractKey(chainId);
  let mounts: readonly Mount[];
  try {
    mounts = await snapshots.prepare(key, parent, { labels });
  } catch (error) {
    if (isAlreadyExists(error)) return;
    throw error;
  }
  let committed = false;
  try {
    await arrived();
    progress?.({ status: 'unpacking', ref, digest, total });
    const applied = await apply(mounts, content.read(digest), layer);
    // What lies on the disk is what the config promises, or it is nobody's image.
    if (applied.digest !== diffId) {
      throw failedPrecondition(
        `wrong diff id calculated on extraction ${JSON.stringify(applied.digest)}, expected ${JSON.stringify(diffId)}`,
      );
    }
    await snapshots.commit(chainId, key, { labels });
    committed = true;
  } catch (error) {
    // Another process was faster with the same layers: its result is as good.
    if (!isAlreadyExists(error)) throw error;
  } finally {
    if (!committed) await removed(snapshots, key);
  }
  await content.label(digest, { 'containerd.io/uncompressed': diffId });
  progress?.({ status: 'unpacked', ref, digest, offset: total, total });
}

/**
 * Unpacks an image's layers in their order.
 * @param arrived resolves when layer `i` is in the content store; not asked for layers whose snapshot is there
 * @returns the chain id of all of them, the name of the snapshot that containers start from; '' without layers
 */
export async function unpackLayers(
  layers: readonly Descriptor[],
  diffIds: readonly string[],
  options: UnpackOptions,
  arrived: (i: number) => Promise<void> = async () => {},
): Promise<string> {
  const chain = chainIds(diffIds);
  for (const [i, chainId] of chain.entries()) {
    const one = () => unpackLayer(layers[i] as Descriptor, diffIds[i] as string, chain[i - 1] ?? '', chainId, options, () => arrived(i));
    // Two pulls of images with the same lower layers: the second waits, and finds the snapshot.
    await locked(`${options.snapshots.name} ${chainId}`, one);
  }
  return chain.at(-1) ?? '';
}

/** On the config: keeps the snapshot as long as the image is kept. */
export const snapshotLabel = (snapshots: SnapshotsPort, chainId: string): Record<string, string> => ({
  [`containerd.io/gc.ref.snapshot.${snapshots.name}`]: chainId,
});
