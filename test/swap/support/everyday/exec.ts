/** `exec`: a further process in a container. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { OURS } from '../runtime.ts';
import { eventually } from '../sandbox.ts';
import { type Everyday, NOT_FOUND } from './commands.ts';

/** A container host without all capabilities of its kernel, such as a virtual machine that was given to CI. */
const LACKS_CAPABILITIES = !/^CapBnd:\t0*1ffffffffff$/m.test(process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : '');

export function exec({ isDocker, cli, ok, terminal, idling }: Everyday): void {
  describe('exec', () => {
    test('a second process in the container: its output, input, environment, user and exit code', async () => {
      await idling('second', ['--hostname', 'box', '-e', 'FROM=container'], async () => {
        const script = 'echo $(hostname) $FROM $MINE $PWD $(id -u) $(cat /proc/1/comm)';
        expect(await ok(['exec', '-e', 'MINE=exec', '-w', '/tmp', '-u', '1000', 'second', 'sh', '-c', script])).toBe(
          'box container exec /tmp 1000 sleep',
        );
        expect(await ok(['exec', '-i', 'second', 'wc', '-c'], { input: 'x'.repeat(100_000) })).toBe('100000');
        expect((await cli(['exec', 'second', 'sh', '-c', 'exit 9'])).code).toBe(9);
        expect((await cli(['exec', 'second', 'sh', '-c', 'kill -KILL $$'])).code).toBe(137);
      });
    });
    test('-d leaves it behind; its processes end with the container', async () => {
      await idling('behind', [], async () => {
        await ok(['exec', '-d', 'behind', 'sh', '-c', 'echo $$ > /tmp/pid; exec sleep 999']);
        await eventually('it runs', async () =>
          (await cli(['exec', 'behind', 'sh', '-c', 'cat /proc/$(cat /tmp/pid)/cmdline'])).out.startsWith('sleep'),
        );
      });
    });
    test("-it: a terminal of the window's size", async () => {
      await idling('tty', [], async () => {
        const box = terminal(['exec', '-it', 'tty', 'sh'], [31, 71]);
        await box.shows(/# /);
        await eventually('the size arrives', async () => {
          box.type('stty size\n');
          await new Promise((r) => setTimeout(r, 100));
          return /^31 71\r$/m.test(box.screen());
        });
        box.type('tty; exit 6\n');
        await box.shows(/^\/dev\/pts\/\d+\r$/m);
        expect(await box.ended).toBe(6);
      });
    });
    test('what cannot be run: exit codes and texts', async () => {
      await idling('refusing', [], async () => {
        for (const [command, dockers, podmans, text] of [
          ['nope', [126, 127], [127], NOT_FOUND],
          ['/nope', [126, 127], [127], NOT_FOUND],
          ['/tmp', [126], [126], /permission denied/i],
        ] as const) {
          const answer = await cli(['exec', 'refusing', command]);
          expect(isDocker ? dockers : podmans, `${command}: ${answer.err}`).toContain(answer.code);
          expect(answer.out + answer.err).toMatch(text);
          expect(answer.out + answer.err).toContain(command);
        }
      });
    });
    test('ten at once', async () => {
      await idling('busy', [], async () => {
        const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => cli(['exec', 'busy', 'sh', '-c', `echo ${n}; exit ${n}`])));
        expect(answers.map((a) => `${a.code} ${a.out.trim()}`)).toEqual(Array.from({ length: 10 }, (_, n) => `${n} ${n}`));
      });
    });
    test('--privileged has every capability that the engine has', async (ctx) => {
      // runc 1.1 gives up where the machine itself lacks one of them; podman asks only for what there is.
      if (isDocker && !OURS && LACKS_CAPABILITIES) ctx.skip('this runtime refuses, because the machine has not all capabilities');
      await idling('powers', [], async () => {
        const answer = await cli(['exec', '--privileged', 'powers', 'grep', 'CapEff', '/proc/self/status']);
        expect(answer).toMatchObject({ code: 0 });
        expect(answer.out).toMatch(/CapEff:\s+0+[13]f+e?f{6}$/m);
      });
    });
  });
}
