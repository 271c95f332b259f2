/** Removing a container: its snapshot, its anonymous volumes, its folder, its name. */
import { textOf } from '../../containerd/log.ts';
import type { Daemon } from '../daemon.ts';
import { conflict, serverError } from '../http/api-error.ts';
import type { Container } from './containers.ts';
import { killAndWait } from './kill.ts';
import { removeImageMounts } from './mounts/make.ts';
import { isRunning } from './record.ts';
import { unlessGone } from './task.ts';

export interface RemoveOptions {
  /** Also one that runs. */
  force: boolean;
  /** Take its anonymous volumes along. */
  volumes: boolean;
}

/** @throws 409 for one that runs, or is being removed already */
export async function removeContainer(daemon: Daemon, container: Container, { force, volumes }: RemoveOptions): Promise<void> {
  const { record, id } = container;
  const { State } = record;
  if (State.Status === 'removing') {
    if (force) return gone(container);
    throw conflict(`removal of container ${id} is already in progress`);
  }
  if (isRunning(record)) {
    if (!force) {
      const how = State.Status === 'paused' ? 'paused: unpause and stop' : `${State.Status}: stop`;
      throw conflict(`cannot remove container "/${record.Name}": container is ${how} the container before removing or force remove`);
    }
    await killAndWait(daemon, container);
  }
  await container.locked(async () => {
    if (!daemon.containers.find(id)) return;
    State.Status = 'removing';
    container.note();
    try {
      await removeSnapshot(daemon, container);
    } catch (error) {
      State.Status = 'dead';
      container.note();
      throw serverError(`container ${id}: its files cannot be removed: ${textOf(error)}`, error);
    }
    daemon.containers.drop(container);
    if (volumes) await removeVolumes(daemon, container);
    container.tell('destroy');
    container.changed('removed');
  });
}

/** Resolves when whoever removes it has done so. */
const gone = (container: Container): Promise<void> =>
  new Promise((resolve) => {
    const off = container.onChange((change) => {
      if (change !== 'removed') return;
      off();
      resolve();
    });
  });

async function removeSnapshot(daemon: Daemon, { record, id }: Container): Promise<void> {
  await removeImageMounts(daemon, record.Mounts, record.Snapshotter);
  await unlessGone(daemon.clients.snapshots.remove({ snapshotter: record.Snapshotter, key: id }));
}

async function removeVolumes({ volumes, log }: Daemon, { record }: Container): Promise<void> {
  for (const { Type, Name, Anonymous } of record.Mounts) {
    if (Type !== 'volume' || !Anonymous || Name === undefined) continue;
    // Another container may use it too (--volumes-from).
    await volumes.remove(Name, false).catch((error: unknown) => log('debug', 'volume stays', { name: Name, error: textOf(error) }));
  }
}
