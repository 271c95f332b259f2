/**
 * The root mount of a container that shares the host's mount namespace. It is seen on the host, outlives the
 * container's processes, and is taken away when the container is deleted.
 */
import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { MNT } from '../../libc/flags.ts';
import { unmount } from '../../libc/mount.ts';
import { parseMountInfo } from '../host/mountinfo.ts';

/** Written down before anything is mounted, so that whoever finds it after a SIGKILL knows what is the container's. */
export interface HostRoot {
  /** Absolute, without links. */
  path: string;
  /** The mount namespace in which it is mounted, as /proc/self/ns/mnt names it. */
  namespace: string;
  /** What is mounted there already (an engine's overlay), by mount number: that stays. */
  before: number[];
}

const ownNamespace = (): string => readlinkSync('/proc/self/ns/mnt');

const mountsAt = (path: string): number[] =>
  parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).flatMap((m) => (m.point === path ? [m.id] : []));

const topAt = (path: string): number | undefined => mountsAt(path).at(-1);

/**
 * What has to be known of a rootfs before it is mounted over.
 * @throws Error when it is the host's root
 */
export function hostRootAt(rootfs: string): HostRoot {
  const path = realpathSync(rootfs);
  if (path === '/')
    throw new Error(
      '#/root/path: a container without a mount namespace cannot have the host\'s own root, which would be mounted over; add {"type": "mount"} to linux.namespaces',
    );
  return { path, namespace: ownNamespace(), before: mountsAt(path) };
}

/** Takes away what was mounted on the rootfs since, and all that lies on it. From another mount namespace it cannot be reached. */
export function unmountHostRoot({ path, namespace, before }: HostRoot): void {
  if (ownNamespace() !== namespace) return;
  // What lies on top, one after the other, until that is the engine's. Where the host's mounts are shared, each may
  // take copies of itself along that lie further down: so it is looked at anew.
  for (let top = topAt(path); top !== undefined && !before.includes(top); top = topAt(path)) {
    if (!unmount(path, MNT.MNT_DETACH | MNT.UMOUNT_NOFOLLOW)) return;
  }
}
