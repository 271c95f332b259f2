/** `docker export`: the files of a container, without its volumes. */
import type { Readable } from 'node:stream';
import { exportRootfs } from '../../../containerd/archive/export-rootfs.ts';
import type { Mount } from '../../../containerd/snapshots/mount.ts';
import type { Daemon } from '../../daemon.ts';
import { conflict } from '../../http/api-error.ts';
import type { Container } from '../containers.ts';

const optionOf = (options: readonly string[], name: string): string | undefined =>
  options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);

/**
 * The same tree, to be read: an upper folder must not belong to two overlays, but may lie below
 * another one. So it can be looked at while the container runs.
 */
export function readonlyMounts(mounts: readonly Mount[]): Mount[] {
  return mounts.map((mount) => {
    const upper = optionOf(mount.options, 'upperdir');
    if (mount.type !== 'overlay' || upper === undefined) return mount;
    const lower = optionOf(mount.options, 'lowerdir');
    const rest = mount.options.filter((option) => !/^(upperdir|workdir|lowerdir|index|volatile)(=|$)/.test(option));
    return { ...mount, options: [...rest, `lowerdir=${lower === undefined ? upper : `${upper}:${lower}`}`] };
  });
}

/** @throws 409 for one that is being removed */
export async function exportFiles({ clients }: Daemon, { id, record }: Container): Promise<Readable> {
  const { Status } = record.State;
  if (Status === 'dead') throw conflict(`You cannot export container ${id} which is Dead`);
  if (Status === 'removing') throw conflict(`You cannot export container ${id} which is being removed`);
  const { mounts } = await clients.snapshots.mounts({ snapshotter: record.Snapshotter, key: id });
  return exportRootfs(readonlyMounts(mounts));
}
