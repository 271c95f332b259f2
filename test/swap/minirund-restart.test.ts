/**
 * What minirund does with containers by itself, seen through the docker command line: restart policies
 * and health checks, also across the death of the daemon. What is expected is what dockerd 20.10 shows.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DockerDaemon, dockerDaemon } from './support/minirund.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, hasProgram } from './support/sandbox.ts';
import { undoFailed } from './support/undo-failed.ts';

const reason = noRuntime() ?? (hasProgram('docker') ? undefined : 'needs the program docker');
if (reason) console.log(`minirund-restart: skipped, ${reason}`);

interface Shown {
  RestartCount: number;
  State: {
    Status: string;
    ExitCode: number;
    Pid: number;
    StartedAt: string;
    Health?: { Status: string; FailingStreak: number; Log: { ExitCode: number; Output: string }[] };
  };
}

describe.skipIf(reason)('minirund', () => {
  let daemon: DockerDaemon;
  undoFailed(() => [daemon]);
  const run = (...args: string[]) => daemon.ok(['run', '-d', '--network', 'none', ...args]);
  const shown = async (name: string) => (JSON.parse(await daemon.ok(['inspect', name])) as Shown[])[0]!;
  const becomes = (name: string, description: string, holds: (shown: Shown) => boolean) =>
    eventually(`${name} ${description}`, async () => holds(await shown(name)));
  const refused = async (...args: string[]) => {
    const answer = await daemon.docker(args);
    expect(answer.code).toBe(1);
    return answer.err;
  };
  /** What has happened to a container so far. A `0s` would be taken for the beginning of this second. */
  const history = async (name: string) => {
    const now = (Date.now() / 1000).toFixed(3);
    const events = await daemon.ok(['events', '--since', '0', '--until', now, '--filter', `container=${name}`, '--format', '{{.Action}}']);
    return events.split('\n');
  };

  beforeAll(async () => {
    daemon = await dockerDaemon('minirund');
  });
  afterAll(() => daemon?.place.end());

  describe('a restart policy', () => {
    it('on-failure starts a container again as often as it may', async () => {
      await run('--name', 'failing', '--restart', 'on-failure:2', 'busybox', 'sh', '-c', 'exit 3');
      await becomes('failing', 'is given up', ({ State }) => State.Status === 'exited');
      expect(await shown('failing')).toMatchObject({ RestartCount: 2, State: { ExitCode: 3, Pid: 0 } });
      expect(await history('failing')).toEqual(['create', 'start', 'die', 'start', 'die', 'start', 'die']);
    });

    it('on-failure does nothing about success', async () => {
      await run('--name', 'fine', '--restart', 'on-failure', 'busybox', 'true');
      await becomes('fine', 'ends', ({ State }) => State.Status === 'exited');
      expect((await shown('fine')).RestartCount).toBe(0);
    });

    it('always goes on until somebody stops it, and counts anew when somebody starts it', async () => {
      await run('--name', 'always', '--restart', 'always', 'busybox', 'sh', '-c', 'exit 4');
      await becomes('always', 'has been started several times', ({ RestartCount }) => RestartCount >= 4);
      await becomes('always', 'waits', ({ State }) => State.Status === 'restarting');
      expect(await daemon.ok(['ps', '--filter', 'name=always', '--format', '{{.Status}}'])).toMatch(/^Restarting \(4\) .* ago$/);
      expect(await refused('exec', 'always', 'true')).toContain('is restarting, wait until the container is running');
      expect(await refused('pause', 'always')).toContain('is restarting, wait until the container is running');
      expect(await refused('rm', 'always')).toContain('restarting: stop the container before removing or force remove');
      await daemon.ok(['stop', 'always']);
      expect((await shown('always')).State).toMatchObject({ Status: 'exited', ExitCode: 4 });
      await daemon.ok(['start', 'always']);
      expect((await shown('always')).RestartCount).toBeLessThan(4);
      await daemon.ok(['rm', '-f', 'always']);
    });

    it('leaves alone what was killed or stopped by hand, and starts what died by itself', async () => {
      await run('--name', 'by-hand', '--restart', 'always', 'busybox', 'sh', '-c', 'trap "exit 1" USR1; while :; do sleep 0.1; done');
      await daemon.ok(['kill', 'by-hand']);
      expect((await shown('by-hand')).State).toMatchObject({ Status: 'exited', ExitCode: 137 });
      await daemon.ok(['start', 'by-hand']);
      await daemon.ok(['stop', '-t', '0', 'by-hand']);
      await daemon.ok(['start', 'by-hand']);
      await daemon.ok(['kill', '-s', 'USR1', 'by-hand']);
      await becomes('by-hand', 'is started again', ({ RestartCount, State }) => RestartCount === 1 && State.Status === 'running');
      await daemon.ok(['restart', '-t', '0', 'by-hand']);
      expect(await shown('by-hand')).toMatchObject({ RestartCount: 0, State: { Status: 'running' } });
      await daemon.ok(['rm', '-f', 'by-hand']);
    });

    it('lets a client in the foreground go after the first end', async () => {
      const answer = await daemon.docker([
        'run',
        '--name',
        'once',
        '--network',
        'none',
        '--restart',
        'always',
        'busybox',
        'sh',
        '-c',
        'echo said; exit 5',
      ]);
      expect(answer).toMatchObject({ code: 5, out: 'said\n' });
      await daemon.ok(['rm', '-f', 'once']);
    });

    it('is kept by a daemon that is killed', async () => {
      const sleeping = ['busybox', 'sleep', '1000'];
      await run('--name', 'lives', '--restart', 'always', ...sleeping);
      await run('--name', 'waits', '--restart', 'always', 'busybox', 'sh', '-c', 'exit 6');
      await run(
        '--name',
        'dies',
        '--restart',
        'unless-stopped',
        'busybox',
        'sh',
        '-c',
        'while [ ! -e /tmp/end ]; do sleep 0.1; done; rm /tmp/end; exit 7',
      );
      await run('--name', 'stopped-always', '--restart', 'always', ...sleeping);
      await run('--name', 'stopped-unless', '--restart', 'unless-stopped', ...sleeping);
      await daemon.ok(['kill', 'stopped-always', 'stopped-unless']);
      await becomes('waits', 'waits', ({ RestartCount, State }) => RestartCount >= 4 && State.Status === 'restarting');
      const before = { lives: await shown('lives'), dies: await shown('dies'), waits: await shown('waits') };
      await daemon.stop('KILL');
      await daemon.inside(`touch /proc/${before.dies.State.Pid}/root/tmp/end`);
      await daemon.start();
      expect((await shown('lives')).State).toMatchObject({ Status: 'running', Pid: before.lives.State.Pid });
      await becomes('waits', 'is started once more', ({ RestartCount }) => RestartCount > before.waits.RestartCount);
      await becomes('dies', 'is started again', ({ RestartCount, State }) => RestartCount === 1 && State.Status === 'running');
      await becomes('stopped-always', 'runs', ({ State }) => State.Status === 'running');
      expect((await shown('stopped-unless')).State).toMatchObject({ Status: 'exited', ExitCode: 137 });
      await daemon.ok(['rm', '-f', 'lives', 'waits', 'dies', 'stopped-always', 'stopped-unless']);
    });
  });

  describe('a health check', () => {
    it('tells when a container is unwell, and when it is well again', async () => {
      await run(
        '--name',
        'ill',
        '--health-cmd',
        'echo looked; test -e /tmp/ok',
        '--health-interval',
        '200ms',
        '--health-retries',
        '2',
        'busybox',
        'sleep',
        '1000',
      );
      expect((await shown('ill')).State.Health).toMatchObject({ Status: 'starting', FailingStreak: 0 });
      await becomes('ill', 'is unhealthy', ({ State }) => State.Health?.Status === 'unhealthy');
      const { Health } = (await shown('ill')).State;
      expect(Health?.FailingStreak).toBeGreaterThanOrEqual(2);
      expect(Health?.Log[0]).toMatchObject({ ExitCode: 1, Output: 'looked\n' });
      expect(await daemon.ok(['ps', '--filter', 'health=unhealthy', '--format', '{{.Names}} {{.Status}}'])).toMatch(
        /^ill Up .*\(unhealthy\)$/,
      );
      await daemon.ok(['exec', 'ill', 'touch', '/tmp/ok']);
      await becomes('ill', 'is healthy', ({ State }) => State.Health?.Status === 'healthy');
      const told = (await history('ill')).filter((action) => !action.includes('touch'));
      const command = '/bin/sh -c echo looked; test -e /tmp/ok';
      expect(told.slice(0, 5)).toEqual(['create', 'start', `exec_create: ${command}`, `exec_start: ${command}`, 'exec_die']);
      expect(told.filter((action) => action.startsWith('health_status'))).toEqual(['health_status: unhealthy', 'health_status: healthy']);
    });

    it('rests while the container is paused, and after that goes on', async () => {
      await daemon.ok(['pause', 'ill']);
      expect((await shown('ill')).State.Health?.Status).toBe('unhealthy');
      await daemon.ok(['unpause', 'ill']);
      await becomes('ill', 'is healthy', ({ State }) => State.Health?.Status === 'healthy');
    });

    it('goes on under the next daemon', async () => {
      await daemon.stop('KILL');
      await daemon.start();
      await becomes('ill', 'is healthy', ({ State }) => State.Health?.Status === 'healthy');
      await daemon.ok(['stop', '-t', '0', 'ill']);
      expect((await shown('ill')).State.Health?.Status).toBe('unhealthy');
      await daemon.ok(['rm', 'ill']);
    });

    it('that takes too long is ended', async () => {
      const check = [
        '--health-cmd',
        'echo slow; exec sleep 999',
        '--health-interval',
        '100ms',
        '--health-timeout',
        '300ms',
        '--health-retries',
        '1',
      ];
      await run('--name', 'slow', ...check, 'busybox', 'sleep', '1000');
      await becomes('slow', 'is unhealthy', ({ State }) => State.Health?.Status === 'unhealthy');
      await daemon.ok(['pause', 'slow']);
      expect((await shown('slow')).State.Health?.Log[0]).toMatchObject({
        ExitCode: -1,
        Output: 'Health check exceeded timeout (300ms): slow\n',
      });
      await daemon.ok(['rm', '-f', 'slow']);
    });

    it('keeps no more than the beginning of what is printed', async () => {
      await run('--name', 'loud', '--health-cmd', 'yes | head -c 10000', '--health-interval', '100ms', 'busybox', 'sleep', '1000');
      await becomes('loud', 'is healthy', ({ State }) => State.Health?.Status === 'healthy');
      expect((await shown('loud')).State.Health?.Log[0]?.Output).toBe(`${'y\n'.repeat(2048)}...`);
      await daemon.ok(['rm', '-f', 'loud']);
    });

    it('whose command is not there is a failure', async () => {
      await run('--name', 'none', '--health-cmd', 'x', '--health-interval', '100ms', '--health-retries', '1', 'busybox', 'sleep', '1000');
      await becomes('none', 'is unhealthy', ({ State }) => State.Health?.Status === 'unhealthy');
      expect((await shown('none')).State.Health?.Log[0]).toMatchObject({ ExitCode: 127, Output: '/bin/sh: x: not found\n' });
      await daemon.ok(['rm', '-f', 'none']);
    });
  });
});
