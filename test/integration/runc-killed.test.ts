/** minirun-runc is killed in the middle of each command, wherever that hurts; `delete --force` then leaves nothing. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../src/runc/compile/compile.ts';
import { compileExec } from '../../src/runc/compile/exec.ts';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import { probeHost } from '../../src/runc/host/probe.ts';
import type { Program } from '../../src/runc/program/step.ts';
import type { Config, Process } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { BUSYBOX, PROJECT, scratch, skipReason, until } from './support/minirun.ts';
import { bundleConfig, leaveNothing, MINIRUN_RUNC, runtimeIn, writeBundle } from './support/runtime.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`runc-killed: skipped, ${reason}`);
const noStrace = skipReason({ program: 'strace' });
if (noStrace) console.log(`runc-killed: not killed at system calls, ${noStrace}`);

const SLOW = 900_000;
/** Every so many steps of the program it is killed, and where actors meet. 1 for all steps. */
const EVERY = Number(process.env.MINIRUN_TEST_EVERY ?? (Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1) > 1 ? 29 : 17));

/** Runs two at a time: there are few processors, and a killed runtime leaves the other one alone. */
async function inPairs<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await act(item);
  };
  await Promise.all([worker(), worker()]);
}

describe.skipIf(reason)('a runtime that is killed', () => {
  const folder = scratch('runc-killed');
  const root = join(folder, 'state');
  const runtime = runtimeIn(root);
  leaveNothing(runtime);
  const call = (...args: string[]) => runtime.start(args).answer;
  // Below the project, where its packages are found.
  const program = join(PROJECT, 'node_modules/.cache/minirun-test/killed-command.mjs');
  beforeAll(() => {
    // The first container of a machine makes the cgroup folders that all share: from here on all have the same steps.
    expect(runtime(['run', '--bundle', writeBundle(join(folder, 'first'), newId(), bundleConfig(['true'])), 'first'])).toMatchObject({
      code: 0,
      err: '',
    });
    buildSync({
      entryPoints: [join(import.meta.dirname, 'support/killed-command.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['koffi', '@koromix/*'],
    });
  });

  const config = () => bundleConfig(['sleep', '60']);
  /** The config as it is in a bundle. */
  const written = (): Config => {
    const c = config();
    return { ...c, linux: { ...c.linux, cgroupsPath: '/minirun/x' } };
  };
  const programOf = (gated: boolean): Program => {
    const c = written();
    return compile(c, probeHost(c, { bundle: '/' }), { id: 'x', bundle: '/', gated });
  };
  const bundleOf = (id: string) => writeBundle(join(folder, id), id, config());

  /** After the clone the starter only reports, and behind the gate init is alone: nobody watches those steps. */
  function watched({ steps }: Program): number[] {
    const clone = steps.findIndex((s) => s.call.name === 'clone');
    const gate = steps.findIndex((s) => s.unattended);
    const known = steps.flatMap((s, i) => ((s.actor === 'starter' && i > clone) || (gate >= 0 && i > gate + 1) ? [] : [i]));
    return known.filter((i, n) => n % EVERY === 0 || steps[i]?.sync);
  }

  async function nothingIsLeft(id: string, bundle: string, when: string): Promise<void> {
    // At once, while what the runtime has left may still be on its way.
    expect(await call('delete', '--force', id), when).toMatchObject({ code: 0, err: '' });
    expect(existsSync(join(root, id)), when).toBe(false);
    await until(`nothing is left, killed ${when}: ${tracesOf(id)}`, () => tracesOf(id).length === 0, 3000);
    expect(await call('delete', '--force', id), when).toMatchObject({ code: 0, err: '' });
    rmSync(bundle, { recursive: true });
  }

  it.each([
    ['create', true],
    ['run', false],
  ] as const)('at a step of %s', { timeout: SLOW }, async (command, gated) => {
    const compiled = programOf(gated);
    // Up to the gate they make the same steps.
    const ready = compiled.steps.findIndex((s) => s.sync?.token === 'ready');
    const steps = watched(compiled).filter((index) => gated || index >= ready || index % 2 === 0);
    expect(steps.length).toBeGreaterThan(gated ? 15 : 8);
    await inPairs(steps, async (index) => {
      const id = newId();
      const bundle = bundleOf(id);
      const killer = runtimeIn(root, [process.execPath, program, String(index)]);
      const when = `${command}, step ${index + 1}, ${compiled.steps[index]?.call.name}`;
      const answer = await killer.start([command, '--bundle', bundle, id]).answer;
      expect(answer.signal, `${when}: ${answer.err}`).toBe('SIGKILL');
      await nothingIsLeft(id, bundle, when);
    });
  });

  it('at a step of exec: the container goes on without', { timeout: SLOW }, async () => {
    const id = newId();
    const bundle = bundleOf(id);
    expect(await call('run', '-d', '--bundle', bundle, id)).toMatchObject({ code: 0, err: '' });
    const { pid } = JSON.parse((await call('state', id)).out) as { pid: number };
    const c = written();
    const compiled = compileExec(c, c.process as Process, probeHost(c), {
      id,
      bundle,
      pid,
      namespaces: ['pid', 'network', 'ipc', 'uts', 'mount'],
    });
    await inPairs(watched(compiled), async (index) => {
      const killer = runtimeIn(root, [process.execPath, program, String(index)]);
      const answer = await killer.start(['exec', id, 'sh', '-c', `: ${id}-exec; sleep 59`]).answer;
      expect(answer.signal, `exec, step ${index + 1}, ${compiled.steps[index]?.call.name}: ${answer.err}`).toBe('SIGKILL');
    });
    await until(`the processes have ended: ${tracesOf(`${id}-exec`)}`, () => tracesOf(`${id}-exec`).length === 0, 3000);
    expect(await call('exec', id, 'echo', 'well')).toMatchObject({ code: 0, out: 'well\n' });
    await nothingIsLeft(id, bundle, 'exec');
  });

  /** Kills the runtime before the nth such call of its main thread. False when it makes fewer. */
  async function killedAt(name: string, n: number, args: string[]): Promise<boolean> {
    const traced = ['strace', '-qq', '-o', '/dev/null', '-e', `trace=${name}`, '-e', `inject=${name}:signal=KILL:when=${n}`, MINIRUN_RUNC];
    const answer = await runtimeIn(root, traced).start(args).answer;
    return answer.signal === 'SIGKILL' || answer.code === 137;
  }

  describe.skipIf(noStrace)('at a system call', () => {
    const CHANGING = ['mkdir', 'rename', 'unlink', 'rmdir', 'flock', 'bind', 'connect', 'kill', 'pidfd_send_signal'];

    it.each([
      ['create', [], (id: string, bundle: string) => ['create', '--bundle', bundle, '--pid-file', join(bundle, 'pid'), id]],
      ['start', [['create']], (id: string) => ['start', id]],
      ['delete', [['create']], (id: string) => ['delete', id]],
      ['delete --force', [['run', '-d']], (id: string) => ['delete', '--force', id]],
    ] as const)('of %s', { timeout: SLOW }, async (what, before, command) => {
      let killed = 0;
      await inPairs(CHANGING, async (name) => {
        for (let n = 1; ; n += name === 'mkdir' || name === 'rmdir' ? 4 : 1) {
          const id = newId();
          const bundle = bundleOf(id);
          for (const args of before) expect(await call(...args, '--bundle', bundle, id)).toMatchObject({ code: 0 });
          const was = await killedAt(name, n, command(id, bundle));
          if (what === 'start') {
            // Said or not said: either way it can be started, or it has been.
            const again = await call('start', id);
            if (again.code) expect(again.err, name).toMatch(/cannot start an already running container/);
            await until(`it runs, killed at ${name}`, () => JSON.parse(runtime(['state', id]).out).status === 'running');
            expect(await call('start', id)).toMatchObject({ code: 1, err: expect.stringMatching(/already running/) });
          }
          await nothingIsLeft(id, bundle, `${what}, ${name} ${n}`);
          if (!was) break;
          killed++;
        }
      });
      expect(killed).toBeGreaterThan(2);
    });
  });
});
