/** The volumes and binds of a container that is about to start. */
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import type { Mount } from '../../runc/spec/config.ts';
import type { Daemon } from '../daemon.ts';
import { badRequest } from '../http/api-error.ts';
import { readMountTable } from '../mount-table.ts';
import type { Container } from './containers.ts';
import { type MountSource, ociMounts } from './mounts/oci-mounts.ts';
import { closeSubpaths, openSubpath } from './mounts/subpath.ts';
import type { MountPoint } from './record.ts';

/** A folder of the host; -v makes one that is missing. */
function bindSource({ Source, CreateSource }: MountPoint): string {
  if (!existsSync(Source)) {
    if (!CreateSource) throw badRequest(`invalid mount config for type "bind": bind source path does not exist: ${Source}`);
    try {
      mkdirSync(Source, { recursive: true, mode: 0o755 });
    } catch (error) {
      throw badRequest(`error while creating mount source path '${Source}': ${(error as Error).message}`);
    }
  }
  return realpathSync(Source);
}

/**
 * Mounts the volumes that are file systems of their own, and finds what else is to be mounted.
 * @throws 400 for what is not there, 404 for a volume, 500 for one that cannot be mounted
 */
export async function prepareMounts(daemon: Daemon, { record, id }: Container): Promise<Mount[]> {
  const { volumes, events, options, clients, facts } = daemon;
  closeSubpaths(options.execRoot, id);
  const sources: MountSource[] = [];
  for (const [index, point] of record.Mounts.entries()) {
    const { Type, Name = '', Destination, RW, Propagation, Subpath, Snapshot } = point;
    if (Type === 'bind') sources.push({ point, path: bindSource(point) });
    else if (Type === 'image') {
      const { mounts } = await clients.snapshots.mounts({ snapshotter: record.Snapshotter, key: Snapshot as string });
      sources.push({ point, path: '', image: mounts });
    } else if (Type === 'volume') {
      const folder = await volumes.mount(Name, id);
      events.publish('volume', 'mount', Name, {
        driver: 'local',
        container: id,
        destination: Destination,
        'read/write': String(RW),
        propagation: Propagation,
      });
      sources.push({ point, path: Subpath === undefined ? folder : openSubpath(options.execRoot, id, index, folder, Subpath) });
    } else sources.push({ point, path: '' });
  }
  return ociMounts(sources, { kernel: facts.kernel, dataRoot: options.dataRoot, table: readMountTable() });
}
