/** What layers take on the disk. containerd counts a snapshot once, when it is committed; asking for it is cheap. */
import { isNotFound } from '../../containerd/errors.ts';
import { hasManifests } from '../../containerd/registry/manifest.ts';
import { chainIds } from '../../containerd/transfer/chain-id.ts';
import { readManifest } from '../../containerd/transfer/content.ts';
import type { ContentPort } from '../../containerd/transfer/ports.ts';
import type { ContainerdClients } from '../containerd/clients.ts';
import type { Image, ImageLayer } from './images.ts';

export interface LayerSizes {
  of(image: Pick<Image, 'manifest' | 'config'>): Promise<ImageLayer[]>;
  /** Forgets all but these. */
  keepOnly(chainIds: ReadonlySet<string>): void;
}

export function openLayerSizes(content: ContentPort, snapshots: ContainerdClients['snapshots'], snapshotter: string): LayerSizes {
  const known = new Map<string, number>();

  /** undefined for a layer that is not unpacked. */
  async function unpacked(chainId: string): Promise<number | undefined> {
    const found = known.get(chainId);
    if (found !== undefined) return found;
    try {
      const { size } = await snapshots.usage({ snapshotter, key: chainId });
      known.set(chainId, Number(size));
      return Number(size);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async function packed(image: Pick<Image, 'manifest'>): Promise<number[]> {
    const manifest = await readManifest(content, image.manifest);
    return hasManifests(manifest) ? [] : manifest.layers.map(({ size }) => size);
  }

  return {
    async of(image) {
      const chain = chainIds(image.config.rootfs?.diff_ids ?? []);
      const sizes = await Promise.all(chain.map(unpacked));
      const instead = sizes.includes(undefined) ? await packed(image) : [];
      return chain.map((chainId, i) => ({ chainId, size: sizes[i] ?? instead[i] ?? 0 }));
    },
    keepOnly(wanted) {
      for (const chainId of known.keys()) if (!wanted.has(chainId)) known.delete(chainId);
    },
  };
}
