/** Layers become snapshots, each on top of the one below it, as soon as their bytes are there. */
import { randomBytes } from 'node:crypto';
import { failedPrecondition, isAlreadyExists, isNotFound } from '../errors.ts';
import type { Descriptor } from '../registry/descriptor.ts';
import { ingestRef } from '../registry/descriptor.ts';
import { chainIds } from './chain-id.ts';
import { once } from './once.ts';
import type { ApplyPort, ContentPort, SnapshotsPort } from './ports.ts';
import type { ProgressObserver } from './progress.ts';

export interface UnpackOptions {
  content: ContentPort;
  snapshots: SnapshotsPort;
  apply: ApplyPort;
  progress?: ProgressObserver;
}

const exists = async (snapshots: SnapshotsPort, key: string): Promise<boolean> => {
  try {
    await snapshots.stat(key);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
};

/** What is so named is unpacked already: nobody else may take that name. */
const extractKey = (chainId: string) => `extract-${randomBytes(6).toString('base64url')} ${chainId}`;

async function unpackLayer(layer: Descriptor, diffId: string, parent: string, chainId: string, options: UnpackOptions): Promise<void> {
  const { content, snapshots, apply, progress } = options;
  const ref = ingestRef(layer);
  const { digest, size: total } = layer;
  const labels = { 'containerd.io/snapshot.ref': chainId };
  const key = extractKey(chainId);
  progress?.({ status: 'unpacking', ref, digest, total });
  const mounts = await snapshots.prepare(key, parent, { labels });
  let committed = false;
  try {
    const applied = await apply(mounts, content.read(digest), layer);
    // What lies on the disk is what the config promises, or it is nobody's image.
    if (applied.digest !== diffId)
      throw failedPrecondition(
        `wrong diff id calculated on extraction ${JSON.stringify(applied.digest)}, expected ${JSON.stringify(diffId)}`,
      );
    await snapshots.commit(chainId, key, { labels });
    committed = true;
  } catch (error) {
    // Another process was faster with the same layers: its result is as good.
    if (!isAlreadyExists(error)) throw error;
  } finally {
    if (!committed) await Promise.resolve(snapshots.remove(key)).catch(() => {});
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
  const { snapshots } = options;
  const chain = chainIds(diffIds);
  for (const [i, chainId] of chain.entries()) {
    const layer = layers[i] as Descriptor;
    const diffId = diffIds[i] as string;
    if (await exists(snapshots, chainId)) continue;
    await arrived(i);
    await once(snapshots, chainId, async () => {
      if (!(await exists(snapshots, chainId))) await unpackLayer(layer, diffId, chain[i - 1] ?? '', chainId, options);
    });
  }
  return chain.at(-1) ?? '';
}

/** On the config: keeps the snapshot as long as the image is kept. */
export const snapshotLabel = (snapshots: SnapshotsPort, chainId: string): Record<string, string> => ({
  [`containerd.io/gc.ref.snapshot.${snapshots.name}`]: chainId,
});
