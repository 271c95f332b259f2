/** Signals, stop, pause, restart, health: a container on its way. */
import { describe, expect, test } from 'vitest';
import { eventually } from '../sandbox.ts';
import type { Everyday } from './commands.ts';

export function states({ isDocker, cli, ok, terminal, running, remove, FORCE, idling }: Everyday): void {
  describe('signals and states', () => {
    const trap = 'trap "echo got TERM; exit 3" TERM; trap "echo got USR1" USR1; echo ready; while :; do sleep 0.1; done';
    const ready = (container: string) => eventually('it is ready', async () => (await ok(['logs', container])).includes('ready'));
    test('stop sends SIGTERM and waits; kill -s sends any signal', async () => {
      await idling(
        'trapping',
        [],
        async () => {
          await ready('trapping');
          await ok(['kill', '-s', 'USR1', 'trapping']);
          await eventually('USR1 arrives', async () => (await ok(['logs', 'trapping'])).includes('got USR1'));
          await ok(['stop', '-t', '10', 'trapping']);
          expect(await ok(['logs', 'trapping'])).toMatch(/got TERM/);
          expect(await running('trapping')).toBe('exited 3');
        },
        ['sh', '-c', trap],
      );
    });
    test('stop ends with SIGKILL what does not listen', async () => {
      await idling('deaf', [], async () => {
        await ok(['stop', '-t', '1', 'deaf']);
        expect(await running('deaf')).toBe('exited 137');
      });
    });
    test('kill; wait gives the exit code', async () => {
      await idling('ended', [], async () => {
        const waiting = ok(['wait', 'ended']);
        await ok(['kill', 'ended']);
        expect(await waiting).toBe('137');
        const again = await cli(['kill', 'ended']);
        expect(again.code).not.toBe(0);
        expect(again.err).toMatch(/not running|state improper/);
      });
    });
    test('Ctrl-C for the client goes to the container', async () => {
      const box = terminal([
        'run',
        '-i',
        '--rm',
        '--network',
        'none',
        'busybox',
        'sh',
        '-c',
        'trap "exit 4" INT; echo ready; while :; do sleep 0.1; done',
      ]);
      await box.shows(/ready/);
      box.type('\x03');
      expect(await box.ended).toBe(4);
    });
    test('pause stops every process, unpause lets them go on', async () => {
      await idling(
        'frozen',
        [],
        async () => {
          const count = async () => (await ok(['logs', 'frozen'])).split('\n').length;
          await eventually('it counts', async () => (await count()) > 3);
          await ok(['pause', 'frozen']);
          expect(await running('frozen')).toBe('paused 0');
          const before = await count();
          await new Promise((r) => setTimeout(r, 400));
          expect(await count()).toBe(before);
          expect((await cli(['exec', 'frozen', 'true'])).err).toMatch(/paused|only .*on running containers/);
          await ok(['unpause', 'frozen']);
          expect(await running('frozen')).toBe('running 0');
          await eventually('it counts again', async () => (await count()) > before + 2);
          await ok(['pause', 'frozen']);
          // Removing a paused container needs no unpause by hand.
          await ok([...FORCE, 'frozen']);
        },
        ['sh', '-c', 'while :; do echo tick; sleep 0.05; done'],
      );
    });
    test('create, start, restart, rename', async () => {
      try {
        await ok(['create', '--name', 'later', '--network', 'none', 'busybox', 'sh', '-c', 'echo start; exec sleep 1000']);
        await ok(['start', 'later']);
        await ok(['restart', '-t', '0', 'later']);
        await eventually('it started twice', async () => (await ok(['logs', 'later'])).split('\n').length === 2);
        await ok(['rename', 'later', 'renamed']);
        expect(await running('renamed')).toBe('running 0');
        expect((await cli(['rm', 'renamed'])).code).not.toBe(0);
        await ok([...FORCE, 'renamed']);
        expect(await ok(['ps', '-aq'])).toBe('');
      } finally {
        await remove('later');
        await remove('renamed');
      }
    });
    test('a restart policy starts it again', async () => {
      await idling(
        'stubborn',
        ['--restart', 'on-failure:2'],
        async () => {
          await eventually('it ran three times', async () => (await ok(['logs', 'stubborn'])).split('\n').length === 3);
          await eventually('it is over', async () => (await running('stubborn')) === 'exited 6');
          expect(await ok(['inspect', '-f', '{{.RestartCount}}', 'stubborn'])).toBe('2');
        },
        ['sh', '-c', 'echo once more; exit 6'],
      );
    });
    test('a health check is an exec', async () => {
      const health = ['--health-cmd', 'test -e /tmp/well', '--health-interval', '1s', '--health-retries', '1'];
      await idling('patient', health, async () => {
        const state = () => ok(['inspect', '-f', '{{.State.Health.Status}}', 'patient']);
        await ok(['exec', 'patient', 'touch', '/tmp/well']);
        // Podman leaves the timing to systemd, which need not run: a check by hand there.
        if (!isDocker) await ok(['healthcheck', 'run', 'patient']);
        await eventually('it is healthy', async () => (await state()) === 'healthy');
      });
    });
  });
}
