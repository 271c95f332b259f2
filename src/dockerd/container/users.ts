/** The files that say who is who in a container; they need not be those of its image any more. */
import { readdirSync } from 'node:fs';
import { openTree } from '../../containerd/layers/tree.ts';
import type { Mount } from '../../containerd/snapshots/mount.ts';
import { readInside } from '../../runc/rootfs/read-inside.ts';
import type { UserFiles } from './spec/user.ts';

/** @param root of the file system: a folder, or /proc/PID/root of a container that runs */
export const userFilesBelow = (root: string): UserFiles => ({
  passwd: readInside(root, '/etc/passwd') ?? '',
  group: readInside(root, '/etc/group') ?? '',
});

/** Those of images whose containers were started, by their layers. */
const ofImages = new Map<string, UserFiles>();
const MOST_KEPT = 64;

/**
 * Those of a snapshot. Mounting it costs more than all else that is read for a start, and nearly always
 * nothing has been written yet: then they are those of the layers below, which never change and whose names are used once.
 */
export function userFilesOf(mounts: readonly Mount[]): UserFiles {
  const layers = untouchedLayers(mounts);
  const known = layers === undefined ? undefined : ofImages.get(layers);
  if (known) return known;
  const tree = openTree(mounts);
  try {
    const files = userFilesBelow(`/proc/self/fd/${tree.fd}`);
    if (layers !== undefined) {
      if (ofImages.size >= MOST_KEPT) ofImages.clear();
      ofImages.set(layers, files);
    }
    return files;
  } finally {
    tree.close();
  }
}

/** The layers of an overlay in which nothing has been written; undefined for all else. */
export function untouchedLayers([mount, ...more]: readonly Mount[]): string | undefined {
  if (mount?.type !== 'overlay' || more.length > 0) return undefined;
  const optionOf = (name: string) => mount.options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const upper = optionOf('upperdir');
  if (upper === undefined) return undefined;
  try {
    return readdirSync(upper).length === 0 ? optionOf('lowerdir') : undefined;
  } catch {
    // A path with a comma or a colon is written in another way.
    return undefined;
  }
}
