/** Containers and time for tests of what the daemon does by itself: nothing runs, and nobody waits. */
import type { Clock } from '../../../src/dockerd/clock.ts';
import type { ContainerConfig, HostConfig } from '../../../src/dockerd/container/config.ts';
import type { Change, Container } from '../../../src/dockerd/container/containers.ts';
import { type ContainerRecord, NEVER } from '../../../src/dockerd/container/record.ts';

export interface FakeClock extends Clock {
  /** Lets so many milliseconds pass; whatever comes due is done, and what that leads to. */
  pass(milliseconds: number): Promise<void>;
  /** How many wait. */
  waiting(): number;
}

/** Promises that are resolved already are acted upon. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

export function fakeClock(start = 1_714_557_600_000): FakeClock {
  let now = start;
  const timers = new Set<{ at: number; act: () => void }>();
  const next = (until: number) => [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  return {
    now: () => now,
    after(milliseconds, act) {
      const timer = { at: now + milliseconds, act };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    async pass(milliseconds) {
      const end = now + milliseconds;
      await settled();
      for (let timer = next(end); timer; timer = next(end)) {
        timers.delete(timer);
        now = Math.max(now, timer.at);
        timer.act();
        await settled();
      }
      now = end;
    },
    waiting: () => timers.size,
  };
}

export interface FakeContainer extends Container {
  /** What was told: actions, and changes in brackets. */
  readonly told: string[];
  /** As it was written down the last time. */
  saved(): ContainerRecord;
}

export function fakeContainer(config: Partial<ContainerConfig> = {}, hostConfig: Partial<HostConfig> = {}, id = 'c1'): FakeContainer {
  const told: string[] = [];
  let saved = '';
  let last: Promise<unknown> = Promise.resolve();
  const record = {
    Id: id,
    Created: NEVER,
    Name: id,
    Config: config,
    HostConfig: hostConfig,
    State: { Status: 'created', Pid: 0, ExitCode: 0, Error: '', OOMKilled: false, StartedAt: NEVER, FinishedAt: NEVER },
    RestartCount: 0,
    StoppedByHand: false,
  } as unknown as ContainerRecord;
  return {
    id,
    record,
    folder: '/nowhere',
    running: undefined,
    awaiting: new Set(),
    locked(act) {
      const mine = last.then(act, act);
      last = mine.catch(() => undefined);
      return mine;
    },
    note() {
      this.save();
    },
    save() {
      saved = JSON.stringify(record);
    },
    tell: (action) => void told.push(action),
    onChange: () => () => undefined,
    changed: (change: Change) => void told.push(`[${change}]`),
    told,
    saved: () => JSON.parse(saved) as ContainerRecord,
  };
}

export function begin({ record }: Container, clock: Clock): void {
  Object.assign(record.State, { Status: 'running', Pid: 1, ExitCode: 0, StartedAt: new Date(clock.now()).toISOString() });
}

/** Its state as it is when restart policies are asked. */
export function end({ record }: Container, clock: Clock, code: number): void {
  Object.assign(record.State, { Status: 'exited', Pid: 0, ExitCode: code, FinishedAt: new Date(clock.now()).toISOString() });
}
