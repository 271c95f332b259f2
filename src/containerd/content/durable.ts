/** What must still be there after a power failure has to be told so: files, and the folders that name them. */
import { closeSync, fsyncSync, openSync } from 'node:fs';

/** fsync(2) of a folder: the names in it, a rename for one, are on the disk afterwards. */
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
