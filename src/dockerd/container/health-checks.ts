/** Looks after containers that have a health check: one look after the other, as long as they run. */
import { realtime } from '../../libc/clock.ts';
import type { Clock } from '../clock.ts';
import type { HealthChecks } from '../daemon.ts';
import type { Container } from './containers.ts';
import { afterLook, type HealthCheck, healthCheckOf, nextLook, starting, unwatched } from './health.ts';
import { writeTime } from './logs/time.ts';

export interface Look {
  exitCode: number;
  output: string;
}

/** Runs the command of a check in the container, and ends it when it takes too long or the signal is aborted. Never rejects. */
export type LookAfter = (container: Container, check: HealthCheck, signal: AbortSignal) => Promise<Look>;

const now = (): string => writeTime(realtime());

export function openHealthChecks(look: LookAfter, clock: Clock): HealthChecks {
  const watched = new Map<Container, () => void>();

  const watch = (container: Container, check: HealthCheck): void => {
    const { State } = container.record;
    const ended = new AbortController();
    let endTimer: () => void = () => undefined;
    const age = () => clock.now() - Date.parse(State.StartedAt);

    const once = async (): Promise<void> => {
      const began = { age: age(), at: now() };
      const { exitCode, output } = await look(container, check, ended.signal);
      const before = State.Health;
      if (ended.signal.aborted || !before) return;
      const result = { Start: began.at, End: now(), ExitCode: exitCode, Output: output };
      State.Health = afterLook(before, result, check, began.age);
      if (State.Health.Status !== before.Status) {
        container.note();
        container.tell(`health_status: ${State.Health.Status}`);
      }
      schedule();
    };
    const schedule = (): void => {
      endTimer = clock.after(nextLook(check, State.Health?.Status ?? 'starting', age()), () => void once());
    };
    watched.set(container, () => {
      endTimer();
      ended.abort();
    });
    schedule();
  };

  const stop = (container: Container): void => {
    watched.get(container)?.();
    watched.delete(container);
    const { State } = container.record;
    if (State.Health) State.Health = unwatched(State.Health);
  };

  const go = (container: Container): void => {
    const check = healthCheckOf(container.record.Config);
    if (check && !watched.has(container)) watch(container, check);
  };

  return {
    started(container) {
      stop(container);
      const { State, Config } = container.record;
      if (!healthCheckOf(Config)) return;
      State.Health = starting(State.Health);
      if (State.Status === 'running') go(container);
      else State.Health = unwatched(State.Health);
    },
    paused: stop,
    resumed: go,
    ended: stop,
    close() {
      for (const end of watched.values()) end();
      watched.clear();
    },
  };
}
