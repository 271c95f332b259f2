/** Signals to a container's init. */
import type { Daemon } from '../daemon.ts';
import { ApiError, conflict, serverError } from '../http/api-error.ts';
import type { Container } from './containers.ts';
import { isRunning } from './record.ts';
import { parseSignal, SIGKILL } from './signals.ts';
import { hasEnded, unlessGone } from './task.ts';

/** How long a killed container may take, in ms: as in Docker. */
const KILL_MS = 10_000;

/** Sends it. One that is paused gets it when it goes on; one that is to die goes on for that. @throws 409 when it does not run */
export async function sendSignal({ clients }: Daemon, container: Container, signal: number): Promise<void> {
  const { record, id } = container;
  const stopped = () => conflict(`cannot kill container: ${record.Name}: container ${id} is not running`);
  if (!isRunning(record) || record.State.Status === 'restarting') throw stopped();
  try {
    await clients.tasks.kill({ containerId: id, signal });
  } catch (error) {
    if (hasEnded(error)) throw stopped();
    throw serverError(`cannot kill container: ${record.Name}: ${(error as Error).message}`, error);
  }
}

/** A signal ends nothing that is frozen. */
export const thaw = ({ clients }: Daemon, container: Container): Promise<void> =>
  container.locked(async () => {
    const { State } = container.record;
    if (State.Status !== 'paused') return;
    await unlessGone(clients.tasks.resume({ containerId: container.id })).catch(() => undefined);
    State.Status = 'running';
  });

/** POST /containers/ID/kill. @throws 400, 409 */
export async function kill(daemon: Daemon, container: Container, signal: string | undefined): Promise<void> {
  const number = signal === undefined || signal === '' ? SIGKILL : parseSignal(signal);
  if (await cancelRestart(daemon, container)) return;
  if (number === SIGKILL) return killAndWait(daemon, container);
  if (number === stopSignalOf(container)) wantEnd(container);
  await sendSignal(daemon, container, number);
  container.tell('kill', { signal: String(number) });
}

/** From now on no restart policy starts it again, also under a daemon that takes over from here. */
export function wantEnd(container: Container): void {
  const { running, record } = container;
  if (!running || running.stopping) return;
  running.stopping = true;
  record.StoppedByHand = true;
  container.note();
}

/** One that waits for its next start is ended by forgetting that. @returns false when there is a process to be ended */
async function cancelRestart(daemon: Daemon, container: Container): Promise<boolean> {
  const { record } = container;
  if (record.State.Status !== 'restarting') return false;
  record.StoppedByHand = true;
  return daemon.restarts.cancel(container);
}

export const stopSignalOf = ({ record }: Container): number => {
  try {
    return parseSignal(record.Config.StopSignal || 'SIGTERM');
  } catch {
    return 15;
  }
};

/** Kills it, and waits for its end. @throws 409 when it does not run */
export async function killAndWait(daemon: Daemon, container: Container): Promise<void> {
  if (await cancelRestart(daemon, container)) return;
  const { running } = container;
  wantEnd(container);
  try {
    await sendSignal(daemon, container, SIGKILL);
  } catch (error) {
    // It has ended by itself meanwhile.
    if (running && error instanceof ApiError && error.status === 409) return running.over;
    throw error;
  }
  container.tell('kill', { signal: String(SIGKILL) });
  await thaw(daemon, container);
  if (running && !(await endsWithin(running.over, KILL_MS)))
    throw serverError(`container ${container.id}: it has been killed but does not end; a process of it may be stuck in the kernel`);
}

/** @returns false when it takes longer */
export async function endsWithin(over: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([over.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
