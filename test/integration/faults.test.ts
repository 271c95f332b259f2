/** Every step fails once; the runtime is killed at every step. Nothing may be left behind. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../src/runc/compile/compile.ts';
import { sweep } from '../../src/runc/container/list.ts';
import { idsIn, viewOf } from '../../src/runc/container/state.ts';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import { StepError } from '../../src/runc/engine/step-error.ts';
import { probeHost } from '../../src/runc/host/probe.ts';
import type { Program, Step } from '../../src/runc/program/step.ts';
import { newId, plainConfig, run } from './support/box.ts';
import { BUSYBOX, PROJECT, skipReason, until } from './support/minirun.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`faults: skipped, ${reason}`);

const SLOW = 600_000;

/** A call that fails with EBADF wherever it is made; syncs are left alone. */
const fail = (step: Step): Step => ({ ...step, ignore: [], call: { name: 'close', args: [{ kind: 'int', value: -1 }] }, expect: [] });

const programOf = (id: string): Program => {
  const config = plainConfig(['/bin/true'], id);
  return compile(config, probeHost(config), { id, bundle: '/' });
};

describe.skipIf(reason)('a start that fails', () => {
  // The first container of a machine makes the cgroup folder that all share, which later ones find: from here on all have the same steps.
  beforeAll(async () => void (await run(plainConfig(['/bin/true']))));

  it('at any step leaves nothing and names the step', { timeout: SLOW }, async () => {
    const steps = programOf(newId()).steps;
    const failing = steps.map((step, i) => ({ step, i })).filter(({ step }) => !step.sync && step.call.name !== 'clone');
    expect(failing.length).toBeGreaterThan(60);
    for (const { i } of failing) {
      const id = newId();
      const alter = (program: Program): Program => ({ ...program, steps: program.steps.map((s, n) => (n === i ? fail(s) : s)) });
      const error = await run(plainConfig(['/bin/true'], id), { id, alter }).then(
        () => undefined,
        (e: unknown) => e,
      );
      expect(error, `step ${i} ${steps[i]?.call.name}`).toBeInstanceOf(StepError);
      expect((error as StepError).index).toBe(i);
      expect((error as StepError).code).toBe('EBADF');
      expect(tracesOf(id), `step ${i} ${steps[i]?.call.name}`).toEqual([]);
    }
  });

  it('because the runtime is killed at any step is cleared away by the next command', { timeout: SLOW }, async () => {
    const { steps } = programOf(newId());
    // After the clone the starter only reports: nobody waits at its last step, so nothing can happen in it.
    const watched = steps
      .map((s, i) => ({ s, i }))
      .filter(({ s, i }) => !(s.actor === 'starter' && i > steps.findIndex((c) => c.call.name === 'clone')));
    expect(watched.length).toBe(steps.length - 1);
    const folder = mkdtempSync(join(tmpdir(), 'minirun-killed-'));
    // Below the project, where its packages are found.
    const program = join(PROJECT, 'node_modules/.cache/minirun-test/killed-runtime.mjs');
    buildSync({
      entryPoints: [join(import.meta.dirname, 'support/killed-runtime.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['koffi', '@koromix/*'],
    });
    try {
      // In a virtual machine without hardware help each takes two seconds: every seventh must do.
      const every = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1) > 1 ? 7 : 1;
      for (const { i } of watched.filter((_, n) => n % every === 0)) {
        const id = newId();
        writeFileSync(join(folder, 'config.json'), JSON.stringify(plainConfig(['/bin/sleep', '60'], id)));
        const done = spawnSync(process.execPath, [program, folder, id, String(i)], { encoding: 'utf8' });
        expect(done.signal, `step ${i}: ${done.stderr}`).toBe('SIGKILL');
        // Init notices at its next step that the runtime is gone. One that is ending has no command line any more,
        // while the kernel still takes its namespaces apart: whether it is gone, its state in /proc says.
        const stopped = () => (viewOf(join(folder, 'state'), id)?.status ?? 'stopped') === 'stopped';
        await until(`init of step ${i} is gone`, () => stopped() && tracesOf(id).every((t) => !t.startsWith('process')));
        sweep(join(folder, 'state'));
        expect(tracesOf(id), `step ${i}`).toEqual([]);
        expect(idsIn(join(folder, 'state')), `step ${i}`).toEqual([]);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
