/** After the daemon's start: containers that run are found again, and what a killed daemon left half done is put in order. */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { textOf } from '../../containerd/log.ts';
import { Status } from '../../proto/containerd/types/task_pb.ts';
import type { Daemon } from '../daemon.ts';
import type { Container } from './containers.ts';
import { ended, UNKNOWN, waitForEnd } from './exit.ts';
import { fifoFolder, fifoPaths, present } from './fifos.ts';
import { openContainerLog } from './logging.ts';
import { isRunning } from './record.ts';
import { removeContainer } from './remove.ts';
import { SNAPSHOT_LABEL } from './snapshot-label.ts';
import { closeInput, settle } from './start.ts';
import { openStreams } from './streams.ts';
import { removeTask, unlessGone } from './task.ts';

/** What has ended while there was no daemon is put in order before clients are served, unless it takes longer. */
const SETTLED_MS = 5000;

/** Resolves when it is known of each container whether it runs. */
export async function restoreContainers(daemon: Daemon): Promise<void> {
  const { containers, clients, log } = daemon;
  const { tasks } = await clients.tasks.list({});
  const states = new Map(tasks.map((task) => [task.id, task]));
  await Promise.all(
    containers
      .list()
      .map((container) =>
        restoreOne(daemon, container, states.get(container.id)?.status, states.get(container.id)?.pid).catch((error: unknown) =>
          log('error', 'container not restored', { id: container.id, error: textOf(error) }),
        ),
      ),
  );
  // A task whose container the daemon does not know: it was killed while it removed it.
  for (const { id } of tasks) {
    if (!containers.find(id))
      await removeTask(clients, id).catch((error: unknown) => log('error', 'task not removed', { id, error: textOf(error) }));
  }
  await removeLostSnapshots(daemon);
}

async function restoreOne(daemon: Daemon, container: Container, status: Status | undefined, pid: number | undefined): Promise<void> {
  const { record } = container;
  const thought = record.State.Status;
  if (thought === 'removing' || thought === 'dead') {
    record.State.Status = 'exited';
    await removeContainer(daemon, container, { force: true, volumes: record.HostConfig.AutoRemove ?? false });
    return;
  }
  const lives = status === Status.RUNNING || status === Status.PAUSED || status === Status.PAUSING || status === Status.STOPPED;
  if (lives && isRunning(record)) {
    reconnect(daemon, container, pid ?? record.State.Pid, status === Status.PAUSED);
    // One that has ended meanwhile must not be shown as running to the first who asks.
    if (status === Status.STOPPED) await Promise.race([container.running?.over, sleep(SETTLED_MS, undefined, { ref: false })]);
    return;
  }
  // Created and never started, or lost.
  if (status !== undefined) await removeTask(daemon.clients, container.id);
  rmSync(fifoFolder(daemon, container.id), { recursive: true, force: true });
  if (isRunning(record) && thought !== 'restarting') {
    // The line that the last daemon had taken the beginning of will not go on.
    openContainerLog(daemon, container).close();
    await container.locked(() => ended(daemon, container, UNKNOWN));
  } else if (record.HostConfig.AutoRemove && thought === 'exited')
    await removeContainer(daemon, container, { force: false, volumes: true });
}

/** Its streams are opened again where they were; its end, also one that has come already, is waited for. */
function reconnect(daemon: Daemon, container: Container, pid: number, paused: boolean): void {
  const { record, id } = container;
  const { Tty = false, OpenStdin = false } = record.Config;
  // The last daemon may have read all of one that has ended, and removed them.
  const paths = present(fifoPaths(fifoFolder(daemon, id), 'init', { stdin: OpenStdin, tty: Tty }));
  const logging = openContainerLog(daemon, container);
  const streams = openStreams(paths, { record: logging.write, closeIO: () => closeInput(daemon, id) });
  streams.opened();
  container.running = { streams, log: logging.log, closeLog: logging.close, over: Promise.resolve(), stopping: record.StoppedByHand };
  record.State.Pid = pid;
  record.State.Status = paused ? 'paused' : 'running';
  container.running.over = settle(daemon, container, waitForEnd(daemon, id));
  daemon.health.started(container);
}

/** Of containers that were never said to be there. */
async function removeLostSnapshots({ clients, snapshotter, containers, log }: Daemon): Promise<void> {
  const lost: string[] = [];
  for await (const { info } of clients.snapshots.list({ snapshotter })) {
    for (const { name, labels } of info)
      if (labels[SNAPSHOT_LABEL] !== undefined && !containers.find(labels[SNAPSHOT_LABEL])) lost.push(name);
  }
  for (const key of lost) {
    await unlessGone(clients.snapshots.remove({ snapshotter, key })).catch((error: unknown) =>
      log('warn', 'snapshot not removed', { key, error: textOf(error) }),
    );
  }
}
