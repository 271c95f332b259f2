/** Restart policies: who is started again, when, and how often. */
import { describe, expect, it } from 'vitest';
import type { HostConfig } from '../../../src/dockerd/container/config.ts';
import { nextWait, startsAgain, startsWithDaemon } from '../../../src/dockerd/container/restart-policy.ts';
import { openRestarts } from '../../../src/dockerd/container/restarts.ts';
import { begin, end, type FakeContainer, fakeClock, fakeContainer } from './fake-container.ts';

type Policy = NonNullable<HostConfig['RestartPolicy']>;
const policy = (Name: string, MaximumRetryCount = 0): { RestartPolicy: Policy } => ({ RestartPolicy: { Name, MaximumRetryCount } });

/** A daemon that has nothing but restarts. @param code with which a container ends at once; undefined: it runs */
function machine(containers: FakeContainer[], ends: (container: FakeContainer) => number | undefined = () => undefined) {
  const clock = fakeClock();
  const starts: { id: string; at: number; byHand: boolean }[] = [];
  const start = (byHand: boolean) => async (given: unknown) => {
    const container = given as FakeContainer;
    await container.locked(async () => {
      if (!byHand && container.record.State.Status !== 'restarting') return;
      starts.push({ id: container.id, at: clock.now(), byHand });
      if (byHand) container.record.RestartCount = 0;
      begin(container, clock);
    });
    const code = ends(container);
    if (code !== undefined) die(container, code);
  };
  const restarts = openRestarts({
    containers: { list: () => containers },
    startAgain: start(false),
    start: start(true),
    log: () => undefined,
    clock,
  });
  const die = (container: FakeContainer, code: number, stopped = false): boolean => {
    end(container, clock, code);
    return restarts.exited(container, stopped);
  };
  const origin = clock.now();
  return { clock, starts, restarts, die, times: () => starts.map(({ at }) => at - origin) };
}

describe('the policy', () => {
  it.each([
    ['no', 1, false, false],
    ['', 1, false, false],
    ['always', 0, false, true],
    ['always', 1, true, false],
    ['unless-stopped', 0, false, true],
    ['unless-stopped', 0, true, false],
    ['on-failure', 0, false, false],
    ['on-failure', 1, false, true],
    ['on-failure', 137, true, false],
  ])('%j, exit code %i, stopped: %s', (name, code, stopped, again) => {
    const { record } = fakeContainer({}, policy(name));
    record.State.ExitCode = code;
    expect(startsAgain(record, stopped)).toBe(again);
  });

  it.each([
    ['always', true, true],
    ['always', false, true],
    ['unless-stopped', true, false],
    ['unless-stopped', false, true],
    ['on-failure', true, false],
    ['on-failure', false, true],
    ['no', false, false],
  ])('%j when the daemon starts, stopped by hand: %s', (name, byHand, starts) => {
    const { record } = fakeContainer({}, policy(name));
    Object.assign(record.State, { ExitCode: 1, StartedAt: '2024-05-01T10:00:00Z' });
    record.StoppedByHand = byHand;
    expect(startsWithDaemon(record)).toBe(starts);
    record.State.StartedAt = '0001-01-01T00:00:00Z';
    expect(startsWithDaemon(record)).toBe(false);
  });

  it('waits twice as long each time, up to a minute, and anew after ten seconds', () => {
    let wait = 0;
    const waits = Array.from({ length: 12 }, () => (wait = nextWait(wait, 50)));
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000]);
    expect(nextWait(60_000, 9_999)).toBe(60_000);
    expect(nextWait(60_000, 10_000)).toBe(100);
  });
});

/** One that has been started, in a daemon that is ready. */
async function running(hostConfig: Partial<HostConfig>, ends?: (container: FakeContainer) => number | undefined) {
  const container = fakeContainer({}, hostConfig);
  const world = machine([container], ends);
  await world.restarts.resume();
  begin(container, world.clock);
  return { container, ...world };
}

