/** Starts containers again after their end, as their policies say. */
import { type Log, textOf } from '../../containerd/log.ts';
import type { Clock } from '../clock.ts';
import type { Restarts } from '../daemon.ts';
import type { Container, Containers } from './containers.ts';
import { nextWait, startsAgain, startsWithDaemon } from './restart-policy.ts';
import { containerOf } from './spec/modes.ts';

export interface RestartParts {
  containers: Pick<Containers, 'list'>;
  /** Starts one that is `restarting`, if it still is. @throws as a start does; it is `exited` then */
  startAgain(container: Container): Promise<unknown>;
  /** Starts one as somebody would do by hand. */
  start(container: Container): Promise<unknown>;
  log: Log;
  clock: Clock;
}

/** @param parts are not used before the first call */
export function openRestarts({ containers, startAgain, start, log, clock }: RestartParts): Restarts {
  /** Of those that wait: how to end that. */
  const timers = new Map<Container, () => void>();
  /** How long each has waited the last time, in ms. */
  const waits = new WeakMap<Container, number>();
  let ready = false;
  let closed = false;

  const attempt = async (container: Container, how: (container: Container) => Promise<unknown>): Promise<void> => {
    try {
      await how(container);
    } catch (error) {
      log('error', 'container cannot be started again', { id: container.id, error: textOf(error) });
    }
  };
  const schedule = (container: Container, wait: number): void => {
    const begin = () => {
      timers.delete(container);
      void attempt(container, startAgain);
    };
    timers.set(container, clock.after(wait, begin));
  };

  return {
    exited(container, stopped) {
      const { record } = container;
      if (!startsAgain(record, stopped)) {
        waits.delete(container);
        return false;
      }
      const ran = Date.parse(record.State.FinishedAt) - Date.parse(record.State.StartedAt);
      // Somebody has started it by hand: it is counted anew.
      const last = record.RestartCount === 0 ? 0 : (waits.get(container) ?? 0);
      const wait = nextWait(last, ran);
      waits.set(container, wait);
      record.RestartCount++;
      record.State.Status = 'restarting';
      if (ready && !closed) schedule(container, wait);
      return true;
    },
    cancel(container) {
      timers.get(container)?.();
      timers.delete(container);
      // One that is just being started is waited for.
      return container.locked(async () => {
        const { State } = container.record;
        if (State.Status !== 'restarting') return false;
        State.Status = 'exited';
        container.note();
        return true;
      });
    },
    async resume() {
      ready = true;
      const known = containers.list();
      for (const container of known) if (container.record.State.Status === 'restarting') schedule(container, 0);
      const wanted = known.filter(({ record }) => record.State.Status === 'exited' && startsWithDaemon(record));
      const needsOther = ({ record: { HostConfig } }: Container) =>
        [HostConfig.NetworkMode, HostConfig.PidMode, HostConfig.IpcMode].some((mode) => containerOf(mode) !== undefined);
      // First those that others share namespaces with.
      await Promise.all(wanted.filter((container) => !needsOther(container)).map((container) => attempt(container, start)));
      await Promise.all(wanted.filter(needsOther).map((container) => attempt(container, start)));
    },
    close() {
      closed = true;
      for (const end of timers.values()) end();
      timers.clear();
    },
  };
}
