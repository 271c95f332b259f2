/** Signals to a container's first process. */
import { signal, waitGone } from '../../libc/process.ts';
import { freeze } from '../cgroup/freezer.ts';
import { settled } from './remove.ts';
import { type ContainerView, isAlive } from './state.ts';

const SIGTERM = 15;
const SIGKILL = 9;

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