describe('a container', () => {
  it('that fails is tried as often as it may', async () => {
    const { container, clock, die, times } = await running(policy('on-failure', 3), () => 7);
    expect(die(container, 7)).toBe(true);
    expect(container.record).toMatchObject({ RestartCount: 1, State: { Status: 'restarting', ExitCode: 7 } });
    await clock.pass(10_000);
    expect(times()).toEqual([100, 300, 700]);
    expect(container.record).toMatchObject({ RestartCount: 3, State: { Status: 'exited', ExitCode: 7 } });
    expect(clock.waiting()).toBe(0);
  });

  it('that ran for ten seconds begins with the shortest wait', async () => {
    const { container, clock, die, times } = await running(policy('always'));
    for (let i = 0; i < 3; i++) {
      die(container, 0);
      await clock.pass(1000);
    }
    await clock.pass(9500);
    die(container, 0);
    await clock.pass(1000);
    expect(times()).toEqual([100, 1200, 2400, 12_600]);
    expect(container.record.RestartCount).toBe(4);
  });

  it('that is stopped while it waits stays so', async () => {
    const { container, clock, die, starts, restarts } = await running(policy('always'));
    die(container, 1);
    expect(await restarts.cancel(container)).toBe(true);
    expect(container.saved().State.Status).toBe('exited');
    await clock.pass(10_000);
    expect(starts).toEqual([]);
    expect(await restarts.cancel(container)).toBe(false);
  });

  it('that is stopped while it is being started has to be stopped as others', async () => {
    const { container, clock, die, restarts } = await running(policy('always'));
    die(container, 1);
    // A start takes its time.
    let go: () => void = () => undefined;
    const slow = new Promise<void>((resolve) => {
      go = resolve;
    });
    void container.locked(() => slow.then(() => begin(container, clock)));
    const cancelled = restarts.cancel(container);
    go();
    expect(await cancelled).toBe(false);
    expect(container.record.State.Status).toBe('running');
  });

  it('that cannot be started again is given up', async () => {
    const container = fakeContainer({}, policy('always'));
    const clock = fakeClock();
    const problems: string[] = [];
    const restarts = openRestarts({
      containers: { list: () => [container] },
      startAgain: async () => {
        container.record.State.Status = 'exited';
        throw new Error('no such file');
      },
      start: async () => undefined,
      log: (_level, message, fields) => problems.push(`${message}: ${fields?.error}`),
      clock,
    });
    await restarts.resume();
    begin(container, clock);
    end(container, clock, 1);
    restarts.exited(container, false);
    await clock.pass(60_000);
    expect(problems).toEqual(['container cannot be started again: no such file']);
  });

  it('that was started by hand is counted anew', async () => {
    const { container, clock, die, times } = await running(policy('always'));
    for (let i = 0; i < 3; i++) {
      die(container, 1);
      await clock.pass(400);
    }
    container.record.RestartCount = 0;
    begin(container, clock);
    die(container, 1);
    await clock.pass(100);
    expect(times()).toEqual([100, 600, 1200, 1300]);
  });
});

describe('a daemon', () => {
  it('that starts waits until it knows what runs', async () => {
    const waits = fakeContainer({}, policy('always'), 'waits');
    const lost = fakeContainer({}, policy('always'), 'lost');
    const stopped = fakeContainer({}, policy('unless-stopped'), 'stopped');
    const other = fakeContainer({}, { ...policy('always'), NetworkMode: 'container:base' }, 'other');
    const base = fakeContainer({}, policy('unless-stopped'), 'base');
    const all = [other, waits, lost, stopped, base];
    const { clock, starts, die, restarts } = machine(all);
    for (const container of all) {
      begin(container, clock);
      end(container, clock, 1);
    }
    stopped.record.StoppedByHand = true;
    waits.record.State.Status = 'restarting';
    waits.record.RestartCount = 5;
    begin(lost, clock);
    expect(die(lost, 255)).toBe(true);
    await clock.pass(60_000);
    expect(starts).toEqual([]);
    await restarts.resume();
    await clock.pass(0);
    expect(starts.filter(({ byHand }) => byHand).map(({ id }) => id)).toEqual(['base', 'other']);
    expect(starts.filter(({ byHand }) => !byHand).map(({ id }) => id)).toEqual(['waits', 'lost']);
    expect(waits.record.RestartCount).toBe(5);
  });

  it('that ends starts nothing any more', async () => {
    const { container, clock, die, starts, restarts } = await running(policy('always'));
    die(container, 1);
    restarts.close();
    await clock.pass(1000);
    expect(starts).toEqual([]);
    // The next one finds it so.
    expect(container.record.State.Status).toBe('restarting');
  });
});
