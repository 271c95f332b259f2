/** minirund is killed, asked to end, or loses its shim: what docker then says of its containers is right, and nothing is lost or left. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chance, seedOf } from './support/chance.ts';
import { nothingLeft, present } from './support/leftovers.ts';
import { type DockerDaemon, dockerDaemon } from './support/minirund.ts';
import { noRegistries, OPEN, startRegistries } from './support/registry.ts';
import { noRuntime } from './support/runtime.ts';
import { answerOf, eventually, hasProgram } from './support/sandbox.ts';
import { undoFailed } from './support/undo-failed.ts';

const reason = noRuntime() ?? (hasProgram('docker') ? undefined : 'needs the program docker');
if (reason) console.log(`minirund-crash: skipped, ${reason}`);

const ROUNDS = Number(process.env.MINIRUN_CRASH_ROUNDS ?? 3);
const SLOWNESS = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);
const RUN = ['run', '-d', '--network', 'none'];

describe.skipIf(reason)('minirund, killed', () => {
  let daemon: DockerDaemon;
  let before: string[];
  undoFailed(() => [daemon]);
  beforeAll(async () => {
    // An empty shim goes soon, so that a test need not wait for it.
    daemon = await dockerDaemon('minirund', { env: { MINIRUN_SHIM_LINGER: '0.2' } });
    // What the first container makes stays: folders and cgroups above it.
    await daemon.ok(['run', '--rm', '--network', 'none', '-v', 'first:/v', 'busybox', 'true']);
    await daemon.ok(['volume', 'rm', 'first']);
    await sleep(500);
    before = await present(daemon);
  });
  afterAll(async () => {
    await daemon?.place.end();
  });
  const ok = (...args: string[]) => daemon.ok(args);
  const state = (name: string) => ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name);
  const crash = async (downMs = 0) => {
    await daemon.stop('KILL');
    await sleep(downMs);
    await daemon.start();
  };

  test('while ten containers write: no line is missing, none comes twice', async () => {
    /** Half of them write a line now and then; half of them as much as a pipe holds, and more. */
    const SLOW = 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo $i; usleep 10000; done';
    const FAST = 'for i in $(seq 20); do seq $((i * 5000 - 4999)) $((i * 5000)); usleep 150000; done';
    const names = Array.from({ length: 10 }, (_, n) => `writer-${n}`);
    await Promise.all(names.map((name, n) => ok(...RUN, '--name', name, 'busybox', 'sh', '-c', n < 5 ? SLOW : FAST)));
    const random = chance(seedOf());
    for (let round = 0; round < 3; round++) {
      await sleep(200 + random() * 500);
      await crash(random() * 400);
    }
    await ok('wait', ...names);
    for (const [n, name] of names.entries()) {
      const lines = (await ok('logs', name)).split('\n');
      const wrong = lines.findIndex((line, at) => line !== String(at + 1));
      expect(wrong, `${name}: ${lines.slice(Math.max(0, wrong - 2), wrong + 3).join(' ')}`).toBe(-1);
      expect(lines).toHaveLength(n < 5 ? 300 : 100_000);
    }
    await ok('rm', ...names);
    await nothingLeft(daemon, before);
  });

  test('what runs goes on, what ended meanwhile has its exit code and time, and what was to go has gone', async () => {
    const gate = join(daemon.place.folder, 'gate');
    mkdirSync(gate, { recursive: true });
    const RUN = ['run', '-d', '--network', 'none', '-v', `${gate}:/gate`];
    const WAIT = 'until [ -e /gate/open ]; do usleep 20000; done';
    await ok(...RUN, '--name', 'lives', 'busybox', 'sh', '-c', `echo before; ${WAIT}; echo meanwhile; sleep 1000`);
    await ok(...RUN, '-i', '--name', 'reads', 'busybox', 'sh', '-c', 'while read x && [ $x != end ]; do echo got $x; done; exit 8');
    await ok(...RUN, '-t', '--name', 'frozen', 'busybox', 'sleep', '1000');
    await ok('pause', 'frozen');
    await ok(...RUN, '--name', 'ends', 'busybox', 'sh', '-c', `${WAIT}; echo last words; exit 7`);
    await ok(...RUN, '--name', 'brief', '--rm', '-v', '/anonymous', 'busybox', 'sh', '-c', WAIT);
    await ok(...RUN, '--name', 'again', '--restart', 'always', 'busybox', 'sh', '-c', `echo once more; ${WAIT}; sleep 0.5`);
    await ok('create', '--network', 'none', '--name', 'fresh', 'busybox', 'echo', 'fresh');
    const pid = await ok('inspect', '-f', '{{.State.Pid}}', 'lives');
    const killed = Date.now();
    await daemon.stop('KILL');
    writeFileSync(join(gate, 'open'), '');
    await sleep(1000);
    const back = Date.now();
    await daemon.start();

    expect(await ok('ps', '--format', '{{.Names}} {{.State}}')).toMatch(
      /^again (running|restarting)\nfrozen paused\nreads running\nlives running$/,
    );
    expect(await state('ends')).toBe('exited 7');
    const finished = Date.parse(await ok('inspect', '-f', '{{.State.FinishedAt}}', 'ends'));
    expect(finished).toBeGreaterThan(killed);
    expect(finished).toBeLessThan(back);
    expect(await ok('logs', 'ends')).toBe('last words');
    expect(await ok('wait', 'ends')).toBe('7');
    expect(await ok('ps', '-aqf', 'name=brief')).toBe('');
    expect(await ok('volume', 'ls', '-q')).toBe('');

    expect(await ok('inspect', '-f', '{{.State.Pid}}', 'lives')).toBe(pid);
    expect(await ok('logs', 'lives')).toBe('before\nmeanwhile');
    expect(await ok('exec', 'lives', 'echo', 'in it')).toBe('in it');
    expect(await ok('top', 'lives')).toContain(pid);
    await ok('unpause', 'frozen');
    expect(await state('frozen')).toBe('running 0');
    const attached = await daemon.docker(['attach', 'reads'], { input: 'one\ntwo\nend\n' });
    expect(attached).toMatchObject({ out: 'got one\ngot two\n', code: 8 });
    expect(await ok('start', '-a', 'fresh')).toBe('fresh');
    await eventually('it starts again', async () => (await ok('logs', 'again')).split('\n').length > 2);
    await ok('stop', '-t', '0', 'lives', 'again');
    expect(await state('lives')).toBe('exited 137');
    await ok('rm', '-f', 'lives', 'reads', 'frozen', 'ends', 'again', 'fresh');
    await nothingLeft(daemon, before);
  });

  test('SIGTERM: containers live on, and are found again', async () => {
    await ok(...RUN, '--name', 'lives', 'busybox', 'sh', '-c', 'trap "exit 4" TERM; while :; do sleep 0.05; done');
    const pid = await ok('inspect', '-f', '{{.State.Pid}}', 'lives');
    await daemon.stop('TERM');
    await daemon.inside(`test -d /proc/${pid}`);
    await daemon.start();
    expect(await ok('inspect', '-f', '{{.State.Pid}}', 'lives')).toBe(pid);
    await ok('stop', 'lives');
    expect(await state('lives')).toBe('exited 4');
    await ok('rm', 'lives');
    await nothingLeft(daemon, before);
  });

  test('killed when it had read the last of the output, and had not noted the end', async () => {
    await ok(...RUN, '--name', 'over', 'busybox', 'sh', '-c', 'echo said; sleep 1000');
    const [id, pid] = (await ok('inspect', '-f', '{{.Id}} {{.State.Pid}}', 'over')).split(' ');
    await eventually('it is logged', async () => (await ok('logs', 'over')) === 'said');
    await daemon.stop('KILL');
    await daemon.inside(`kill -KILL ${pid}; rm -r /run/minirund/fifos/${id}`);
    await daemon.start();
    expect(await state('over')).toBe('exited 137');
    expect(await ok('logs', 'over')).toBe('said');
    expect(await ok('start', 'over')).toBe('over');
    await ok('rm', '-f', 'over');
    await nothingLeft(daemon, before);
  });

  test('the shim is killed, with and without the daemon: each container counts as killed, and can be started again', async () => {
    for (const alone of [true, false]) {
      await ok(...RUN, '--name', 'one', 'busybox', 'sleep', '1000');
      await ok(...RUN, '--name', 'two', '-v', 'vol:/v', 'busybox', 'sh', '-c', 'echo said; sleep 1000');
      await ok(...RUN, '--name', 'three', '--rm', 'busybox', 'sleep', '1000');
      const waiting = daemon.docker(['wait', 'one']);
      const execing = daemon.docker(['exec', 'one', 'sleep', '500']);
      await sleep(300);
      const pids = await ok('inspect', '-f', '{{.State.Pid}}', 'one', 'two', 'three');
      if (!alone) await daemon.stop('KILL');
      await daemon.inside('kill -KILL $(pgrep -f "[c]ontainerd-shim-minirun")');
      if (!alone) await daemon.start();
      await eventually('docker sees the end', async () => (await ok('ps', '-q')) === '');
      // Where nobody was left to see the end, that is what Docker says.
      expect(await state('one')).toBe(alone ? 'exited 137' : 'exited 255');
      if (alone) {
        expect((await waiting).out).toBe('137\n');
        expect((await execing).code).toBe(137);
      } else await Promise.all([waiting, execing]);
      expect(await ok('logs', 'two')).toBe('said');
      await eventually('--rm', async () => (await ok('ps', '-aqf', 'name=three')) === '');
      await eventually('no process is left', () =>
        daemon
          .inside(`for p in ${pids.replaceAll('\n', ' ')}; do [ -d /proc/$p ] && exit 0; done; echo none`)
          .then((said) => said === 'none'),
      );
      await ok('start', 'one');
      expect(await ok('exec', 'one', 'echo', 'again')).toBe('again');
      await ok('rm', '-f', 'one', 'two');
      await ok('volume', 'rm', 'vol');
      await nothingLeft(daemon, before);
    }
  });

  /** Commands that the daemon is killed in the middle of, and what is there before. */
  const ACTS: Record<string, { before?: string[][]; act: string[] }> = {
    create: { act: ['create', '--network', 'none', '--name', 'cut', '-v', '/anonymous', '-v', 'named:/n', 'busybox', 'sleep', '1000'] },
    'run --rm': { act: ['run', '--rm', '-d', '--network', 'none', '--name', 'cut', 'busybox', 'sleep', '1000'] },
    start: { before: [['create', '--network', 'none', '--name', 'cut', 'busybox', 'sleep', '1000']], act: ['start', 'cut'] },
    exec: { before: [[...RUN, '--name', 'cut', 'busybox', 'sleep', '1000']], act: ['exec', 'cut', 'sleep', '0.01'] },
    stop: { before: [[...RUN, '--name', 'cut', 'busybox', 'sleep', '1000']], act: ['stop', '-t', '0', 'cut'] },
    'rm -f': { before: [[...RUN, '--name', 'cut', '-v', '/anonymous', 'busybox', 'sleep', '1000']], act: ['rm', '-fv', 'cut'] },
    'volume create': { act: ['volume', 'create', 'named'] },
    'volume rm': { before: [['volume', 'create', 'named']], act: ['volume', 'rm', 'named'] },
    commit: { before: [['create', '--network', 'none', '--name', 'cut', 'busybox', 'true']], act: ['commit', 'cut', 'committed'] },
  };
  test.each(Object.keys(ACTS))(
    `in the middle of: %s (${ROUNDS} times)`,
    { timeout: (30_000 + ROUNDS * 6000) * SLOWNESS },
    async (title) => {
      const { before: earlier = [], act } = ACTS[title] as (typeof ACTS)[string];
      const seed = seedOf();
      console.log(`minirund-crash, ${title}: MINIRUN_SEED=${seed}`);
      const random = chance(seed);
      /** How long it takes, so that the kill falls into it. */
      let usual = 0;
      // What a commit had made before it was cut off has a lease, of a day.
      const leased = title === 'commit' ? /\/(ingest|snapshots)\// : undefined;
      for (let round = 0; round <= ROUNDS; round++) {
        for (const command of earlier) await ok(...command);
        const killer = await daemon.arm();
        const child = daemon.place.start(['docker', ...act], { env: daemon.env });
        child.stdin?.end();
        const since = performance.now();
        const done = answerOf(child);
        if (round === 0) {
          await done;
          usual = performance.now() - since;
        } else await sleep(usual * (0.2 + 0.8 * random()));
        await killer.now();
        await done;
        await daemon.start();

        // What is listed can be looked at, and is what it says.
        for (const id of (await ok('ps', '-aq')).split('\n').filter(Boolean)) {
          const [status, pid] = (await ok('inspect', '-f', '{{.State.Status}} {{.State.Pid}}', id)).split(' ');
          expect(['created', 'running', 'exited']).toContain(status);
          expect(Number(pid) > 0).toBe(status === 'running');
          if (status === 'running') expect(await ok('exec', id, 'echo', 'well')).toBe('well');
        }
        if (title === 'stop' && round > 0) {
          const said = await state('cut');
          expect(['running 0', 'exited 137', 'exited 143']).toContain(said);
        }
        await daemon.docker(['rm', '-fv', 'cut']);
        for (const name of (await ok('volume', 'ls', '-q')).split('\n').filter(Boolean)) await ok('volume', 'rm', name);
        await daemon.docker(['rmi', 'committed']);
        await nothingLeft(daemon, before, leased);
      }
      // Nothing stands in the way of the same again.
      for (const command of [...earlier, act]) await ok(...command);
      await daemon.docker(['rm', '-fv', 'cut']);
      await daemon.docker(['volume', 'rm', 'named']);
      await daemon.docker(['rmi', 'committed']);
      await nothingLeft(daemon, before, leased);
    },
  );

  // The last one: its registries stay.
  test.skipIf(noRegistries())(
    'in the middle of: pull, into a store that has nothing of it, and the next pull succeeds',
    { timeout: 60_000 * SLOWNESS },
    async () => {
      await startRegistries(daemon.place);
      const name = `${OPEN}/big:1`;
      await daemon.inside(
        `head -c 30000000 /dev/urandom > $HOME/random; tar -C $HOME -c random | docker import - ${name}; rm $HOME/random`,
      );
      await ok('push', name);
      await ok('rmi', name);
      for (let round = 0; round < ROUNDS; round++) {
        const killer = await daemon.arm();
        const pulling = daemon.docker(['pull', name]);
        await sleep(60 + 60 * round);
        await killer.now();
        await pulling;
        await daemon.start();
        // Wholly there, or not at all.
        if ((await ok('images', '-q', name)) !== '') expect(await ok('image', 'inspect', '-f', '{{len .RootFS.Layers}}', name)).toBe('1');
        await ok('pull', name);
        await ok('create', '--network', 'none', '--name', 'whole', name, 'true');
        expect(await daemon.inside('docker export whole | tar -xO random | wc -c')).toBe('30000000');
        await ok('rm', 'whole');
        await ok('rmi', name);
      }
    },
  );
});
