/** /.dockerenv: an empty file, by which programs find out that they are in a container of Docker's. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { targetOf } from '../../containerd/layers/target.ts';
import type { Mount } from '../../containerd/snapshots/mount.ts';

/**
 * Makes it in a container's own layer, while nobody has that mounted. An image that has one keeps it.
 * @throws Error of the file system
 */
export function makeDockerenv(rootfs: readonly Mount[]): void {
  const target = targetOf(rootfs);
  if (!target) return;
  try {
    writeFileSync(join(target.root, '.dockerenv'), '', { flag: 'wx', mode: 0o755 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
