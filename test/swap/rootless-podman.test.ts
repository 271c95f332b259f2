/** Podman as an ordinary user on minirun-runc. */
import { describe, expect, test } from 'vitest';
import { client } from './support/engine.ts';
import { rootlessPodman, USER } from './support/rootless-podman.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, hasProgram } from './support/sandbox.ts';

const missing = ['podman', 'newuidmap', 'setpriv'].find((program) => !hasProgram(program));
const reason = noRuntime() ?? (missing ? `needs the program ${missing}` : undefined);
if (reason) console.log(`rootless podman: skipped, ${reason}`);

describe.skipIf(reason)('rootless podman', () => {
  const { cli, ok, terminal, callsOf, engine } = client(rootlessPodman);
  const idling = async (container: string, options: string[], body: () => Promise<void>): Promise<void> => {
    try {
      await ok(['run', '-d', '--name', container, '--network', 'none', ...options, 'busybox', 'sleep', '1000']);
      await body();
    } finally {
      await cli(['rm', '-f', '-t', '0', container]);
    }
  };
  const run = (...args: string[]) => cli(['run', '--rm', '--network', 'none', 'busybox', ...args]);

  test('run: root inside is the user outside', async () => {
    const calls = await callsOf(async () => {
      const answer = await run('sh', '-c', 'id -u; cat /proc/self/uid_map; touch /made && stat -c %u /made; exit 3');
      expect(answer.code, answer.err).toBe(3);
      expect(answer.out.replace(/ +/g, ' ')).toBe(`0\n 0 ${USER} 1\n 1 100000 65536\n0\n`);
    });
    expect(calls.map((call) => /\b(create|start|delete)\b/.exec(call)?.[1])).toEqual(['create', 'start', 'delete']);
  });
  test.each([
    ['nope', 127, /executable file not found in \$PATH/],
    ['/nope', 127, /no such file or directory/],
    ['/tmp', 126, /permission denied/i],
  ])('%s cannot be run: exit code %i', async (command, code, text) => {
    const answer = await run(command);
    expect(answer.code).toBe(code);
    expect(answer.err).toMatch(text);
  });
  test('-it: a terminal', async () => {
    const box = terminal(['run', '--rm', '-it', '--network', 'none', 'busybox', 'sh'], [33, 77]);
    await box.shows(/# /);
    await eventually('the size arrives', async () => {
      box.type('stty size\n');
      await new Promise((r) => setTimeout(r, 100));
      return /^33 77\r$/m.test(box.screen());
    });
    box.type('exit 7\n');
    expect(await box.ended).toBe(7);
  });
  test('exec, with and without a terminal', async () => {
    await idling('second', ['-u', '1000'], async () => {
      expect(await ok(['exec', '-u', '7', '-e', 'WORD=x', 'second', 'sh', '-c', 'echo $(id -u) $WORD $(cat /proc/1/comm)'])).toBe(
        '7 x sleep',
      );
      expect((await cli(['exec', 'second', 'nope'])).code).toBe(127);
      const box = terminal(['exec', '-it', 'second', 'sh']);
      await box.shows(/[#$] /);
      box.type('id -u; exit 6\n');
      await box.shows(/^1000\r$/m);
      expect(await box.ended).toBe(6);
    });
  });
  test('kill, restart, stop, wait, rm', async () => {
    await idling('states', [], async () => {
      const state = () => ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'states']);
      await ok(['kill', 'states']);
      await eventually('it is killed', async () => (await state()) === 'exited 137');
      await ok(['start', 'states']);
      expect(await state()).toBe('running 0');
      await ok(['stop', '-t', '0', 'states']);
      expect(await ok(['wait', 'states'])).toBe('137');
    });
    expect(await ok(['ps', '-aq'])).toBe('');
  });
  test('the user keeps the own number; a volume is the own', async () => {
    const folder = `${engine().place.folder}/user/volume`;
    await engine().place.run(['sh', '-c', `mkdir ${folder} && chown ${USER}:${USER} ${folder}`]);
    const options = ['--userns', 'keep-id', '-v', `${folder}:/v`];
    expect(
      await ok(['run', '--rm', '--network', 'none', ...options, 'busybox', 'sh', '-c', 'id -u; echo x > /v/file && stat -c %u /v/file']),
    ).toBe(`${USER}\n${USER}`);
    expect((await engine().place.run(['stat', '-c', '%u', `${folder}/file`])).out.trim()).toBe(String(USER));
  });
  test('the network of the host', async () => {
    expect(await ok(['run', '--rm', '--network', 'host', 'busybox', 'hostname'])).toBe('engine-host');
  });
  test('five at once', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, (_, n) => run('sh', '-c', `echo box ${n}; exit ${n}`)));
    expect(answers.map((a) => `${a.code} ${a.out.trim()}`)).toEqual(Array.from({ length: 5 }, (_, n) => `${n} box ${n}`));
  });
});
