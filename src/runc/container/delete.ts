/** `delete` as the runtime specification has it: only what does not run, or what is killed first. */

import { call, closeFd } from '../../libc/fd.ts';
import { waitReadable } from '../../libc/process.ts';
import { killAll } from '../cgroup/kill.ts';
import { readQuietly } from '../cgroup/processes.ts';
import type { Observer } from '../engine/observer.ts';
import type { Config } from '../spec/config.ts';
import { runPoststop } from './hooks.ts';
import { signalProcess } from './kill.ts';
import { busyError, lock } from './lock.ts';
import { statusOf } from './oci-state.ts';
import { removeTraces } from './remove.ts';
import { type ContainerView, folderOf, isAlive, loadConfig, type ProcessName, sameContainer, viewOf } from './state.ts';

const SIGKILL = 9;
const PATIENCE_MS = 10_000;

/**
 * The frozen v1 cgroup that the process is in: its own is thawed by now, so somebody else has put it there, and
 * it dies when that one is thawed.
 */
function frozenElsewhere(pid: number): string | undefined {
  const path = /^\d+:freezer:(.*)$/m.exec(readQuietly(`/proc/${pid}/cgroup`))?.[1];
  const mount = /^(?:\S+ ){4}(\S+) .* - cgroup \S+ \S*\bfreezer\b/m.exec(readQuietly('/proc/self/mountinfo'))?.[1];
  if (!path || !mount) return undefined;
  return readQuietly(`${mount}${path}/freezer.state`).startsWith('FR') ? `${mount}${path}` : undefined;
}

/**
 * Kills a process and waits until it is gone.
 * @throws Error after ten seconds
 */
function end(process: ProcessName | undefined, warn: (sentence: string) => void = () => {}): void {
  if (!process || !isAlive(process)) return;
  const pidfd = call('pidfd_open', process.pid, 0);
  if (pidfd < 0) return;
  try {
    if (!isAlive(process)) return;
    signalProcess(process, SIGKILL);
    if (waitReadable(pidfd, 500)) return;
    const elsewhere = frozenElsewhere(process.pid);
    if (elsewhere) {
      warn(
        `process ${process.pid} is killed, but stands still in the frozen cgroup ${elsewhere}, which is not the container's: Device or resource busy; it ends when that is thawed`,
      );
      return;
    }
    if (!waitReadable(pidfd, PATIENCE_MS))
      throw new Error(
        `container init still running: process ${process.pid} has not ended ${PATIENCE_MS / 1000} s after SIGKILL; usual cause: it waits for a disk or a network file system`,
      );
  } finally {
    closeFd(pidfd);
  }
}

export interface DeleteOptions {
  force: boolean;
  warn: (sentence: string) => void;
  /** Told of the hooks. */
  observer?: Observer;
}

/**
 * Removes a container that has ended, was never started, or is to be killed. Of commands that work
 * on it at the same time the one that has its lock comes first; with force they are made to end.
 * @returns false when there is no such container
 * @throws Error in runc's words when it runs and force is not given
 */
export function deleteOci(root: string, id: string, options: DeleteOptions): boolean {
  const found = viewOf(root, id);
  if (found) check(found, options.force);
  const held = lock(folderOf(root, id), () => {
    if (options.force) interrupt(viewOf(root, id));
  });
  if (held === 'gone') return false;
  // Force goes on all the same: its init is dead, so whoever has the lock can only fail, or removes it too.
  if (held === 'busy' && !options.force) throw busyError(id);
  try {
    const view = viewOf(root, id);
    if (!view) {
      // A folder that nobody works on and that has no state: left by a create or a delete that was killed.
      removeTraces(root, id, undefined);
      return options.force;
    }
    // Somebody else has deleted it, and made another one of that id: that one was not meant.
    if (found && !sameContainer(view.state, found.state)) return false;
    check(view, options.force);
    deleteHeld(view, options);
    return true;
  } finally {
    if (held !== 'busy') held.release();
  }
}

function check(view: ContainerView, force: boolean): void {
  if (force || view.status === 'stopped') return;
  const status = statusOf(view);
  if (status === 'created') return;
  throw new Error(`cannot delete container ${view.state.id} that is not stopped: ${status}`);
}

/**
 * Ends what another command works on: a create loses its life, as its container is none yet (a shim, which has other
 * containers, loses only what is in this one's cgroups); a start loses the container.
 */
function interrupt(view: ContainerView | undefined): void {
  if (view?.status === 'creating' && view.state.hosted) killAll(view.state.cgroups, SIGKILL);
  else if (view?.status === 'creating') end(view.state.owner);
  else if (view?.state.init) signalProcess(view.state.init, SIGKILL);
}

function deleteHeld(view: ContainerView, options: DeleteOptions): void {
  const { state } = view;
  // An exec that is under way looks at init last: once that is dead, nobody comes in any more.
  killAll(state.cgroups, SIGKILL);
  end(state.init, options.warn);
  const config = configOf(view);
  removeTraces(view.stateRoot, state.id, state);
  if (config) runPoststop(config, state, options.warn, options.observer);
}

function configOf(view: ContainerView): Config | undefined {
  try {
    return loadConfig(view);
  } catch {
    return undefined;
  }
}
