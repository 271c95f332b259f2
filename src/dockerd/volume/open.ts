/** The volumes below the daemon's data root. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Log } from '../../containerd/log.ts';
import { locked } from '../../containerd/transfer/lock.ts';
import type { Events } from '../events.ts';
import { conflict, notFound } from '../http/api-error.ts';
import { readMountTable } from '../mount-table.ts';
import { checkDriver, localMount } from './driver-options.ts';
import { beginData, createFolder, dataFolder, isEmpty, readFolders, removeFolder, type VolumeRecord } from './folder.ts';
import { unmountLocal } from './local-mount.ts';
import { mountFor, unmountFor } from './mounted.ts';
import { sizeOfFiles } from './size.ts';
import { checkVolumeName } from './volume-name.ts';
import { ANONYMOUS_LABEL, type Volume, type VolumeRequest, type Volumes } from './volumes.ts';

export interface VolumesOptions {
  /** Volumes lie in its folder `volumes`. */
  dataRoot: string;
  /** The ids of the containers whose records name a volume. */
  usedBy: (name: string) => string[];
  events: Pick<Events, 'publish'>;
  log: Log;
}

const madeUpName = (): string => randomBytes(32).toString('hex');

function shown(root: string, name: string, { CreatedAt, Labels, Options }: VolumeRecord): Volume {
  const anonymous = Labels !== null && Object.hasOwn(Labels, ANONYMOUS_LABEL);
  return { Name: name, Driver: 'local', Mountpoint: dataFolder(root, name), CreatedAt, Labels, Options, Scope: 'local', anonymous };
}

export async function openVolumes({ dataRoot, usedBy, events, log }: VolumesOptions): Promise<Volumes> {
  const root = join(dataRoot, 'volumes');
  const records = await readFolders(root, (error) => log('warn', 'not read as a volume', { error }));
  /** By the id of a container that is being made. */
  const held = new Map<string, Set<string>>();
  const alone = <T>(name: string, act: () => Promise<T>): Promise<T> => locked(`volume ${root}/${name}`, act);

  const recordOf = (name: string): VolumeRecord => {
    const record = records.get(name);
    if (!record) throw notFound(`get ${name}: no such volume`);
    return record;
  };
  const users = (name: string): string[] => {
    const holders = [...held].filter(([, names]) => names.has(name)).map(([holder]) => holder);
    return [...new Set([...usedBy(name), ...holders])];
  };

  const check = ({ name, driver, options }: VolumeRequest): void => {
    if (name) checkVolumeName(name);
    checkDriver(name ?? '', driver, options);
  };

  const create = async (request: VolumeRequest, holder?: string): Promise<Volume> => {
    check(request);
    const name = request.name || madeUpName();
    const labels = request.name ? request.labels : { ...request.labels, [ANONYMOUS_LABEL]: '' };
    return alone(name, async () => {
      if (holder !== undefined) held.set(holder, (held.get(holder) ?? new Set()).add(name));
      const known = records.get(name);
      if (known) return shown(root, name, known);
      const record = createFolder(root, name, { Labels: labels ?? null, Options: request.options ?? null });
      records.set(name, record);
      events.publish('volume', 'create', name, { driver: 'local' });
      return shown(root, name, record);
    });
  };

  const remove = async (name: string, force: boolean): Promise<void> => {
    if (force && !records.has(name)) return;
    await alone(name, async () => {
      const { Options } = recordOf(name);
      const ids = users(name);
      if (ids.length > 0) throw conflict(`remove ${name}: volume is in use - [${ids.join(', ')}]`);
      if (localMount(Options)) unmountLocal(dataFolder(root, name));
      // What is mounted there is somebody else's, and must not be removed along with the folder.
      const mounted = readMountTable().find(({ path }) => path.startsWith(`${join(root, name)}/`));
      if (mounted) throw conflict(`remove ${name}: ${mounted.path} is mounted; unmount it first`);
      await removeFolder(root, name);
      records.delete(name);
      events.publish('volume', 'destroy', name, { driver: 'local' });
    });
  };

  const mount = (name: string, containerId: string): Promise<string> =>
    alone(name, async () => {
      const wanted = localMount(recordOf(name).Options);
      if (wanted) await mountFor(root, name, wanted, containerId);
      return dataFolder(root, name);
    });

  const unmount = (name: string, containerId: string): Promise<void> =>
    alone(name, async () => {
      if (localMount(records.get(name)?.Options ?? null)) unmountFor(root, name, containerId);
    });

  const populate: Volumes['populate'] = async (name, containerId, fill) => {
    const shared = users(name).some((id) => id !== containerId);
    if (shared || localMount(recordOf(name).Options)) {
      // For the time of filling alone, under a name that no container has.
      const filling = `${containerId}-filling`;
      const folder = await mount(name, filling);
      try {
        if (isEmpty(folder)) await fill(folder);
      } finally {
        await unmount(name, filling);
      }
      return;
    }
    await alone(name, async () => {
      recordOf(name);
      if (!isEmpty(dataFolder(root, name))) return;
      const data = beginData(root, name);
      try {
        await fill(data.folder);
        data.commit();
      } catch (error) {
        data.abort();
        throw error;
      }
    });
  };

  return {
    check,
    create,
    remove,
    mount,
    unmount,
    populate,
    release: (holder) => void held.delete(holder),
    get: (name) => shown(root, name, recordOf(name)),
    list: () => [...records].map(([name, record]) => shown(root, name, record)),
    usedBy: users,
    size: async (name) => (localMount(recordOf(name).Options) ? undefined : sizeOfFiles(dataFolder(root, name))),
  };
}
