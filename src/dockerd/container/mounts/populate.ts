/**
 * What an image has where a volume is mounted goes into the volume, as long as that is empty:
 * else a database's image would start with an empty folder instead of the one it was made with.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { changes } from '../../../containerd/diff/changes.ts';
import { layerOf } from '../../../containerd/diff/layer.ts';
import { nodeAt } from '../../../containerd/diff/node.ts';
import { type Rules, setAttributes } from '../../../containerd/layers/attributes.ts';
import { byteString, type TarEntry } from '../../../containerd/layers/tar-header.ts';
import { tarReader } from '../../../containerd/layers/tar-reader.ts';
import { type OpenTree, openTree } from '../../../containerd/layers/tree.ts';
import { unpack } from '../../../containerd/layers/unpack.ts';
import type { Mount } from '../../../containerd/snapshots/mount.ts';
import { closeAt, FAILED, O_CLOEXEC, openInside } from '../../../libc/at.ts';
import { SyscallError } from '../../../libc/errno.ts';
import type { Daemon } from '../../daemon.ts';
import { badRequest } from '../../http/api-error.ts';
import type { MountPoint } from '../record.ts';

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | O_CLOEXEC;

/**
 * The image's folder at a place, open. Links of the image are followed as the container would, never out of its root.
 * @returns undefined when there is no folder
 * @throws 400 for a volume that nobody named over a file
 */
function openPlace(root: number, { Destination, Anonymous }: MountPoint): number | undefined {
  const fd = openInside(root, byteString(Destination), OPEN_FOLDER);
  if (fd >= 0) return fd;
  if (fd === FAILED.ENOTDIR && Anonymous) throw badRequest(`cannot mount volume over existing file, file exists ${Destination}`);
  if (fd === FAILED.ENOENT || fd === FAILED.ENOTDIR || fd === FAILED.ELOOP) return undefined;
  throw new SyscallError(`open ${Destination} in the image`, -fd);
}

/**
 * Copies all below one open folder into another: owners, modes, times, attributes, links.
 * @param to the path of an empty folder of the daemon; it gets the first one's owner and mode too
 */
export async function copyFolder(from: number, to: string): Promise<void> {
  const rules: Rules = { owners: true, ignored: () => undefined };
  const target = openSync(to, OPEN_FOLDER);

  const unpacking = unpack(target, { kind: 'tree', root: to, plain: true }, rules);
  try {
    const reader = tarReader(unpacking.sink);
    for (const piece of layerOf(changes(undefined, from))) {
      reader.push(piece);
      // Large ones take their time; others are served meanwhile.
      await turn();
    }
    reader.finish();
    unpacking.finish();
    const node = nodeAt(from, '.');
    if (node) setAttributes(target, { ...node, type: 'folder' } as unknown as TarEntry, rules, true);
  } finally {
    unpacking.close();
    closeSync(target);
  }
}

/** Fills the new volumes of a container that is being made. @param rootfs how its snapshot is mounted */
export async function populateVolumes(
  { volumes }: Pick<Daemon, 'volumes'>,
  points: readonly MountPoint[],
  containerId: string,
  rootfs: readonly Mount[],
): Promise<void> {
  const wanted = points.filter(({ Type, CopyUp, Subpath }) => Type === 'volume' && CopyUp && Subpath === undefined);
  // Opened when the first volume turns out to be empty: most are not.
  let tree: OpenTree | undefined;
  try {
    for (const point of wanted) {
      await volumes.populate(point.Name as string, containerId, async (folder) => {
        tree ??= openTree(rootfs);
        const from = openPlace(tree.fd, point);
        if (from === undefined) return;
        try {
          await copyFolder(from, folder);
        } finally {
          closeAt(from);
        }
      });
    }
  } finally {
    tree?.close();
  }
}
