/**
 * A folder below a volume, for `volume-subpath`. Whoever writes to the volume could put a link in
 * its place between the look and the mount (Kubernetes' CVE-2017-1002101), so it is opened inside the
 * volume, and what is open is bound to a place of the daemon's, which the runtime binds from.
 */
import { closeSync, constants, existsSync, fstatSync, mkdirSync, openSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { byteString } from '../../../containerd/layers/tar-header.ts';
import { closeAt, O_CLOEXEC, O_PATH, openInside } from '../../../libc/at.ts';
import { SyscallError } from '../../../libc/errno.ts';
import { MNT, MS } from '../../../libc/flags.ts';
import { mount, unmount } from '../../../libc/mount.ts';
import { badRequest } from '../../http/api-error.ts';

const folderOf = (execRoot: string, containerId: string): string => join(execRoot, 'subpaths', containerId);

/**
 * @param volume the folder of the volume
 * @returns a path that leads there until {@link closeSubpaths}
 * @throws 400 when there is nothing
 */
export function openSubpath(execRoot: string, containerId: string, index: number, volume: string, subpath: string): string {
  const root = openSync(volume, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const fd = openInside(root, byteString(subpath), O_PATH | O_CLOEXEC);
    if (fd < 0) throw badRequest(`cannot access path ${join(volume, subpath)}: ${new SyscallError('open', -fd).message}`);
    try {
      const place = join(folderOf(execRoot, containerId), String(index));
      if (fstatSync(fd).isDirectory()) mkdirSync(place, { recursive: true, mode: 0o700 });
      else {
        mkdirSync(folderOf(execRoot, containerId), { recursive: true, mode: 0o700 });
        writeFileSync(place, '');
      }
      mount({ type: '', source: `/proc/self/fd/${fd}`, target: place, flags: MS.MS_BIND | MS.MS_REC, data: '' });
      return place;
    } finally {
      closeAt(fd);
    }
  } finally {
    closeSync(root);
  }
}

/** The container has its own mounts by now; or an earlier daemon was killed before it had. */
export function closeSubpaths(execRoot: string, containerId: string): void {
  const folder = folderOf(execRoot, containerId);
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const place = join(folder, name);
    while (unmount(place, MNT.MNT_DETACH | MNT.UMOUNT_NOFOLLOW));
    // Never more than the empty file or folder that was mounted on.
    if (existsSync(place)) rmPlace(place);
  }
  rmdirSync(folder);
}

function rmPlace(place: string): void {
  try {
    rmdirSync(place);
  } catch {
    rmSync(place, { force: true });
  }
}
