/** The end of a container: its output drained, its task and its mounts let go, its state written down, everybody told. */

import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { textOf } from '../../containerd/log.ts';
import type { Daemon } from '../daemon.ts';
import type { Container } from './containers.ts';
import { fifoFolder } from './fifos.ts';
import { closeSubpaths } from './mounts/subpath.ts';
import { leaveNetworks } from './network.ts';
import { removeContainer } from './remove.ts';
import { unmountShm } from './shared-shm.ts';
import { isNotFound, removeTask } from './task.ts';

export interface Exit {
  exitStatus: number;
  exitedAt?: Timestamp | undefined;
}

/** A process that left the container and still holds its output open (--pid host) is waited for no longer. */
const DRAIN_MS = 2000;
/** What is known of one that ended while nobody looked, as Docker says it. */
export const UNKNOWN: Exit = { exitStatus: 255 };

/** Resolves with the end of the container's init. */
export async function waitForEnd({ clients }: Daemon, id: string): Promise<Exit> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await clients.tasks.wait({ containerId: id });
    } catch (error) {
      if (isNotFound(error)) return UNKNOWN;
      // A containerd of its own process may be restarted meanwhile; the container lives on under its shim.
      if (attempt > 100) throw error;
      await sleep(Math.min(100 * (attempt + 1), 2000));
    }
  }
}

/** Puts everything in order after the end of a container's init. Called once for each start, with the container's lock held. */
export async function ended(daemon: Daemon, container: Container, exit: Exit): Promise<void> {
  const { record, running, id } = container;
  const { log, clients } = daemon;
  if (running) {
    running.streams.drain();
    await Promise.race([running.streams.ended, sleep(DRAIN_MS, undefined, { ref: false })]);
  }
  // Nobody but the task knows how it ended: that is written down before the task is taken away.
  record.Ended = exit === UNKNOWN && record.Ended ? record.Ended : endingOf(exit);
  container.note();
  running?.streams.close();
  await removeTask(clients, id).catch((error: unknown) => log('error', 'task not removed', { id, error: textOf(error) }));
  // Its execs have ended with it.
  rmSync(fifoFolder(daemon, id), { recursive: true, force: true });
  const { State, Ended } = record;
  Object.assign(State, { Status: 'exited', Pid: 0, ...Ended });
  container.running = undefined;
  const again = daemon.restarts.exited(container, running?.stopping ?? false);
  const seconds = Math.round((Date.parse(Ended.FinishedAt) - Date.parse(State.StartedAt)) / 1000);
  container.tell('die', { exitCode: String(Ended.ExitCode), execDuration: String(Math.max(0, seconds)) });
  unmountShm(container);
  await leaveNetworks(daemon, container);
  await releaseVolumes(daemon, container);
  delete record.Ended;
  container.note();
  // Who follows the log hears of the end by this, and may ask at once for what only an ended container can.
  running?.closeLog();
  container.changed('exited');
  if (!again && record.HostConfig.AutoRemove) {
    // Not under the lock of whoever stops it: removal takes that itself.
    void removeContainer(daemon, container, { force: false, volumes: true }).catch((error: unknown) =>
      log('error', 'container not removed', { id, error: textOf(error) }),
    );
  }
}

const endingOf = ({ exitStatus, exitedAt }: Exit) => ({
  ExitCode: exitStatus,
  FinishedAt: (exitedAt ? timestampDate(exitedAt) : new Date()).toISOString(),
});

/** Volumes with a file system of their own are unmounted when nobody uses them. */
export async function releaseVolumes({ volumes, events, options, log }: Daemon, { record, id }: Container): Promise<void> {
  closeSubpaths(options.execRoot, id);
  for (const { Type, Name } of record.Mounts) {
    if (Type !== 'volume' || Name === undefined) continue;
    await volumes.unmount(Name, id).catch((error: unknown) => log('warn', 'volume not unmounted', { name: Name, error: textOf(error) }));
    events.publish('volume', 'unmount', Name, { driver: 'local', container: id });
  }
}
