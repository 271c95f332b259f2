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

/** @throws 409 for one that runs, or is being removed already; 500 when its files cannot be removed */
export async function removeContainer(daemon: Daemon, container: Container, options: RemoveOptions): Promise<void> {
  // Somebody may start it while its end, or its lock, is waited for.
  while (!(await removeStopped(daemon, container, options))) {}
}

/** @returns false when it runs again */
async function removeStopped(daemon: Daemon, container: Container, { force, volumes }: RemoveOptions): Promise<boolean> {
  const { record, id } = container;
  const { State } = record;
  if (State.Status === 'removing' && !force) throw conflict(`removal of container ${id} is already in progress`);
  if (isRunning(record)) {
    if (!force) {
      const how = State.Status === 'paused' ? 'paused: unpause and stop' : `${State.Status}: stop`;
      throw conflict(`cannot remove container "/${record.Name}": container is ${how} the container before removing or force remove`);
    }
    await killAndWait(daemon, container);
  }
  return container.locked(async () => {
    if (!daemon.containers.find(id)) return true;
    if (isRunning(record)) return false;
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
    return true;
  });
}

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
