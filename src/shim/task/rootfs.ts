/** The container's root: mounted from what Create names, unmounted by Delete. */
import { closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { closeFd } from '../../libc/fd.ts';
import { MNT, MS, O } from '../../libc/flags.ts';
import { mount, shortenedLowers, unmount } from '../../libc/mount.ts';
import { openInRoot } from '../../runc/rootfs/read-inside.ts';
import { parseMountOptions } from '../../runc/spec/mount-options.ts';
import { inFolder } from './in-folder.ts';

/** containerd.types.Mount. */
export interface RootfsMount {
  type: string;
  source: string;
  /** Below the root; '' for the root itself. */
  target: string;
  /** In fstab's words. */
  options: readonly string[];
}

/** Where Create's mounts go. */
export const rootfsOf = (bundle: string): string => join(bundle, 'rootfs');

/** mount(2) ignores a bind mount's other flags: they are set by a second call. */
const KEPT_BY_BIND = MS.MS_BIND | MS.MS_REC;

/** One mount, in fstab's words. @throws Error that names it */
export function mountOne({ type, source, options }: Omit<RootfsMount, 'target'>, target: string): void {
  if (options.includes('loop'))
    throw new Error(`mount ${source} at ${target}: the option "loop" is not supported; set the loop device up and name it`);
  const parsed = parseMountOptions(options);
  if (parsed.idmap)
    throw new Error(`mount ${source} at ${target}: idmapped mounts of a root are not supported; ask the snapshotter for a shifted copy`);
  const bind = parsed.bind || type === 'bind' || type === 'rbind';
  if (bind) {
    const flags = (parsed.flags & KEPT_BY_BIND) | MS.MS_BIND | (type === 'rbind' ? MS.MS_REC : 0);
    mount({ type: '', source, target, flags, data: '' });
    const rest = parsed.flags & ~KEPT_BY_BIND;
    if (rest) mount({ type: '', source: '', target, flags: rest | MS.MS_BIND | MS.MS_REMOUNT, data: '' });
  } else {
    withinLimit(type, parsed.data, (data) => mount({ type, source: source || type, target, flags: parsed.flags, data }));
  }
  for (const flags of parsed.propagation) mount({ type: '', source: '', target, flags, data: '' });
}

function withinLimit(type: string, data: string, act: (data: string) => void): void {
  const shorter = type === 'overlay' ? shortenedLowers(data) : undefined;
  if (shorter) inFolder(shorter.folder, () => act(shorter.data));
  else act(data);
}

/** A place in the image is resolved inside of it: its links may lead anywhere (CVE-2021-30465). */
function mountInside(rootfs: string, one: RootfsMount): void {
  const root = openSync(rootfs, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const at = openInRoot(root, one.target, O.O_PATH | O.O_CLOEXEC);
    if (at === undefined) throw new Error(`mount ${one.source} at ${one.target}: no such place in the container's root`);
    try {
      mountOne(one, `/proc/self/fd/${at}`);
    } finally {
      closeFd(at);
    }
  } finally {
    closeSync(root);
  }
}

/** Mounts the container's root. @throws Error; then nothing of it is left mounted */
export function mountRootfs(mounts: readonly RootfsMount[], bundle: string): void {
  if (!mounts.length) return;
  const rootfs = rootfsOf(bundle);
  mkdirSync(rootfs, { recursive: true, mode: 0o711 });
  try {
    for (const one of mounts) {
      if (one.target) mountInside(rootfs, one);
      else mountOne(one, rootfs);
    }
  } catch (error) {
    unmountRootfs(bundle);
    throw error;
  }
}

/** Unmounts all that is mounted at the root, now or, where something still uses it, as soon as that ends (MNT_DETACH). */
export function unmountRootfs(bundle: string): void {
  while (unmount(rootfsOf(bundle), MNT.MNT_DETACH | MNT.UMOUNT_NOFOLLOW));
}
