/**
 * All files of a container as it sees them, open: of one that runs, as its init sees them; of
 * another, its snapshot with its volumes and binds in their places.
 */
import { closeSync, constants, openSync, readlinkSync } from 'node:fs';
import { openTree } from '../../../containerd/layers/tree.ts';
import type { Mount } from '../../../containerd/snapshots/mount.ts';
import { Status } from '../../../proto/containerd/types/task_pb.ts';
import type { Daemon } from '../../daemon.ts';
import { conflict } from '../../http/api-error.ts';
import type { Container } from '../containers.ts';
import { isNotFound } from '../task.ts';
import { mountFiles } from './mounted.ts';

export interface FileRoot {
  /** Of the root folder. */
  fd: number;
  /** Whether the container runs in it meanwhile. */
  live: boolean;
  /** The path in the container of what is open; links on the way are not in it. */
  pathOf(fd: number): string;
}

interface OpenRoot extends FileRoot {
  close(): Promise<void>;
}

/** The kernel says where a descriptor leads from its own root, or from ours. */
function pathBelow(root: number): (fd: number) => string {
  const top = readlinkSync(`/proc/self/fd/${root}`, { encoding: 'latin1' });
  return (fd) => {
    const path = readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'latin1' });
    if (top === '/') return path;
    return path === top ? '/' : path.startsWith(`${top}/`) ? path.slice(top.length) : path;
  };
}

const opened = (fd: number, live: boolean, close: () => Promise<void>): OpenRoot => ({ fd, live, pathOf: pathBelow(fd), close });

/** The root of the container's init. Undefined when it has ended. */
async function openLive(daemon: Daemon, { id, record }: Container): Promise<OpenRoot | undefined> {
  const pid = record.State.Pid;
  if (pid === 0) return undefined;
  let fd: number;
  try {
    fd = openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return undefined;
  }
  try {
    // Asked after the opening: as long as its shim has not reaped it, its number is nobody else's.
    const { process } = await daemon.clients.tasks.get({ containerId: id });
    const lives = process?.pid === pid && [Status.RUNNING, Status.PAUSED, Status.PAUSING].includes(process.status);
    if (lives) return opened(fd, true, async () => closeSync(fd));
  } catch (error) {
    if (!isNotFound(error)) {
      closeSync(fd);
      throw error;
    }
  }
  closeSync(fd);
  return undefined;
}

async function openStopped(daemon: Daemon, container: Container, snapshot: readonly Mount[]): Promise<OpenRoot> {
  if (container.record.Mounts.some(({ Type }) => Type !== 'tmpfs')) {
    const { fd, close } = await mountFiles(daemon, container, snapshot);
    return opened(fd, false, close);
  }
  const tree = openTree(snapshot);
  return opened(tree.fd, false, async () => tree.close());
}

/**
 * Runs it with the files of a container. One that does not run is not started meanwhile.
 * @throws 409 for one that is being removed
 */
export async function withFiles<T>(daemon: Daemon, container: Container, act: (root: FileRoot) => Promise<T>): Promise<T> {
  const use = async (root: OpenRoot): Promise<T> => {
    try {
      return await act(root);
    } finally {
      await root.close();
    }
  };
  const live = await openLive(daemon, container);
  if (live) return use(live);
  return container.locked(async () => {
    const { record, id } = container;
    const { Status: status } = record.State;
    if (status === 'removing' || status === 'dead' || !daemon.containers.find(id))
      throw conflict(`container ${id} is ${status === 'dead' ? 'dead' : 'being removed'}`);
    // Somebody may have started it while this one waited.
    const started = await openLive(daemon, container);
    if (started) return use(started);
    const { mounts } = await daemon.clients.snapshots.mounts({ snapshotter: record.Snapshotter, key: id });
    return use(await openStopped(daemon, container, mounts));
  });
}
