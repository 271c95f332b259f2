/** Makes a layer of the difference between two snapshots: what `commit` does before there is an image. */
import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { hasher } from '../content/digest.ts';
import type { ContentStore } from '../content/store.ts';
import { isAlreadyExists } from '../errors.ts';
import { lowersOf, targetOf } from '../layers/target.ts';
import { openTree } from '../layers/tree.ts';
import type { Mount } from '../snapshots/mount.ts';
import { type Change, changes, upperChanges } from './changes.ts';
import { layerOf } from './layer.ts';

export type LayerCompression = 'gzip' | 'plain';

export interface DiffOptions {
  /** gzip, unless said otherwise. */
  compression?: LayerCompression;
  /** The ref of the ingest. What an earlier try has left under it is thrown away. */
  ref: string;
}

export interface DiffLayer {
  mediaType: string;
  digest: string;
  /** In bytes, as it is stored. */
  size: number;
  /** sha256 of the uncompressed archive: the diff ID of an image's config, and containerd's label containerd.io/uncompressed. */
  diffId: string;
}

const MEDIA_TYPES: Record<LayerCompression, string> = {
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  plain: 'application/vnd.oci.image.layer.v1.tar',
};

/** Whether overlayfs may write down a renamed folder, or a changed mode, without copying it: such an upper folder alone says too little. */
const overlayIsPlain = (): boolean =>
  ['redirect_dir', 'metacopy'].every((name) => {
    const path = `/sys/module/overlay/parameters/${name}`;
    return !existsSync(path) || readFileSync(path, 'utf8').startsWith('N');
  });

/** What differs between two snapshots, and the open tree below: undefined when there is none. Both are closed afterwards. */
export interface OpenChanges {
  all: Generator<Change>;
  lower: number | undefined;
}

/**
 * Runs it with the changes that make `upper` of `lower`.
 *
 * Where `upper` is an overlay right on top of `lower`, its upper folder is read and nothing is
 * mounted; else both trees are walked.
 * @param lower mounts of the parent; none when there is none
 * @throws SyscallError when a tree cannot be read
 */
export async function withChanges<T>(lower: readonly Mount[], upper: readonly Mount[], act: (open: OpenChanges) => Promise<T>): Promise<T> {
  const below = lower.length > 0 ? openTree(lower) : undefined;
  try {
    const target = targetOf(upper);
    const lowers = lowersOf(lower);
    const direct = target?.kind === 'upper' && below && lowers?.join('\0') === target.lowers.join('\0') && overlayIsPlain();
    if (direct) {
      const fd = openSync(target.root, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        return await act({ all: upperChanges(below.fd, fd), lower: below.fd });
      } finally {
        closeSync(fd);
      }
    }
    const tree = openTree(upper);
    try {
      return await act({ all: changes(below?.fd, tree.fd), lower: below?.fd });
    } finally {
      tree.close();
    }
  } finally {
    below?.close();
  }
}

/**
 * Writes the layer that makes `upper` of `lower` into the content store.
 * @param lower mounts of the parent; none when there is none
 * @throws SyscallError when a tree cannot be read
 */
export const diff = (
  content: Pick<ContentStore, 'ingest'>,
  lower: readonly Mount[],
  upper: readonly Mount[],
  { compression = 'gzip', ref }: DiffOptions,
): Promise<DiffLayer> => withChanges(lower, upper, ({ all }) => write(content, all, compression, ref));

async function write(
  content: Pick<ContentStore, 'ingest'>,
  all: Iterable<Change>,
  compression: LayerCompression,
  ref: string,
): Promise<DiffLayer> {
  const ingest = await content.ingest(ref);
  try {
    if (ingest.offset > 0) await ingest.truncate(0);
    const plain = hasher('sha256');
    const archive = async function* (): AsyncGenerator<Buffer> {
      for (const piece of layerOf(all)) {
        plain.update(piece);
        yield piece;
      }
    };
    const into = async (pieces: AsyncIterable<Buffer>): Promise<void> => {
      for await (const piece of pieces) await ingest.write(piece);
    };
    if (compression === 'gzip') await pipeline(archive, createGzip({ chunkSize: 1 << 18 }), into);
    else await into(archive());
    const { offset: size } = ingest;
    const digest = ingest.digest();
    await ingest.commit().catch((error) => {
      // The same layer was made before.
      if (!isAlreadyExists(error)) throw error;
    });
    return { mediaType: MEDIA_TYPES[compression], digest, size, diffId: `sha256:${plain.digest('hex')}` };
  } finally {
    await ingest.close();
  }
}
