/** The files that say who is who in a container; they need not be those of its image any more. */
import { openTree } from '../../containerd/layers/tree.ts';
import type { Mount } from '../../containerd/snapshots/mount.ts';
import { readInside } from '../../runc/rootfs/read-inside.ts';
import type { UserFiles } from './spec/user.ts';

/** @param root of the file system: a folder, or /proc/PID/root of a container that runs */
export const userFilesBelow = (root: string): UserFiles => ({
  passwd: readInside(root, '/etc/passwd') ?? '',
  group: readInside(root, '/etc/group') ?? '',
});

/** Those of a snapshot. */
export function userFilesOf(mounts: readonly Mount[]): UserFiles {
  const tree = openTree(mounts);
  try {
    return userFilesBelow(`/proc/self/fd/${tree.fd}`);
  } finally {
    tree.close();
  }
}
