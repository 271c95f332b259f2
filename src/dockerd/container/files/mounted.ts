/**
 * The files of a container that does not run, mounted for a while at a place of the daemon's own:
 * the snapshot, and in it volumes and binds. Nothing of it spreads to other mount namespaces.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, mkdirSync, openSync, readdirSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openFolders } from '../../../containerd/layers/folders.ts';
import { byteString } from '../../../containerd/layers/tar-header.ts';
import type { Mount } from '../../../containerd/snapshots/mount.ts';
import { closeAt, FAILED, O_CLOEXEC, O_PATH, openAt, openInside } from '../../../libc/at.ts';
import { SyscallError } from '../../../libc/errno.ts';
import { MNT, MS } from '../../../libc/flags.ts';
import { mount, shortenedLowers, unmount } from '../../../libc/mount.ts';
import { parseMountOptions } from '../../../runc/spec/mount-options.ts';
import type { Daemon } from '../../daemon.ts';
import { isMountPoint, readMountTable } from '../../mount-table.ts';
import type { Container } from '../containers.ts';
import type { MountPoint } from '../record.ts';

const baseOf = (execRoot: string): string => join(execRoot, 'files');

/** Mounts of a daemon that was killed. Before anything starts: two overlays must not share an upper folder. */
export function clearMountedFiles(execRoot: string): void {
  const base = baseOf(execRoot);
  if (!existsSync(base)) return;
  for (const name of readdirSync(base)) unmountAll(join(base, name));
  unmountAll(base);
}

function unmountAll(place: string): void {
  while (unmount(place, MNT.MNT_DETACH | MNT.UMOUNT_NOFOLLOW));
  rmdirSync(place);
}

/** The last one takes the base along: nothing stays mounted. */
function release(place: string): void {
  unmountAll(place);
  const base = dirname(place);
  if (readdirSync(base).length === 0) unmountAll(base);
}

const bind = (source: string, target: string, recursive: boolean): void =>
  mount({ type: '', source, target, flags: MS.MS_BIND | (recursive ? MS.MS_REC : 0), data: '' });
const makePrivate = (target: string): void => mount({ type: '', source: '', target, flags: MS.MS_PRIVATE | MS.MS_REC, data: '' });
const makeReadonly = (target: string): void =>
  mount({ type: '', source: '', target, flags: MS.MS_REMOUNT | MS.MS_BIND | MS.MS_RDONLY, data: '' });

/** A folder in which nothing that is mounted spreads elsewhere. */
function privateBase(execRoot: string): string {
  const base = baseOf(execRoot);
  mkdirSync(base, { recursive: true, mode: 0o700 });
  if (!isMountPoint(readMountTable(), base)) bind(base, base, false);
  makePrivate(base);
  return base;
}

function mountSnapshot(mounts: readonly Mount[], target: string): void {
  const [first] = mounts;
  if (!first || mounts.length > 1) throw new Error(`a snapshot of ${mounts.length} mounts`);
  const { flags, data, bind: isBind } = parseMountOptions(first.options);
  if (isBind || first.type === 'bind') {
    bind(first.source, target, true);
    if (flags & MS.MS_RDONLY) makeReadonly(target);
    return;
  }
  const shorter = shortenedLowers(data);
  const before = process.cwd();
  if (shorter) process.chdir(shorter.folder);
  try {
    mount({ type: first.type, source: first.source, target, flags, data: shorter?.data ?? data });
  } finally {
    if (shorter) process.chdir(before);
  }
}

/** Runs it with the path of what a container has at a place, made when it is missing; no link of the container leads out. */
function withPlace(root: number, destination: string, folder: boolean, act: (path: string) => void): void {
  const path = byteString(destination);
  const folders = openFolders(root, () => undefined);
  let fd = -1;
  try {
    fd = openInside(root, path, O_PATH | O_CLOEXEC);
    if (fd === FAILED.ENOENT && folder) {
      folders.at(path.slice(1));
      fd = openInside(root, path, O_PATH | O_CLOEXEC);
    } else if (fd === FAILED.ENOENT) {
      const parent = folders.at(dirname(path).slice(1));
      const create = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | O_CLOEXEC;
      const made = openAt(parent.fd, path.slice(path.lastIndexOf('/') + 1), create, 0o644);
      if (made >= 0) closeAt(made);
      fd = openInside(root, path, O_PATH | O_CLOEXEC);
    }
    if (fd < 0) throw new SyscallError(`open ${destination} in the container`, -fd);
    act(`/proc/self/fd/${fd}`);
  } finally {
    if (fd >= 0) closeAt(fd);
    folders.close();
  }
}

const depth = ({ Destination }: MountPoint): number => Destination.split('/').length;

/** @returns the open root; the caller closes it */
export async function mountFiles(
  { options, volumes, clients, log }: Daemon,
  { id, record }: Container,
  snapshot: readonly Mount[],
): Promise<{ fd: number; close(): Promise<void> }> {
  const user = `${id}-files-${randomBytes(4).toString('hex')}`;
  const place = join(privateBase(options.execRoot), user);
  const used: string[] = [];
  let root = -1;
  mkdirSync(place, { mode: 0o700 });
  const close = async (): Promise<void> => {
    if (root >= 0) closeSync(root);
    release(place);
    for (const name of used) await volumes.unmount(name, user);
  };
  try {
    mountSnapshot(snapshot, place);
    root = openSync(place, constants.O_RDONLY | constants.O_DIRECTORY);
    for (const point of [...record.Mounts].sort((a, b) => depth(a) - depth(b))) {
      const { Type, Name = '', Destination, Source, RW, NonRecursive, Snapshot, Subpath } = point;
      if (Type === 'tmpfs') continue;
      if (Type === 'image') {
        const { mounts } = await clients.snapshots.mounts({ snapshotter: record.Snapshotter, key: Snapshot as string });
        withPlace(root, Destination, true, (target) => mountSnapshot(mounts, target));
        continue;
      }
      const folder = Type === 'volume' ? await volumes.mount(Name, user) : Source;
      if (Type === 'volume') used.push(Name);
      // A folder of the host may be gone since; so it is for the container's next start.
      if (!existsSync(folder)) continue;
      const isFolder = statSync(folder).isDirectory();
      const from = Subpath === undefined ? undefined : openBelow(folder, Subpath);
      try {
        const source = from === undefined ? folder : `/proc/self/fd/${from}`;
        withPlace(root, Destination, from === undefined ? isFolder : statSync(source).isDirectory(), (target) =>
          bind(source, target, !NonRecursive),
        );
      } finally {
        if (from !== undefined) closeAt(from);
      }
      withPlace(root, Destination, isFolder, (target) => {
        makePrivate(target);
        if (!RW) makeReadonly(target);
      });
    }
    if (record.HostConfig.ReadonlyRootfs) makeReadonly(place);
    return { fd: root, close };
  } catch (error) {
    await close().catch((reason: unknown) => log('warn', 'files of a container stay mounted', { place, error: reason }));
    throw error;
  }
}

/** A place below a volume, through no link that leads out of it. */
function openBelow(volume: string, subpath: string): number {
  const top = openSync(volume, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const fd = openInside(top, byteString(subpath), O_PATH | O_CLOEXEC);
    if (fd < 0) throw new SyscallError(`open ${join(volume, subpath)}`, -fd);
    return fd;
  } finally {
    closeSync(top);
  }
}
