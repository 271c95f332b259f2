/** Taking a container away: its processes, cgroups, files. */
import { readdirSync, readFileSync, rmdirSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { signal } from '../../libc/process.ts';
import { killAll } from '../cgroup/kill.ts';
import { removeCgroups } from '../cgroup/remove.ts';
import { unmountHostRoot } from './host-root.ts';
import { removeNotifySocket } from './notify-socket.ts';
import { type ContainerView, isAlive, type State, viewOf } from './state.ts';

const SIGKILL = 9;

/** Removes whatever there is of a container, whether it was finished or not. Its processes are killed. */
export function removeTraces(root: string, id: string, state: State | undefined): void {
  if (state) {
    if (state.init && isAlive(state.init)) signal(state.init.pid, SIGKILL);
    killAll(state.cgroups, SIGKILL);
    removeCgroups(state.cgroups);
    for (const folder of state.resctrl ?? []) removeGroup(folder);
    if (state.notify) removeNotifySocket(state.notify);
    if (state.hostRoot) unmountHostRoot(state.hostRoot);
    if (state.ownedRootfs) rmSync(state.ownedRootfs, { recursive: true, force: true });
  }
  removeFolder(join(root, id));
  freeNames(root, id, state?.name);
}

/** A folder of cgroupfs or resctrl: its files are the kernel's and go with it. */
function removeGroup(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** A state folder holds files only: Node's recursive removal would load more code than this takes. */
function removeFolder(folder: string): void {
  try {
    for (const name of readdirSync(folder)) unlinkSync(join(folder, name));
    rmdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function freeNames(root: string, id: string, name: string | undefined): void {
  const folder = join(root, '.names');
  let names: string[] = [];
  try {
    names = name === undefined ? readdirSync(folder) : [name];
  } catch {
    return;
  }
  for (const candidate of names) {
    try {
      if (readFileSync(join(folder, candidate), 'utf8') === id) unlinkSync(join(folder, candidate));
    } catch {
      // taken away by somebody else meanwhile
    }
  }
}

/**
 * Removes a container.
 * @param force kill it when it runs
 * @throws Error when it runs and force is not given
 */
export async function deleteContainer(view: ContainerView, options: { force: boolean }): Promise<void> {
  const { state } = view;
  if (view.status !== 'stopped' && !options.force)
    throw new Error(`container ${state.name} is ${view.status}; stop it first (minirun stop ${state.name}), or use rm -f`);
  if (view.status !== 'stopped') {
    if (state.init && isAlive(state.init)) signal(state.init.pid, SIGKILL);
    killAll(state.cgroups, SIGKILL);
    await settled(view);
  }
  removeTraces(view.stateRoot, state.id, state);
}

/** Waits, two seconds at most, until the end is written down by the minirun process that saw it (or that one is gone too). */
export async function settled(view: ContainerView): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const now = viewOf(view.stateRoot, view.state.id);
    if (!now || now.ended || (!isAlive(now.state.owner) && !isAlive(now.state.init))) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
