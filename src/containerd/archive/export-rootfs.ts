/** All files of a container as one plain tar, without layers, history or config: `docker export`. */
import { Readable } from 'node:stream';
import { changes } from '../diff/changes.ts';
import { layerOf } from '../diff/layer.ts';
import { openTree } from '../layers/tree.ts';
import type { Mount } from '../transfer/ports.ts';

/** Against nothing, everything has changed. */
async function* everything(mounts: readonly Mount[]): AsyncGenerator<Buffer> {
  const tree = openTree(mounts);
  try {
    yield* layerOf(changes(undefined, tree.fd));
  } finally {
    tree.close();
  }
}

/**
 * @param mounts of a snapshot; for a container that runs, a bind of its root file system as it is mounted now:
 *   two overlays must not share an upper folder
 * @throws (the stream) SyscallError when the tree cannot be read
 */
export const exportRootfs = (mounts: readonly Mount[]): Readable =>
  Readable.from(everything(mounts), { objectMode: false, highWaterMark: 1 << 20 });
