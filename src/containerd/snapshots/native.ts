/**
 * Snapshots as copies: works on any file system, for any user. Each active snapshot with a parent
 * costs the parent's size, unless the file system can share blocks (btrfs, XFS: reflinks).
 */
import { spawn } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { openFolderSnapshotter, type SnapshotForm } from './folder-snapshotter.ts';
import type { Snapshotter } from './snapshotter.ts';

/**
 * Copies what is in a folder with cp(1): hard links among the files, holes, owners, times, xattrs,
 * and shared blocks where the file system has them. In a process of its own, as it may take long.
 */
function copyTree(from: string, to: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const copy = spawn('cp', ['-a', '--reflink=auto', '--sparse=auto', '--', `${from}/.`, to], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    copy.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < 4096) said += text;
    });
    copy.on('error', (error) => reject(new Error(`copy of parent failed: cannot start cp (GNU coreutils): ${error.message}`)));
    copy.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`copying of parent failed: cp: ${said.trim() || `exit code ${code}`}`)),
    );
  });
}

const form: SnapshotForm = {
  name: 'native',
  files: (folder) => folder,
  make: async (folder, kind, [parent]) => {
    chmodSync(folder, 0o755);
    if (parent !== undefined && kind === 'active') await copyTree(parent, folder);
  },
  mounts: (folder, { info }, [parent]) => {
    const active = info.kind === 'active';
    const source = parent === undefined || active ? folder : parent;
    return [{ type: 'bind', source, options: ['rbind', active ? 'rw' : 'ro'] }];
  },
};

/** Opens native snapshots below a root. */
export const openNative = (root: string): Promise<Snapshotter> => openFolderSnapshotter(root, form);
