/** Health checks: what is run when, and what follows from the results. */
import { describe, expect, it } from 'vitest';
import type { ContainerConfig } from '../../../src/dockerd/container/config.ts';
import { healthCheckOf } from '../../../src/dockerd/container/health.ts';
import { type Look, openHealthChecks } from '../../../src/dockerd/container/health-checks.ts';
import { goDuration } from '../../../src/dockerd/container/probe.ts';
import { begin, fakeClock, fakeContainer } from './fake-container.ts';

const SECOND = 1_000_000_000;
const check = (more: Partial<NonNullable<ContainerConfig['Healthcheck']>> = {}, config: Partial<ContainerConfig> = {}) => ({
  ...config,
  Healthcheck: { Test: ['CMD-SHELL', 'ok'], Interval: 10 * SECOND, Retries: 2, ...more } as ContainerConfig['Healthcheck'],
});

describe('the check', () => {
  it.each([
    [undefined, undefined],
    [[], undefined],
    [['NONE'], undefined],
    [['CMD'], undefined],
    [['SQL', 'x'], undefined],
    [
      ['CMD', 'test', '-e', '/x'],
      ['test', '-e', '/x'],
    ],
    [
      ['CMD-SHELL', 'a && b'],
      ['/bin/sh', '-c', 'a && b'],
    ],
  ])('%j runs %j', (Test, command) => {
    expect(healthCheckOf({ ...check(), Healthcheck: { ...check().Healthcheck!, Test } } as ContainerConfig)?.command).toEqual(command);
  });

  it("uses the image's shell, and has Docker's defaults", () => {
    const config = { Shell: ['/bin/ash', '-ec'], Healthcheck: { Test: ['CMD-SHELL', 'x'] } } as ContainerConfig;
    expect(healthCheckOf(config)).toEqual({
      command: ['/bin/ash', '-ec', 'x'],
      interval: 30_000,
      timeout: 30_000,
      startPeriod: 0,
      startInterval: 5000,
      retries: 3,
    });
  });
});

/** A container that runs, and whose looks end as the test says. */
function watched(config: Partial<ContainerConfig>, results: (Look | number)[]) {
  const clock = fakeClock();
  const container = fakeContainer(config);
  const looks: number[] = [];
  const signals: AbortSignal[] = [];
  const origin = clock.now();
  const checks = openHealthChecks(async (_container, _check, signal) => {
    looks.push((clock.now() - origin) / 1000);
    signals.push(signal);
    const result = results.shift() ?? 0;
    return typeof result === 'number' ? { exitCode: result, output: `${result}` } : result;
  }, clock);
  begin(container, clock);
  checks.started(container);
  return { clock, container, looks, signals, checks, health: () => container.record.State.Health! };
}

describe('looking after a container', () => {
  it('it is starting, then well, then unwell after enough failures in a row, then well again', async () => {
    const { clock, container, looks, health } = watched(check(), [0, 1, 0, 1, 1, 1, 0]);
    expect(health()).toEqual({ Status: 'starting', FailingStreak: 0, Log: [] });
    await clock.pass(10_000);
    expect(health()).toMatchObject({ Status: 'healthy', FailingStreak: 0, Log: [{ ExitCode: 0, Output: '0' }] });
    await clock.pass(30_000);
    expect(health()).toMatchObject({ Status: 'healthy', FailingStreak: 1 });
    await clock.pass(20_000);
    expect(health()).toMatchObject({ Status: 'unhealthy', FailingStreak: 3 });
    await clock.pass(10_000);
    expect(health()).toMatchObject({ Status: 'healthy', FailingStreak: 0 });
    expect(container.told).toEqual(['health_status: healthy', 'health_status: unhealthy', 'health_status: healthy']);
    expect(looks).toEqual([10, 20, 30, 40, 50, 60, 70]);
    expect(health().Log.map(({ ExitCode }) => ExitCode)).toEqual([0, 1, 1, 1, 0]);
    expect(container.saved().State.Health?.Status).toBe('healthy');
  });

  it('failures of the start period do not count, and looks come more often', async () => {
    const config = check({ StartPeriod: 12 * SECOND, StartInterval: 5 * SECOND, Retries: 1 });
    const { clock, container, looks, health } = watched(config, [1, 1, 1]);
    await clock.pass(10_000);
    expect(health()).toMatchObject({ Status: 'starting', FailingStreak: 0 });
    await clock.pass(5_000);
    expect(health()).toMatchObject({ Status: 'unhealthy', FailingStreak: 1 });
    await clock.pass(10_000);
    expect(looks).toEqual([5, 10, 15, 25]);
    expect(container.told).toEqual(['health_status: unhealthy', 'health_status: healthy']);
  });

  it('one that was well in the start period has no excuse after that', async () => {
    const config = check({ StartPeriod: 100 * SECOND, StartInterval: SECOND, Retries: 1 });
    const { clock, looks, health } = watched(config, [0, 1]);
    await clock.pass(11_000);
    expect(health().Status).toBe('unhealthy');
    expect(looks).toEqual([1, 11]);
  });

  it('stops while it is paused, which Docker calls unhealthy, and goes on later', async () => {
    const { clock, container, checks, looks, health } = watched(check(), []);
    await clock.pass(10_000);
    checks.paused(container);
    await clock.pass(100_000);
    expect(health().Status).toBe('unhealthy');
    expect(looks).toEqual([10]);
    checks.resumed(container);
    expect(health().Status).toBe('unhealthy');
    await clock.pass(10_000);
    expect(health().Status).toBe('healthy');
    expect(looks).toEqual([10, 120]);
  });

  it('ends with the container, and a look that is under way counts no more', async () => {
    const clock = fakeClock();
    const container = fakeContainer(check());
    let finish: (look: Look) => void = () => undefined;
    let signal: AbortSignal | undefined;
    const checks = openHealthChecks((_container, _check, given) => {
      signal = given;
      return new Promise((resolve) => (finish = resolve));
    }, clock);
    begin(container, clock);
    checks.started(container);
    await clock.pass(10_000);
    container.record.State.Status = 'exited';
    checks.ended(container);
    expect(signal?.aborted).toBe(true);
    finish({ exitCode: 0, output: '' });
    await clock.pass(100_000);
    expect(container.record.State.Health).toEqual({ Status: 'unhealthy', FailingStreak: 0, Log: [] });
    expect(container.told).toEqual([]);
    expect(clock.waiting()).toBe(0);
  });

  it('begins anew with the container, with the older results to be seen', async () => {
    const { clock, container, checks, health } = watched(check(), [1, 1]);
    await clock.pass(20_000);
    checks.ended(container);
    begin(container, clock);
    checks.started(container);
    expect(health()).toMatchObject({ Status: 'starting', FailingStreak: 0 });
    expect(health().Log.length).toBe(2);
    await clock.pass(10_000);
    expect(health().Status).toBe('healthy');
  });

  it('does nothing for others', async () => {
    const { clock, container, looks } = watched({}, []);
    await clock.pass(1_000_000);
    expect(looks).toEqual([]);
    expect(container.record.State.Health).toBeUndefined();
  });
});

it.each([
  [1, '1ms'],
  [999.5, '999.5ms'],
  [1000, '1s'],
  [1500, '1.5s'],
  [90_000, '1m30s'],
  [3_600_000, '1h0m0s'],
])('%d ms are %s', (ms, text) => expect(goDuration(ms)).toBe(text));
