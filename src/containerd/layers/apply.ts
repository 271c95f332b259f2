/**
 * Applies a layer: what `ctr image pull` calls unpacking. The digest that an image's config has
 * for the layer, its diff ID, is of the uncompressed archive, and is computed on the way.
 */
import { closeSync, constants, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { hasher } from '../content/digest.ts';
import type { Mount } from '../snapshots/mount.ts';
import type { Rules } from './attributes.ts';
import { decompressed } from './compression.ts';
import { tarReader } from './tar-reader.ts';
import { type Target, targetOf } from './target.ts';
import { openTree } from './tree.ts';
import { unpack } from './unpack.ts';

export { LayerError } from './unpack.ts';

export interface AppliedLayer {
  /** The diff ID: sha256 of the uncompressed archive, all of it. */
  digest: string;
  /** Bytes of the uncompressed archive. */
  size: number;
  /** What was left out because it cannot be done here, and an image can do without. */
  ignored: string[];
}

/**
 * Applies a layer to the snapshot that the mounts make.
 *
 * Nothing is mounted where the mounts have a folder to write to; the upper folder of an overlay
 * gets whiteouts in overlayfs's own form.
 * @param tar the layer: plain, gzip or zstd. It is read to its end, or destroyed
 * @throws LayerError with the entry that could not be applied; TarError for a damaged archive.
 *   The snapshot is of no use afterwards
 */
export async function applyLayer(mounts: readonly Mount[], tar: Readable): Promise<AppliedLayer> {
  const target = targetOf(mounts);
  if (target) {
    const fd = openSync(target.root, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      return await applyTo(fd, target, tar);
    } finally {
      closeSync(fd);
    }
  }
  const tree = openTree(mounts);
  try {
    return await applyTo(tree.fd, { kind: 'tree', root: '.' }, tar);
  } finally {
    tree.close();
  }
}

/** As many kinds of left out things are named; then they repeat themselves. */
const MOST_IGNORED = 100;

async function applyTo(root: number, target: Target, tar: Readable): Promise<AppliedLayer> {
  const ignored = new Set<string>();
  const rules: Rules = {
    owners: process.geteuid?.() === 0,
    ignored: (what) => {
      if (ignored.size < MOST_IGNORED) ignored.add(what);
    },
  };
  const hash = hasher('sha256');
  const unpacking = unpack(root, target, rules);
  const reader = tarReader(unpacking.sink);
  let size = 0;
  try {
    for await (const chunk of decompressed(tar)) {
      hash.update(chunk);
      size += chunk.length;
      reader.push(chunk);
    }
    reader.finish();
    unpacking.finish();
  } finally {
    unpacking.close();
    if (!tar.destroyed) tar.destroy();
  }
  return { digest: `sha256:${hash.digest('hex')}`, size, ignored: [...ignored] };
}
