/** The end of a container: waiting for it, and taking away or writing down what is left. */
import { shellCode, waitChild } from '../../libc/process.ts';
import { killAll } from '../cgroup/kill.ts';
import { oomKills } from '../cgroup/oom.ts';
import { removeCgroups } from '../cgroup/remove.ts';
import { runPoststop } from './hooks.ts';
import { lock } from './lock.ts';
import type { Running } from './make.ts';
import { removeTraces } from './remove.ts';
import type { Ended, RunRequest } from './request.ts';
import { folderOf, type State, sameContainer, saveEnded, viewOf } from './state.ts';

const SIGKILL = 9;

type FinishRequest = Pick<RunRequest, 'stateRoot' | 'remove' | 'keep'> & Partial<Pick<RunRequest, 'warn' | 'config'>>;

/** After its first process has ended: what else runs in it is killed, cgroups go, the end is written down. */
export function finishContainer(request: FinishRequest, state: State, ended: Ended): void {
  const held = lock(folderOf(request.stateRoot, state.id));
  try {
    // Deleted meanwhile, and perhaps made anew by somebody else: what has its id now is not ours.
    if (held === 'gone' || !sameContainer(viewOf(request.stateRoot, state.id)?.state, state)) return;
    finish(request, state, ended);
  } finally {
    if (typeof held !== 'string') held.release();
  }
}

function finish(request: FinishRequest, state: State, ended: Ended): void {
  killAll(state.cgroups, SIGKILL); // only a container that shares a pid namespace can have any left
  if (request.keep) return;
  const left = removeCgroups(state.cgroups);
  if (left.length) request.warn?.(`${left[0]} could not be removed: processes are still in it, started by others than the container`);
  if (!request.remove) {
    saveEnded(request.stateRoot, state.id, ended);
    return;
  }
  removeTraces(request.stateRoot, state.id, state);
  if (request.config) runPoststop(request.config, state, request.warn ?? (() => {}));
}

/** Waits for a container's first process and says how it ended, unless the wait is given up. */
export function waitContainer(running: Running): { ended: Promise<Ended>; giveUp: () => void } {
  const wait = waitChild(running.pid);
  const ended = wait.ended.then((status = { code: 255, signal: 0 }) => ({
    code: shellCode(status),
    signal: status.signal,
    oomKilled: oomKills(running.state.cgroups) > 0,
  }));
  return { ended, giveUp: wait.giveUp };
}
