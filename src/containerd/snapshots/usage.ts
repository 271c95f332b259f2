/** What a folder takes on the disk. */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { SnapshotUsage } from './snapshotter.ts';

/** Counts inodes and their blocks, a hard-linked file once. The thread is given up after each folder. */
export async function usageOf(folder: string): Promise<SnapshotUsage> {
  const usage = { inodes: 0, size: 0 };
  const linked = new Set<string>();
  const count = (path: string): void => {
    const stat = unlessGone(() => lstatSync(path));
    if (!stat) return;
    if (stat.nlink > 1 && !stat.isDirectory()) {
      const inode = `${stat.dev}:${stat.ino}`;
      if (linked.has(inode)) return;
      linked.add(inode);
    }
    usage.inodes++;
    usage.size += stat.blocks * 512;
  };
  const left = [folder];
  count(folder);
  for (let path = left.pop(); path !== undefined; path = left.pop()) {
    for (const item of unlessGone(() => readdirSync(path, { withFileTypes: true })) ?? []) {
      count(join(path, item.name));
      if (item.isDirectory()) left.push(join(path, item.name));
    }
    await turn();
  }
  return usage;
}

/** A container may remove what is counted, or make what no path is short enough for. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
