/** Several runtimes act on one container at the same time: the answers fit together, and nothing is left. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { type Answer, BUSYBOX, scratch, skipReason, until } from './support/minirun.ts';
import { bundleConfig, leaveNothing, runtimeIn, writeBundle } from './support/runtime.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`races: skipped, ${reason}`);

/** How often each meeting is tried, at another moment each time. */
const ROUNDS = Number(process.env.MINIRUN_TEST_ROUNDS ?? 3);
const SLOW = 600_000;

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
/** A command takes some 100 ms: the second one begins anywhere in the first. */
const somewhere = () => later(Math.random() * 120);

describe.skipIf(reason)('commands that meet', () => {
  const folder = scratch('races');
  const root = join(folder, 'state');
  const runtime = runtimeIn(root);
  leaveNothing(runtime);
  const call = (...args: string[]): Promise<Answer> => runtime.start(args).answer;
  const say = (answer: Answer) => `${answer.code} ${answer.err.replace(/^.*msg=/, '').trim()}`;
  const statusOf = (id: string): string | undefined => {
    const { code, out } = runtime(['state', id]);
    return code === 0 ? (JSON.parse(out) as { status: string }).status : undefined;
  };

  /** One round: a bundle and an id; afterwards whatever there is goes with `delete --force`, and nothing is left. */
  async function meet(
    args: string[],
    act: (id: string, bundle: string) => Promise<unknown>,
    change?: (config: Config) => void,
  ): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      const id = newId();
      const bundle = writeBundle(join(folder, id), id, bundleConfig(args, change));
      await act(id, bundle);
      expect(runtime(['delete', '--force', id])).toMatchObject({ code: 0, err: '' });
      expect(existsSync(join(root, id))).toBe(false);
      // A process that was killed needs a moment to be gone.
      await until(`nothing is left of ${id}: ${tracesOf(id)}`, () => tracesOf(id).length === 0, 3000);
      rmSync(bundle, { recursive: true });
    }
  }
  const create = (id: string, bundle: string) => call('create', '--bundle', bundle, id);
  const succeeded = (answers: Answer[]) => answers.filter((a) => a.code === 0).length;

  it('create and create: one gets the id', { timeout: SLOW }, () =>
    meet(['sleep', '60'], async (id, bundle) => {
      const answers = await Promise.all([create(id, bundle), create(id, bundle), somewhere().then(() => create(id, bundle))]);
      expect(succeeded(answers), answers.map(say).join('\n')).toBe(1);
      for (const { err } of answers.filter((a) => a.code)) expect(err).toMatch(/already exists/);
      expect(statusOf(id)).toBe('created');
      expect(await call('start', id)).toMatchObject({ code: 0, err: '' });
    }),
  );

  it('start and start: one starts it, and its hooks run once', { timeout: SLOW }, () =>
    meet(
      ['sleep', '60'],
      async (id, bundle) => {
        expect(await create(id, bundle)).toMatchObject({ code: 0 });
        const answers = await Promise.all([call('start', id), call('start', id), somewhere().then(() => call('start', id))]);
        expect(succeeded(answers), answers.map(say).join('\n')).toBe(1);
        for (const { err } of answers.filter((a) => a.code)) expect(err).toMatch(/cannot start an already running container/);
        expect(statusOf(id)).toBe('running');
        expect(readFileSync(join(BUSYBOX, 'hooked'), 'utf8')).toBe('inside\n');
        rmSync(join(BUSYBOX, 'hooked'));
        expect(readFileSync(join(folder, 'poststart'), 'utf8')).toBe('outside\n');
        rmSync(join(folder, 'poststart'));
      },
      (config) => {
        config.hooks = {
          startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'sleep 0.05; echo inside >>/hooked'] }],
          poststart: [{ path: '/bin/sh', args: ['sh', '-c', `echo outside >>${join(folder, 'poststart')}`] }],
        };
      },
    ),
  );

  it('start and delete: it runs, or it is gone', { timeout: SLOW }, () =>
    meet(['sleep', '60'], async (id, bundle) => {
      expect(await create(id, bundle)).toMatchObject({ code: 0 });
      const [started, deleted] = await Promise.all([somewhere().then(() => call('start', id)), somewhere().then(() => call('delete', id))]);
      expect(succeeded([started, deleted]), `${say(started)}\n${say(deleted)}`).toBe(1);
      if (started.code === 0) expect(deleted.err).toMatch(/that is not stopped: running/);
      else expect(started.err).toMatch(/container does not exist|cannot start a container that has stopped/);
      expect(statusOf(id)).toBe(started.code === 0 ? 'running' : undefined);
    }),
  );

  it('kill and delete and delete --force', { timeout: SLOW }, () =>
    meet(['sleep', '60'], async (id, bundle) => {
      expect(await call('run', '-d', '--bundle', bundle, id)).toMatchObject({ code: 0 });
      const [killed, deleted, forced] = await Promise.all([
        somewhere().then(() => call('kill', id, '9')),
        somewhere().then(() => call('delete', id)),
        somewhere().then(() => call('delete', '--force', id)),
      ]);
      expect(forced, say(forced)).toMatchObject({ code: 0, err: '' });
      if (killed.code) expect(killed.err).toMatch(/container does not exist|container not running/);
      if (deleted.code) expect(deleted.err).toMatch(/container does not exist|that is not stopped/);
      expect(statusOf(id)).toBeUndefined();
    }),
  );

  it('delete and delete: one has deleted it', { timeout: SLOW }, () =>
    meet(['true'], async (id, bundle) => {
      expect(await call('run', '-d', '--bundle', bundle, id)).toMatchObject({ code: 0 });
      await until('it has ended', () => statusOf(id) === 'stopped');
      const answers = await Promise.all([call('delete', id), call('delete', id), somewhere().then(() => call('delete', id))]);
      expect(succeeded(answers), answers.map(say).join('\n')).toBe(1);
      for (const { err } of answers.filter((a) => a.code)) expect(err).toMatch(/container does not exist/);
    }),
  );

  it('create and delete --force: it is there, or nothing of it', { timeout: SLOW }, () =>
    meet(['sleep', '60'], async (id, bundle) => {
      const creating = create(id, bundle);
      await later(60); // Node's own start
      const forced = await somewhere().then(() => call('delete', '--force', id));
      expect(forced, say(forced)).toMatchObject({ code: 0, err: '' });
      const created = await creating;
      expect(statusOf(id)).toBe(existsSync(join(root, id)) ? 'created' : undefined);
      if (created.code !== 0) expect(existsSync(join(root, id)), say(created)).toBe(false);
    }),
  );

  it.each([
    ['prestart', 'create'],
    ['createContainer', 'create'],
    ['startContainer', 'start'],
    ['poststart', 'start'],
  ] as const)('delete --force does not wait for a %s hook that hangs', { timeout: SLOW }, async (kind, command) => {
    const id = newId();
    const place = join(folder, id);
    const inside = kind === 'startContainer' ? BUSYBOX : '/';
    const hangs = join('/tmp', `minirun-hangs-${id}`);
    mkdirSync(join(inside, 'tmp'), { recursive: true });
    const hook = { path: '/bin/sh', args: ['sh', '-c', `touch ${hangs}; sleep 4`] };
    const bundle = writeBundle(
      place,
      id,
      bundleConfig(['sleep', '60'], (config) => {
        config.hooks = { [kind]: [hook] };
      }),
    );
    if (command === 'start') expect(await create(id, bundle)).toMatchObject({ code: 0, err: '' });
    const hanging = command === 'start' ? call('start', id) : create(id, bundle);
    await until('the hook runs', () => existsSync(join(inside, hangs)));
    const begin = Date.now();
    expect(await call('delete', '--force', id)).toMatchObject({ code: 0, err: '' });
    expect(Date.now() - begin).toBeLessThan(3500);
    expect(existsSync(join(root, id))).toBe(false);
    // The hook itself belongs to its author: one outside of the container goes on.
    expect((await hanging).code).not.toBe(kind === 'poststart' ? 1 : 0);
    expect(tracesOf(id).filter((trace) => kind !== 'prestart' || !trace.startsWith('process'))).toEqual([]);
    rmSync(join(inside, hangs));
  });

  for (const [what, change] of [
    ['of its own', undefined],
    [
      "that is the host's",
      (config: Config) => {
        config.linux = { ...config.linux, namespaces: config.linux?.namespaces?.filter(({ type }) => type !== 'pid') ?? [] };
      },
    ],
  ] as const)
    it(`exec and delete --force, with a pid namespace ${what}`, { timeout: SLOW }, () =>
      meet(
        ['sleep', '60'],
        async (id, bundle) => {
          expect(await call('run', '-d', '--bundle', bundle, id)).toMatchObject({ code: 0 });
          // The id is in the command, so that tracesOf finds what stays.
          const execs = [1, 2, 3].map(() =>
            somewhere().then(() => call('exec', ...(change ? ['--detach'] : []), id, 'sh', '-c', `: ${id}; sleep 61`)),
          );
          const forced = await later(100).then(() => call('delete', '--force', id));
          expect(forced, say(forced)).toMatchObject({ code: 0, err: '' });
          for (const exec of await Promise.all(execs)) expect([0, 137, 255], say(exec)).toContain(exec.code);
          expect(statusOf(id)).toBeUndefined();
        },
        change,
      ),
    );

  it('run in the foreground, delete --force, and create with the same id', { timeout: SLOW }, () =>
    meet(['sleep', '60'], async (id, bundle) => {
      const running = call('run', '--bundle', bundle, id);
      await until('it runs', () => statusOf(id) === 'running');
      const [forced, created] = await Promise.all([call('delete', '--force', id), somewhere().then(() => create(id, bundle))]);
      expect(forced, say(forced)).toMatchObject({ code: 0, err: '' });
      expect(await running).toMatchObject({ code: 137 });
      // The end of the first one has not taken the second one away.
      expect(statusOf(id)).toBe(created.code === 0 ? 'created' : undefined);
      if (created.code === 0) expect(await call('start', id)).toMatchObject({ code: 0, err: '' });
    }),
  );

  it('anything and anything, on one id', { timeout: SLOW }, () =>
    meet(['sleep', '60'], async (id, bundle) => {
      const choices: string[][] = [
        ['create', '--bundle', bundle, id],
        ['create', '--bundle', bundle, id],
        ['start', id],
        ['start', id],
        ['kill', id, '9'],
        ['delete', id],
        ['delete', '--force', id],
        ['exec', id, 'sh', '-c', `: ${id}; sleep 0.1`],
        ['pause', id],
        ['resume', id],
        ['state', id],
        ['list'],
      ];
      const seen: string[] = [];
      const actor = async () => {
        for (let i = 0; i < 6; i++) {
          const args = choices[Math.floor(Math.random() * choices.length)] as string[];
          const answer = await call(...args);
          seen.push(`${args[0]}: ${say(answer)}`);
          expect([0, 1, 137, 255], seen.join('\n')).toContain(answer.code);
        }
      };
      // What starts in a container that is paused at that moment waits for its resume: somebody has to come, in the end.
      const resumer = setInterval(() => void call('resume', id), 3000);
      await Promise.all([actor(), actor(), actor()]).finally(() => clearInterval(resumer));
      // Every refusal is in words that the contract has: nothing came from half a state.
      const known =
        /already exists|does not exist|already running|has stopped|not stopped|not running|not paused|stopped container|paused container|was deleted while|ended before it reached/;
      for (const line of seen) if (!/: (0|137) /.test(line)) expect(line).toMatch(known);
    }),
  );
});
