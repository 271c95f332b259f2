/** Stop and restart: a signal, some time, and then the one that cannot be caught. */
import type { Daemon } from '../daemon.ts';
import { ApiError } from '../http/api-error.ts';
import type { Container } from './containers.ts';
import { endsWithin, killAndWait, sendSignal, stopSignalOf, thaw, wantEnd } from './kill.ts';
import { isRunning } from './record.ts';
import { parseSignal } from './signals.ts';
import { startContainer } from './start.ts';

export interface StopOptions {
  signal?: string | undefined;
  /** Seconds; negative: as long as it takes; undefined: the container's own, or 10. */
  timeout?: number | undefined;
}

const DEFAULT_SECONDS = 10;
/** setTimeout's longest, about 24 days. */
const FOREVER_MS = 2 ** 31 - 1;

/** @returns false when it did not run */
export async function stopContainer(daemon: Daemon, container: Container, options: StopOptions = {}): Promise<boolean> {
  const { record } = container;
  const signal = options.signal ? parseSignal(options.signal) : stopSignalOf(container);
  if (record.State.Status === 'restarting') {
    record.StoppedByHand = true;
    if (await daemon.restarts.cancel(container)) {
      container.tell('stop');
      return true;
    }
  }
  const { running } = container;
  if (!isRunning(record) || !running) return false;
  wantEnd(container);
  const seconds = options.timeout ?? record.Config.StopTimeout ?? DEFAULT_SECONDS;
  try {
    await sendSignal(daemon, container, signal);
    container.tell('kill', { signal: String(signal) });
    await thaw(daemon, container);
    if (!(await endsWithin(running.over, seconds < 0 ? FOREVER_MS : Math.min(seconds * 1000, FOREVER_MS))))
      await killAndWait(daemon, container);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
    await running.over;
  }
  container.tell('stop');
  return true;
}

export async function restartContainer(daemon: Daemon, container: Container, options: StopOptions = {}): Promise<void> {
  // One that is to be removed at its end is not, this time.
  const { HostConfig } = container.record;
  const { AutoRemove } = HostConfig;
  HostConfig.AutoRemove = false;
  try {
    await stopContainer(daemon, container, options);
  } finally {
    HostConfig.AutoRemove = AutoRemove;
  }
  await startContainer(daemon, container);
  container.tell('restart');
}
