/** How large the files of a volume are. */
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Containers change what is counted meanwhile. */
const unlessGone = async <T>(look: Promise<T>): Promise<T | undefined> =>
  look.catch((error: NodeJS.ErrnoException) => {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(error.code ?? '')) return undefined;
    throw error;
  });

/** Bytes of all files as Docker counts them: their lengths, a file with several names once, folders not at all. */
export async function sizeOfFiles(folder: string): Promise<number> {
  const linked = new Set<string>();
  let size = 0;
  const count = (stat: Stats): void => {
    if (stat.nlink > 1) {
      const inode = `${stat.dev}:${stat.ino}`;
      if (linked.has(inode)) return;
      linked.add(inode);
    }
    size += stat.size;
  };
  const left = [folder];
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    for (const item of (await unlessGone(readdir(path, { withFileTypes: true }))) ?? []) {
      const inside = join(path, item.name);
      if (item.isDirectory()) left.push(inside);
      else {
        const stat = await unlessGone(lstat(inside));
        if (stat) count(stat);
      }
    }
  }
  return size;
}
