/** Images from a file or a folder, as `docker load` and `ctr image import` take them. */
import type { Readable } from 'node:stream';
import { invalidArgument } from '../errors.ts';
import type { Descriptor } from '../registry/descriptor.ts';
import { type AdoptOptions, adopt } from '../transfer/adopt.ts';
import type { ContentPort, Image, Stores } from '../transfer/ports.ts';
import { type ArchiveContents, collectArchive } from './contents.ts';
import { type ArchivedImage, dockerImages, oldDockerImages } from './docker-archive.ts';
import { collectFolder, layoutImages } from './oci-layout.ts';
import { readArchive } from './read-archive.ts';

export interface LoadOptions extends AdoptOptions {
  /** repository for tags that stand alone in an OCI layout: `ctr image import --base-name` */
  base?: string;
  /** the name of an image that has none; without it such images are only told of */
  nameless?: (target: Descriptor) => string | undefined;
  labels?: Record<string, string>;
}

export interface Loaded {
  images: Image[];
  /** images without a name: the garbage collector takes them when nobody names them */
  unnamed: Descriptor[];
}

async function collect(content: ContentPort, from: Readable | string): Promise<ArchiveContents> {
  if (typeof from === 'string') return collectFolder(content, from);
  const { visitor, found, close } = collectArchive(content);
  try {
    await readArchive(from, visitor);
    return found;
  } finally {
    await close();
    from.destroy();
  }
}

/** OCI's description counts where both are there, as they are in what `docker save` writes now: it keeps digests. */
async function imagesOf(content: ContentPort, found: ArchiveContents, base: string | undefined): Promise<ArchivedImage[]> {
  if (found.texts.has('oci-layout') && found.texts.has('index.json')) return layoutImages(found, base);
  if (found.texts.has('manifest.json')) return dockerImages(content, found);
  if (found.texts.has('repositories')) return oldDockerImages(content, found);
  throw invalidArgument('unrecognized image format: the archive has neither oci-layout nor manifest.json nor repositories');
}

/**
 * Loads every image of an archive.
 * @param from a tar, plain or compressed, or the path of a folder with an OCI layout
 * @throws invalid argument for what is no image archive, failed precondition for content that is not what its name says.
 *   Then no image was made or changed
 */
export function load(stores: Stores, from: Readable | string, options: LoadOptions = {}): Promise<Loaded> {
  return stores.leased(async (leased) => {
    const found = await collect(leased.content, from);
    const archived = await imagesOf(leased.content, found, options.base);
    for (const { target } of archived) await adopt(leased, target, options);
    const images: Image[] = [];
    const unnamed: Descriptor[] = [];
    for (const { target, names } of archived) {
      const fallback = names.length === 0 ? options.nameless?.(target) : undefined;
      const all = fallback === undefined ? names : [fallback];
      if (all.length === 0) unnamed.push(target);
      for (const name of all) images.push(await leased.images.put({ name, target, ...(options.labels && { labels: options.labels }) }));
    }
    return { images, unnamed };
  });
}
