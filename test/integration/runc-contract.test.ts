/** What engines rely on: the command line of the real runc, called side by side with ours where the machine has it. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { type Answer, BUSYBOX, scratch, skipReason } from './support/minirun.ts';
import { bundleConfig, leaveNothing, messagesOf, type Runtime, runtimeIn, writeBundle } from './support/runtime.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`runc-contract: skipped, ${reason}`);
const noRunc = skipReason({ program: 'runc' });
if (noRunc) console.log(`runc-contract: not compared with runc, ${noRunc}`);

/** What may differ between two runtimes: numbers, times, ids, and their own name. */
const plain = (text: string, id: string): string =>
  text
    .replaceAll(id, 'ID')
    .replaceAll('minirun-runc', 'runc')
    .replace(/already exists: ID/g, 'already exists')
    .replace(/ID format: .*/, 'ID format')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replace(/\/tmp\/minirun-contract-[^"\s]*/g, 'BUNDLE')
    .replace(/\b\d{3,}\b/g, 'N');

const comparable = (value: unknown, id: string): unknown =>
  JSON.parse(JSON.stringify(value), (key, v) => {
    if (key === 'pid' && v > 0) return 'pid';
    return typeof v === 'string' ? plain(v, id) : v;
  });

describe.skipIf(reason)('minirun-runc, as engines call it', () => {
  const folder = scratch('contract');
  const ours = runtimeIn(join(folder, 'ours'));
  const theirs = runtimeIn(join(folder, 'theirs'), ['runc']);
  const runtimes = noRunc ? [ours] : [ours, theirs];
  leaveNothing(...runtimes);

  /** The same calls on each runtime, with a new container; the answers must be alike. */
  function alike(
    args: string[] | undefined,
    calls: (runtime: Runtime, id: string, bundle: string) => unknown,
    change?: (config: Config) => void,
    among = runtimes,
  ): unknown {
    const answers = among.map((runtime) => {
      const id = newId();
      const bundle = writeBundle(join(folder, id), id, bundleConfig(args, change));
      try {
        return comparable(calls(runtime, id, bundle), id);
      } finally {
        runtime(['delete', '--force', id]);
        expect(tracesOf(id)).toEqual([]);
        rmSync(bundle, { recursive: true, force: true });
      }
    });
    if (answers.length > 1) expect(answers[0]).toEqual(answers[1]);
    return answers[0];
  }

  /** Exit code and what the log says, in the format that engines ask for. */
  const logged = (runtime: Runtime, bundle: string, args: string[]) => {
    const log = join(bundle, 'log.json');
    rmSync(log, { force: true });
    const { code, out } = runtime(['--log', log, '--log-format', 'json', ...args], { cwd: bundle });
    return { code, out: code ? '' : out, messages: existsSync(log) ? messagesOf(readFileSync(log, 'utf8')) : [] };
  };

  const statusOf = (runtime: Runtime, id: string): string => (JSON.parse(runtime(['state', id]).out) as { status: string }).status;
  /** Each look takes as long as a process start. */
  const stopped = (runtime: Runtime, id: string): void => {
    for (let i = 0; i < 100; i++) if (statusOf(runtime, id) === 'stopped') return;
    throw new Error('it does not stop');
  };
  const ok = (answer: Answer): Answer => {
    expect(answer).toMatchObject({ code: 0, err: '' });
    return answer;
  };

  it('state, list and ps through a whole life', () => {
    const look = (runtime: Runtime, id: string) => {
      // runc leaves the owner out of `state`, and has it in `list`.
      const { owner: _, ...state } = JSON.parse(runtime(['state', id]).out);
      const [{ owner, ...listed }] = JSON.parse(runtime(['list', '--format', 'json']).out);
      const [head] = runtime(['list']).out.split('\n');
      const { ociVersion, ...rest } = state;
      return {
        state: rest,
        version: typeof ociVersion,
        owner,
        alike: JSON.stringify(listed) === JSON.stringify(state),
        quiet: runtime(['list', '-q']).out,
        head: head?.split(/ +/),
        ps: runtime(['ps', '--format', 'json', id]).out,
      };
    };
    const found = alike(['sleep', '60'], (runtime, id, bundle) => {
      const life = [ok(runtime(['create', '--bundle', bundle, '--pid-file', join(bundle, 'pid'), id]))];
      const pidFile = readFileSync(join(bundle, 'pid'), 'utf8');
      const looks = [look(runtime, id)];
      life.push(ok(runtime(['start', id])));
      looks.push(look(runtime, id));
      life.push(ok(runtime(['pause', id])));
      looks.push(look(runtime, id));
      life.push(ok(runtime(['resume', id])), ok(runtime(['kill', id, '9'])));
      stopped(runtime, id);
      looks.push(look(runtime, id));
      life.push(ok(runtime(['delete', id])));
      return { life, looks, pidFile: /^\d+$/.test(pidFile), after: runtime(['state', id]).code };
    }) as { looks: { state: { status: string; pid: unknown } }[] };
    expect(found.looks.map((l) => l.state.status)).toEqual(['created', 'running', 'paused', 'stopped']);
    expect(found.looks[3]?.state.pid).toBe(0);
  });

  it('what a container cannot do in a status, and the words for it', () => {
    const found = alike(['sleep', '60'], (runtime, id, bundle) => {
      const say = (...args: string[]) => logged(runtime, bundle, args);
      const unknown = ['state', 'start', 'kill', 'delete', 'pause', 'resume', 'ps'].map((sub) => say(sub, 'unknown'));
      unknown.push(say('exec', 'unknown', 'true'), say('delete', '--force', 'unknown'));
      ok(runtime(['create', '-b', bundle, id]));
      const created = [say('create', id), say('resume', id), say('exec', id, 'echo', 'in')];
      ok(runtime(['start', id]));
      const running = [say('start', id), say('delete', id), say('resume', id), say('create', id)];
      ok(runtime(['pause', id]));
      const paused = [say('pause', id), say('exec', id, 'true'), say('delete', id)];
      ok(runtime(['kill', id, '9']));
      runtime(['resume', id]);
      stopped(runtime, id);
      const ended = [
        say('start', id),
        say('exec', id, 'true'),
        say('kill', id, '15'),
        say('kill', '--all', id, '9'),
        say('pause', id),
        say('resume', id),
        say('ps', '--format', 'json', id),
        say('create', id),
        say('delete', id),
        say('delete', id),
      ];
      return { unknown, created, running, paused, ended };
    }) as Record<string, { code: number; messages: string[] }[]>;
    expect(found.unknown?.[0]).toEqual({ code: 1, out: '', messages: ['container does not exist'] });
    expect(found.ended?.[3]).toEqual({ code: 0, out: '', messages: [] });
  });

  it('commands that do not exist or may not be executed: the words that become 126 and 127', () => {
    const commands = [['/nope'], ['nope'], ['/tmp'], ['/etc/passwd']];
    for (const command of commands)
      alike(command, (runtime, id, bundle) => [logged(runtime, bundle, ['create', id]), logged(runtime, bundle, ['run', id])]);
    alike(['sleep', '60'], (runtime, id, bundle) => {
      ok(runtime(['run', '-d', '-b', bundle, id]));
      return commands.map((command) => logged(runtime, bundle, ['exec', id, ...command]));
    });
  });

  it('a command line that is wrong', () => {
    alike(['true'], (runtime, id, bundle) =>
      [
        ['start'],
        ['start', id, 'more'],
        ['create', '--nope', id],
        ['kill', id],
        ['create', ''],
        ['create', '../x'],
        ['create', '-b', '/nowhere', id],
        ['run', '--console-socket', '/x', id],
        ['exec'],
        ['list', '--format', 'yaml'],
        ['state'],
      ].map((args) => {
        const { code, messages } = logged(runtime, bundle, args);
        return { args, code, messages };
      }),
    );
    for (const runtime of runtimes) {
      expect(runtime(['no-such-command']).code).toBe(runtimes.at(-1)?.(['no-such-command']).code);
      expect(runtime(['--log-format', 'xml', 'list']).code).toBe(1);
      expect(runtime(['--version']).out).toMatch(/^(mini)?run[c-].* version .*\n/);
      expect(runtime(['--help']).out).toMatch(/USAGE:/);
      expect(runtime(['create', '--help']).out).toMatch(/--bundle/);
    }
  });

  it('signals by number and by name, to created, running and paused ones', () => {
    for (const word of ['9', 'KILL', 'sigterm']) {
      const found = alike(['sh', '-c', 'trap "exit 15" TERM; while :; do sleep 0.02; done'], (runtime, id, bundle) => {
        ok(runtime(['run', '-d', '-b', bundle, '--pid-file', join(bundle, 'pid'), id]));
        // Until its trap is set, the first process of a pid namespace does not get the signal at all.
        const status = () => readFileSync(`/proc/${readFileSync(join(bundle, 'pid'), 'utf8')}/status`, 'utf8');
        for (let i = 0; i < 1000 && !/^SigCgt:.*[4567cdef]...$/m.test(status()); i++) statusOf(runtime, id);
        const answer = logged(runtime, bundle, ['kill', id, word]);
        stopped(runtime, id);
        return answer;
      });
      expect(found, word).toEqual({ code: 0, out: '', messages: [] });
    }
    alike(['sleep', '60'], (runtime, id, bundle) => {
      ok(runtime(['create', '-b', bundle, id]));
      const answers = [logged(runtime, bundle, ['kill', id, 'NOPE']), logged(runtime, bundle, ['kill', id, '0'])];
      ok(runtime(['kill', id, 'KILL']));
      stopped(runtime, id);
      return [...answers, logged(runtime, bundle, ['delete', id])];
    });
  });

  it('kill --all, and what becomes of the others when there is no pid namespace', () => {
    const shared = (config: Config) => {
      config.linux = { ...config.linux, namespaces: config.linux?.namespaces?.filter(({ type }) => type !== 'pid') ?? [] };
    };
    const family = ['sh', '-c', 'sleep 61 & sleep 62 & wait'];
    const pidsOf = (runtime: Runtime, id: string) => JSON.parse(runtime(['ps', '--format', 'json', id]).out) as number[] | null;
    const gone = (pids: number[]) =>
      pids.every((pid) => !existsSync(`/proc/${pid}`) || /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
    const kill = (words: string[]) => (runtime: Runtime, id: string, bundle: string) => {
      ok(runtime(['run', '-d', '-b', bundle, id]));
      let pids: number[] = [];
      for (let i = 0; i < 100 && pids.length < 3; i++) pids = pidsOf(runtime, id) ?? [];
      const answer = logged(runtime, bundle, ['kill', ...words.slice(0, -1), id, words.at(-1) as string]);
      stopped(runtime, id);
      for (let i = 0; i < 100 && !gone(pids); i++) statusOf(runtime, id);
      return { count: pids.length, answer, gone: gone(pids), after: logged(runtime, bundle, ['kill', '--all', id, '9']) };
    };
    expect(alike(family, kill(['--all', 'KILL']), shared)).toMatchObject({ count: 3, gone: true });
    // The end of the first process would leave the others behind. runc does it from 1.2 on.
    expect(alike(family, kill(['9']), shared, [ours])).toMatchObject({ count: 3, gone: true });
  });

  it('annotations are in the state, and a config without a process is refused', () => {
    alike(
      ['sleep', '60'],
      (runtime, id, bundle) => {
        ok(runtime(['create', '-b', bundle, id]));
        return JSON.parse(runtime(['state', id]).out).annotations;
      },
      (config) => {
        config.annotations = { 'org.example.colour': 'green', empty: '' };
      },
    );
    const id = newId();
    const bundle = writeBundle(join(folder, id), id, bundleConfig(undefined));
    const answer = ours(['create', '-b', bundle, id]);
    expect(answer.code).toBe(1);
    expect(answer.err).toMatch(/runc create failed: .*#\/process/);
    expect(ours(['list', '-q']).out).toBe('');
  });

  it('delete: a created one goes without force, a running one with it', () => {
    alike(['sleep', '60'], (runtime, id, bundle) => {
      ok(runtime(['create', '-b', bundle, id]));
      return [logged(runtime, bundle, ['delete', id]), logged(runtime, bundle, ['state', id])];
    });
    alike(['sleep', '60'], (runtime, id, bundle) => {
      ok(runtime(['run', '-d', '-b', bundle, id]));
      ok(runtime(['pause', id]));
      return [logged(runtime, bundle, ['delete', '--force', id]), logged(runtime, bundle, ['state', id])];
    });
  });

  it('the exit code and the end of run', () => {
    alike(['sh', '-c', 'exit 7'], (runtime, id, bundle) => [logged(runtime, bundle, ['run', id]), logged(runtime, bundle, ['state', id])]);
    alike(['sh', '-c', 'kill -9 $$'], (runtime, id, bundle) => runtime(['run', id], { cwd: bundle }).code);
    alike(['cat'], (runtime, id, bundle) => runtime(['run', id], { cwd: bundle, input: 'in\n' }));
    const id = newId();
    const bundle = writeBundle(join(folder, id), id, bundleConfig(['sh', '-c', 'exit 3']));
    expect(ours(['run', '--keep', '-b', bundle, id]).code).toBe(3);
    stopped(ours, id);
    ok(ours(['delete', id]));
  });

  it('writes errors to the log as engines read them, and for people to standard error', () => {
    for (const runtime of runtimes) {
      const log = join(folder, 'log.json');
      const answer = runtime(['--log', log, '--log-format', 'json', 'start', 'unknown']);
      const lines = readFileSync(log, 'utf8').split('\n');
      rmSync(log);
      expect(lines.length).toBe(2);
      expect(JSON.parse(lines[0] as string)).toEqual({
        level: 'error',
        msg: 'container does not exist',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+.*)$/),
      });
      expect(answer).toMatchObject({ code: 1, err: 'container does not exist\n' });
      expect(runtime(['start', 'unknown']).err).toMatch(/^time=".*" level=error msg="container does not exist"\n$/);
    }
  });
});
