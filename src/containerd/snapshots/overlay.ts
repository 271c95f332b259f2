/**
 * Snapshots as layers of overlayfs: each has its own files in fs/, and the kernel shows them over
 * those of its parents. Making one costs a folder, whatever its parents' size.
 * Source: Documentation/filesystems/overlayfs.rst; the mounts are those of containerd 1.6.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openTree } from '../layers/tree.ts';
import { openFolderSnapshotter, type SnapshotForm } from './folder-snapshotter.ts';
import type { Mount } from './mount.ts';
import type { Snapshotter } from './snapshotter.ts';

/** Whether overlayfs works on a folder's file system for who we are, and how. */
export type OverlaySupport = { works: true; userxattr: boolean } | { works: false; reason: string };

/** In a user namespace, trusted.* attributes are not to be had; overlayfs keeps its own in user.* there, from Linux 5.11. */
function inUserNamespace(): boolean {
  // The first namespace's own inode number is always the same: include/linux/proc_ns.h.
  const INITIAL_USER_NAMESPACE = 0xeffffffd;
  return statSync('/proc/self/ns/user').ino !== INITIAL_USER_NAMESPACE;
}

const fs = (folder: string): string => join(folder, 'fs');
const work = (folder: string): string => join(folder, 'work');
/** A name may have what separates options, or folders. */
const escaped = (path: string): string => path.replace(/[\\:,]/g, '\\$&');

function overlay(before: string[], upper: string | undefined, workFolder: string, lowers: string[]): Mount {
  const options = [...before];
  if (upper !== undefined) options.push(`workdir=${escaped(workFolder)}`, `upperdir=${escaped(upper)}`);
  options.push(`lowerdir=${lowers.map(escaped).join(':')}`);
  return { type: 'overlay', source: 'overlay', options };
}

/** Tries it, with a mount that has no place: nothing is left of it. */
export function overlaySupport(root: string): OverlaySupport {
  const userxattr = inUserNamespace();
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(root, 'overlay-'));
  try {
    for (const name of ['lower1', 'lower2', 'fs', 'work']) mkdirSync(join(folder, name));
    const lowers = [join(folder, 'lower1'), join(folder, 'lower2')];
    openTree([overlay(userxattr ? ['userxattr'] : [], fs(folder), work(folder), lowers)]).close();
    return { works: true, userxattr };
  } catch (error) {
    return { works: false, reason: (error as Error).message };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Opens overlayfs snapshots below a root.
 * @throws Error saying why, where overlayfs does not work
 */
export async function openOverlay(root: string, support: OverlaySupport = overlaySupport(root)): Promise<Snapshotter> {
  if (!support.works) throw new Error(`overlayfs does not work on ${root}: ${support.reason}; native snapshots do, and are copies`);
  const always: string[] = [];
  // With an index, an upper folder could be mounted with its first lower folders only.
  if (existsSync('/sys/module/overlay/parameters/index')) always.push('index=off');
  if (support.userxattr) always.push('userxattr');
  const form: SnapshotForm = {
    name: 'overlayfs',
    files: fs,
    make: (folder, kind, [parent]) => {
      mkdirSync(fs(folder));
      chmodSync(fs(folder), 0o755); // whatever the umask: it becomes a container's /
      if (kind === 'active') mkdirSync(work(folder), { mode: 0o711 });
      if (parent === undefined) return;
      // The root folder of the topmost layer is the one that is seen.
      const { uid, gid } = statSync(fs(parent));
      if (uid !== process.geteuid?.() || gid !== process.getegid?.()) chownSync(fs(folder), uid, gid);
    },
    mounts: (folder, { info }, parents) => {
      const bind = (source: string, mode: string): Mount[] => [{ type: 'bind', source, options: [mode, 'rbind'] }];
      const active = info.kind === 'active';
      const [parent] = parents;
      if (parent === undefined) return bind(fs(folder), active ? 'rw' : 'ro');
      if (!active && parents.length === 1) return bind(fs(parent), 'ro');
      return [overlay(always, active ? fs(folder) : undefined, work(folder), parents.map(fs))];
    },
  };
  return openFolderSnapshotter(root, form);
}
