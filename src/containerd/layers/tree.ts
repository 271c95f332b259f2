/** The file tree that mounts make, open. A bind is its source; anything else is mounted without a place. */
import { closeSync, constants, openSync } from 'node:fs';
import { detachedMount } from '../../libc/detached-mount.ts';
import { invalidArgument, notImplemented } from '../errors.ts';
import type { Mount } from '../snapshots/mount.ts';

export interface OpenTree {
  /** Of the tree's root folder. */
  fd: number;
  close(): void;
}

/** Options that say how to mount, not what: whoever has the tree open neither executes nor opens a device. */
const OF_THE_MOUNT = new Set([
  'ro',
  'rw',
  'nodev',
  'nosuid',
  'noexec',
  'noatime',
  'nodiratime',
  'relatime',
  'rbind',
  'bind',
  'private',
  'rprivate',
]);

/** @throws invalid argument for no mounts, not implemented for several; SyscallError */
export function openTree(mounts: readonly Mount[]): OpenTree {
  const [mount] = mounts;
  if (!mount) throw invalidArgument('no mounts');
  if (mounts.length > 1 || mount.target) throw notImplemented('more than one mount for a file tree');
  const bind = mount.type === 'bind' || mount.options.includes('bind') || mount.options.includes('rbind');
  const fd = bind
    ? openSync(mount.source, constants.O_RDONLY | constants.O_DIRECTORY)
    : detachedMount(
        mount.type,
        mount.source,
        mount.options.filter((option) => !OF_THE_MOUNT.has(option)),
      );
  return { fd, close: () => closeSync(fd) };
}
