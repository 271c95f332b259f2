/** Hooks: when they run, where, and what becomes of the container when one fails (config.md, "POSIX-platform Hooks"). */
import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { BUSYBOX, scratch, skipReason, until } from './support/minirun.ts';
import { bundleConfig, leaveNothing, MINIRUN_RUNC, runtimeIn, writeBundle } from './support/runtime.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`runc-hooks: skipped, ${reason}`);

const KINDS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;
type Kind = (typeof KINDS)[number];

describe.skipIf(reason)('hooks', () => {
  const folder = scratch('hooks');
  const root = join(folder, 'state');
  const runtime = runtimeIn(root);
  leaveNothing(runtime);
  // The same path outside and inside: a hook of either side writes there.
  const notes = join(folder, 'notes');
  const inside = join(BUSYBOX, notes);
  mkdirSync(notes, { recursive: true });
  mkdirSync(inside, { recursive: true });

  const script = (text: string, more: object = {}) => ({ path: '/bin/sh', args: ['sh', '-c', text], env: ['PATH=/usr/bin:/bin'], ...more });
  /** Writes its state, its namespaces and its place among the others. */
  const noting = (name: string) =>
    script(
      `cat > ${notes}/${name}; echo ${name} >> ${notes}/order; for n in mnt pid net; do readlink /proc/self/ns/$n; done > ${notes}/${name}.ns; pwd > ${notes}/${name}.cwd`,
    );
  const noted = (name: string): string | undefined => {
    for (const place of [notes, inside]) {
      const path = join(place, name);
      if (existsSync(path)) return readFileSync(path, 'utf8');
    }
    return undefined;
  };
  const clean = () => {
    for (const place of [notes, inside]) {
      rmSync(place, { recursive: true, force: true });
      mkdirSync(place, { recursive: true });
    }
  };
  function withBundle(args: string[], change: (config: Config) => void, act: (id: string, bundle: string) => void): void {
    clean();
    const id = newId();
    const bundle = writeBundle(join(folder, id), id, bundleConfig(args, change));
    try {
      act(id, bundle);
    } finally {
      expect(runtime(['delete', '--force', id]).code).toBe(0);
      expect(tracesOf(id)).toEqual([]);
    }
  }
  const allOf = (config: Config) => {
    config.annotations = { 'org.example.colour': 'green' };
    config.hooks = Object.fromEntries(KINDS.map((kind) => [kind, [noting(`${kind}.1`), noting(`${kind}.2`)]]));
  };

  it('of all kinds run in order, each at its time, with the state on standard input', () => {
    withBundle(['sleep', '60'], allOf, (id, bundle) => {
      expect(runtime(['create', '--bundle', bundle, id])).toMatchObject({ code: 0, err: '' });
      const { pid } = JSON.parse(runtime(['state', id]).out) as { pid: number };
      const namespaces = (of: string) => ['mnt', 'pid', 'net'].map((n) => readlinkSync(`/proc/${of}/ns/${n}`)).join('\n');
      const [container, host] = [namespaces(String(pid)), namespaces('self')];
      expect(readFileSync(join(notes, 'order'), 'utf8').trim().split('\n')).toEqual(
        ['prestart', 'createRuntime', 'createContainer'].flatMap((kind) => [`${kind}.1`, `${kind}.2`]),
      );
      expect(runtime(['start', id])).toMatchObject({ code: 0, err: '' });
      expect(noted('poststop.1')).toBeUndefined();
      expect(readFileSync(join(inside, 'order'), 'utf8')).toBe('startContainer.1\nstartContainer.2\n');
      expect(runtime(['kill', id, '9']).code).toBe(0);
      expect(runtime(['delete', '--force', id])).toMatchObject({ code: 0, err: '' });

      const status: Record<Kind, string> = {
        prestart: 'created', // as runc: it is older than the status `creating`
        createRuntime: 'creating',
        createContainer: 'creating',
        startContainer: 'created',
        poststart: 'running',
        poststop: 'stopped',
      };
      for (const kind of KINDS) {
        const own = kind === 'createContainer' || kind === 'startContainer';
        const state = JSON.parse(noted(`${kind}.1`) as string);
        expect(state, kind).toMatchObject({ id, bundle, status: status[kind], annotations: { 'org.example.colour': 'green' } });
        expect(state.ociVersion, kind).toMatch(/^1\./);
        if (kind === 'poststop') expect(state.pid ?? 0).toBe(0);
        else expect(state.pid, kind).toBe(own ? 1 : pid);
        expect(noted(`${kind}.1.ns`)?.trim(), kind).toBe(own ? container : host);
        expect(noted(`${kind}.2`), kind).toBe(noted(`${kind}.1`));
      }
    });
  });

  it('of run: the same, around one command', () => {
    withBundle(['sh', '-c', `echo command >> ${notes}/order`], allOf, (id, bundle) => {
      expect(runtime(['run', '--bundle', bundle, id])).toMatchObject({ code: 0, err: '' });
      const twice = (...kinds: Kind[]) => kinds.flatMap((kind) => [`${kind}.1`, `${kind}.2`]);
      expect(readFileSync(join(notes, 'order'), 'utf8').trim().split('\n')).toEqual(
        twice('prestart', 'createRuntime', 'createContainer', 'poststart', 'poststop'),
      );
      expect(readFileSync(join(inside, 'order'), 'utf8').trim().split('\n')).toEqual([...twice('startContainer'), 'command']);
    });
  });

  it.each(['prestart', 'createRuntime', 'createContainer'] as const)('a %s hook that fails ends create, and nothing is left', (kind) => {
    withBundle(
      ['sleep', '60'],
      (config) => {
        allOf(config);
        config.hooks = { ...config.hooks, [kind]: [script('echo said; echo complained >&2; exit 9'), noting('never')] };
      },
      (id, bundle) => {
        const answer = runtime(['create', '--bundle', bundle, id]);
        expect(answer.code).toBe(1);
        expect(answer.err).toMatch(new RegExp(`error running hook ${kind}/0: exit status 9, stdout: said, stderr: complained`));
        expect(noted('never')).toBeUndefined();
        expect(existsSync(join(root, id))).toBe(false);
        // The container had begun to be: its end is told (runtime.md, "Lifecycle", 12 and 13).
        expect(noted('poststop.1')).toMatch(/"stopped"/);
      },
    );
  });

  it.each(['run', 'start'] as const)('a program of the image that is a startContainer hook has the rights of the command (%s)', (verb) => {
    // Its output is told when it fails.
    const look = "grep -E '^(CapEff|CapBnd|Uid|NoNewPrivs|Seccomp):' /proc/self/status; exit 1";
    const change = (config: Config) => {
      const process = config.process as NonNullable<Config['process']>;
      process.user = { uid: 1000, gid: 1000 };
      process.noNewPrivileges = true;
      process.capabilities = { bounding: ['CAP_KILL'], permitted: [], effective: [] };
      config.hooks = { startContainer: [script(look)] };
    };
    withBundle(['true'], change, (id, bundle) => {
      if (verb === 'start') expect(runtime(['create', '--bundle', bundle, id]).code).toBe(0);
      const failed = verb === 'start' ? runtime(['start', id]) : runtime(['run', '--bundle', bundle, id]);
      expect(failed.code).toBe(1);
      expect(failed.err).toMatch(/Uid:\\t1000\\t1000/);
      expect(failed.err).toMatch(/CapEff:\\t0{16}\\n/);
      expect(failed.err).toMatch(/CapBnd:\\t0{14}20\\n/);
      expect(failed.err).toMatch(/NoNewPrivs:\\t1/);
    });
  });

  it.each(['startContainer', 'poststart'] as const)('a %s hook that fails ends the container', (kind) => {
    const failing = (config: Config) => {
      config.hooks = { [kind]: [script('exit 9')], poststop: [noting('poststop')] };
    };
    withBundle(['sleep', '60'], failing, (id, bundle) => {
      expect(runtime(['create', '--bundle', bundle, id])).toMatchObject({ code: 0, err: '' });
      const answer = runtime(['start', id]);
      expect(answer.code).toBe(1);
      expect(answer.err).toMatch(`error running hook ${kind}/0: exit status 9`);
      expect(JSON.parse(runtime(['state', id]).out).status).toBe('stopped');
      expect(runtime(['delete', id])).toMatchObject({ code: 0, err: '' });
      expect(noted('poststop')).toMatch(/"stopped"/);
    });
    withBundle(['sleep', '60'], failing, (id, bundle) => {
      expect(runtime(['run', '--detach', '--bundle', bundle, id]).code).toBe(1);
      expect(existsSync(join(root, id))).toBe(false);
      expect(noted('poststop')).toMatch(/"stopped"/);
    });
  });

  it('a poststop hook that fails is a warning: the container is gone', () => {
    withBundle(
      ['true'],
      (config) => {
        config.hooks = { poststop: [script('exit 9'), noting('second')] };
      },
      (id, bundle) => {
        const answer = runtime(['run', '--bundle', bundle, id]);
        expect(answer.code).toBe(0);
        expect(answer.err).toMatch(/level=warning .*hook poststop\/0: exit status 9/);
        expect(existsSync(join(root, id))).toBe(false);
        // The other hooks run all the same (runtime.md, "Lifecycle", 13).
        expect(noted('second')).toMatch(/"stopped"/);
      },
    );
  });

  it.each(['createRuntime', 'createContainer'] as const)('a %s hook that takes too long is killed', (kind) => {
    withBundle(
      ['sleep', '60'],
      (config) => {
        config.hooks = { [kind]: [script('sleep 50', { timeout: 1 })] };
      },
      (id, bundle) => {
        const begin = Date.now();
        const answer = runtime(['create', '--bundle', bundle, id]);
        expect(answer.code).toBe(1);
        expect(answer.err).toMatch(new RegExp(`hook ${kind}/0: hook ran past specified timeout of 1\\.0s`));
        expect(Date.now() - begin).toBeLessThan(20_000);
      },
    );
  });

  it('one that does not exist, or is killed, is named', () => {
    for (const [hook, words] of [
      [{ path: '/nowhere/hook' }, /hook createRuntime\/0: .*\/nowhere\/hook.*(ENOENT|no such file)/],
      [script('kill -9 $$'), /hook createRuntime\/0: signal: killed/],
    ] as const)
      withBundle(
        ['true'],
        (config) => {
          config.hooks = { createRuntime: [hook] };
        },
        (id, bundle) => {
          const answer = runtime(['create', '--bundle', bundle, id]);
          expect(answer.code).toBe(1);
          expect(answer.err).toMatch(words);
        },
      );
  });

  // Its process fails at once, perhaps before the runtime has heard that it exists. Not reaped, it would keep the
  // container's pid namespace from ending, and the runtime would wait for that for ever.
  it.each(['createContainer', 'startContainer'] as const)('a %s hook that does not exist leaves nobody to wait for', (kind) => {
    for (let i = 0; i < 5; i++)
      withBundle(
        ['true'],
        (config) => {
          config.hooks = { [kind]: [{ path: '/nowhere/hook' }] };
        },
        (id, bundle) => {
          const answer = runtime(['run', '--bundle', bundle, id]);
          expect(answer.code).toBe(1);
          expect(answer.err).toMatch(new RegExp(`hook ${kind}/0: .*/nowhere/hook.*ENOENT`));
        },
      );
  });

  it('has the arguments and the environment that the config gives it, and nothing more', () => {
    withBundle(
      ['true'],
      (config) => {
        const text = `tr '\\0' '\\n' < /proc/self/environ > ${notes}/env; echo "$0 $@" > ${notes}/args`;
        config.hooks = { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', text, 'zero', 'one'], env: ['A=b'] }] };
      },
      (id, bundle) => {
        expect(runtime(['run', '--bundle', bundle, id], { env: { SECRET: 'x' } })).toMatchObject({ code: 0, err: '' });
        expect(noted('args')).toBe('zero one\n');
        expect(noted('env')).toMatch(/^A=b\n/m);
        expect(noted('env')).not.toMatch(/SECRET/);
      },
    );
  });

  it('may call the runtime that runs it', async () => {
    const id = newId();
    clean();
    const text = `${process.execPath} ${MINIRUN_RUNC} --root ${root} state ${id} > ${notes}/state`;
    const bundle = writeBundle(
      join(folder, id),
      id,
      bundleConfig(['sleep', '60'], (config) => {
        config.hooks = {
          createRuntime: [script(text)],
          poststart: [script(`${process.execPath} ${MINIRUN_RUNC} --root ${root} kill ${id} 9`)],
        };
      }),
    );
    expect(runtime(['create', '--bundle', bundle, id])).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(noted('state') as string)).toMatchObject({ id, status: 'creating' });
    expect(runtime(['start', id])).toMatchObject({ code: 0, err: '' });
    await until('it has ended', () => JSON.parse(runtime(['state', id]).out).status === 'stopped');
    expect(runtime(['delete', id])).toMatchObject({ code: 0, err: '' });
  });
});
