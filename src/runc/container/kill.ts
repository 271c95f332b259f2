/** Signals to a container's first process. */
import { call, closeFd } from '../../libc/fd.ts';
import { signal, waitGone } from '../../libc/process.ts';
import { freeze } from '../cgroup/freezer.ts';
import { killAll, thawForKill } from '../cgroup/kill.ts';
import { isNew } from '../compile/draft.ts';
import { statusOf } from './oci-state.ts';
import { settled } from './remove.ts';
import { type ContainerView, isAlive, loadConfig, type ProcessName } from './state.ts';

const SIGTERM = 15;
const SIGKILL = 9;

/** Signals exactly this process, never one that got its number after it. Returns false when it is gone. */
export function signalProcess(process: ProcessName, number: number): boolean {
  const pidfd = call('pidfd_open', process.pid, 0);
  if (pidfd < 0) return false;
  try {
    return isAlive(process) && call('pidfd_send_signal', pidfd, number, 0, 0) === 0;
  } finally {
    closeFd(pidfd);
  }
}

/**
 * `kill` of the runtime specification. SIGKILL reaches all processes of a container that has no pid
 * namespace of its own, for its first one's end would leave the others behind.
 * @throws Error in runc's words when it does not run
 */
export function signalContainer(view: ContainerView, number: number, options: { all: boolean }): void {
  const { cgroups, init } = view.state;
  if (options.all) {
    killAll(cgroups, number, view.pid);
    return;
  }
  const paused = statusOf(view) === 'paused';
  const ownNumbers = isNew(loadConfig(view), 'pid');
  if (!init || !signalProcess(init, number)) throw new Error('container not running');
  if (number !== SIGKILL) return;
  if (paused) thawForKill(cgroups);
  if (!ownNumbers) killAll(cgroups, SIGKILL);
}

/** @throws Error when it does not run */
export function killContainer(view: ContainerView, number: number): void {
  const { init } = view.state;
  if (!init || !isAlive(init) || !signal(init.pid, number)) throw new Error(`container not running: ${view.state.name}`);
  if (view.status === 'paused' && number === SIGKILL) freeze(view.state.cgroups, false); // v1: a frozen process does not die
}

/**
 * Asks it to end, and kills it when it has not after the time.
 * @returns true when it had to be killed
 */
export async function stopContainer(view: ContainerView, options: { signal?: number; timeoutSeconds: number }): Promise<boolean> {
  const { init, stopSignal } = view.state;
  if (!init || !isAlive(init)) return false;
  const gone = waitGone(init.pid);
  killContainer(view, options.signal ?? stopSignal ?? SIGTERM);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), options.timeoutSeconds * 1000);
  });
  const killed = await Promise.race([gone.then(() => false), late]);
  clearTimeout(timer);
  if (killed && isAlive(init)) {
    signal(init.pid, SIGKILL);
    await gone;
  }
  await settled(view);
  return killed;
}
