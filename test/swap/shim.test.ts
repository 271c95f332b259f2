/** The real containerd, driven by ctr, on minirun's shim; and that on minirun's runtime in its own process, or on the real runc. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noRuntime } from './support/runtime.ts';
import { type Answer, eventually, hasProgram, type RunOptions } from './support/sandbox.ts';
import { containerdWithShim, IMAGE, type ShimPlace } from './support/shim.ts';
import { terminal } from './support/terminal.ts';

const reason = noRuntime() ?? (hasProgram('containerd') && hasProgram('ctr') ? undefined : 'needs the programs containerd and ctr');
if (reason) console.log(`shim: skipped, ${reason}`);

function ctrOn(start: () => Promise<ShimPlace>, runtime: string[]) {
  let running: ShimPlace | undefined;
  beforeAll(async () => {
    running = await start();
  });
  afterAll(async () => {
    await running?.place.end();
  });
  const engine = (): ShimPlace => {
    if (!running) throw new Error('containerd did not start');
    return running;
  };
  const ctr = (args: string[], options?: RunOptions): Promise<Answer> => engine().place.run(['ctr', ...args], options);
  const ok = async (args: string[], options?: RunOptions): Promise<string> => {
    const answer = await ctr(args, options);
    if (answer.code !== 0) throw new Error(`ctr ${args.join(' ')}: exit code ${answer.code}: ${answer.err.trim()}`);
    return answer.out.trimEnd();
  };
  const run = (id: string, command: string[], ...options: string[]) => ctr(['run', ...runtime, ...options, IMAGE, id, ...command]);
  const begin = async (id: string, command: string[], ...options: string[]) => {
    await ok(['run', ...runtime, '-d', ...options, IMAGE, id, ...command]);
  };
  const inside = async (script: string): Promise<string> => (await engine().place.run(['sh', '-c', script])).out.trimEnd();
  const status = async (id: string): Promise<string> =>
    new RegExp(`^${id}\\s+\\d+\\s+(\\w+)`, 'm').exec(await ok(['task', 'ls']))?.[1] ?? 'no task';
  /** Processes that serve, by what stands on their command line. */
  const shims = async (): Promise<number[]> =>
    (await inside(`pgrep -f '^containerd-shim-[a-z]+-v[0-9] .*-- .*-socket' || true`)).split('\n').filter(Boolean).map(Number);
  const away = async (...ids: string[]) => {
    for (const id of ids) {
      await ctr(['task', 'delete', '-f', id]);
      await ctr(['container', 'rm', id]);
    }
  };
  /** What a container can leave behind: mounts, state, cgroups. (The fifos are ctr's.) */
  const left = (id: string) =>
    inside(
      `grep -c "/${id}/rootfs" /proc/self/mountinfo; ls -d /run/containerd/runc/default/${id} /run/containerd/io.containerd.runtime.v2.task/default/${id} 2>/dev/null; find /sys/fs/cgroup -type d -name ${id}`,
    );
  return { engine, ctr, ok, run, begin, inside, status, shims, away, left };
}

/** What every runtime must do. */
function everyday(names: string[], runtime: string[]) {
  const { engine, ctr, ok, run, begin, inside, status, shims, away, left } = ctrOn(() => containerdWithShim(names), runtime);

  test('run: output, input and exit code; and nothing is left', async () => {
    expect(await run('first', ['sh', '-c', 'echo out; echo err >&2; exit 5'], '--rm')).toMatchObject({
      code: 5,
      out: 'out\n',
      err: 'err\n',
    });
    const copied = await ctr(['run', ...runtime, '--rm', IMAGE, 'copied', 'head', '-c', '100000'], { input: 'x'.repeat(100_000) });
    expect(copied.out).toHaveLength(100_000);
    expect(await left('first')).toBe('0');
  });

  test('a command that is not there', async () => {
    const answer = await run('wrong', ['nope'], '--rm');
    expect(answer.code).toBe(1);
    expect(answer.err).toMatch(/OCI runtime create failed: .*exec: "nope": executable file not found in \$PATH/);
    expect(await ok(['container', 'ls', '-q'])).toBe('');
    expect(await left('wrong')).toBe('0');
  });

  test('-t: a terminal', async () => {
    const box = terminal(engine().place, ['ctr', 'run', ...runtime, '--rm', '-t', IMAGE, 'tty', 'sh'], [32, 78]);
    await box.shows(/# /);
    await eventually('the size arrives', async () => {
      box.type('stty size\n');
      await new Promise((r) => setTimeout(r, 100));
      return /^32 78\r$/m.test(box.screen());
    });
    box.type('exit 7\n');
    expect(await box.ended).toBe(7);
  });

  test('task exec, ls, ps, pause, resume, metrics, kill, delete', async () => {
    try {
      await begin('second', ['sh', '-c', 'trap "exit 9" TERM; while :; do sleep 0.1; done']);
      const exec = await ctr(['task', 'exec', '--exec-id', 'a', '--cwd', '/tmp', 'second', 'sh', '-c', 'echo $PWD; exit 4']);
      expect(exec).toMatchObject({ code: 4, out: '/tmp\n' });
      expect((await ctr(['task', 'exec', '--exec-id', 'b', 'second', 'nope'])).err).toMatch(/exec: "nope": executable file not found/);
      const pid = Number(/^second\s+(\d+)\s+RUNNING/m.exec(await ok(['task', 'ls']))?.[1]);
      expect(await ok(['task', 'ps', 'second'])).toMatch(new RegExp(`^${pid}\\b`, 'm'));
      await ok(['task', 'pause', 'second']);
      expect(await status('second')).toBe('PAUSED');
      await ok(['task', 'resume', 'second']);
      expect(await status('second')).toBe('RUNNING');
      expect(await ok(['task', 'metrics', 'second'])).toMatch(/pids\.current\s+[1-9]/);
      await ok(['task', 'kill', '-s', 'TERM', 'second']);
      await eventually('it stops', async () => (await status('second')) === 'STOPPED');
      expect((await ctr(['task', 'delete', 'second'])).err).toMatch(/exit code 9/);
      expect(await left('second')).toBe('0');
    } finally {
      await away('second');
    }
  });

  test('events arrive in the order in which things happened', async () => {
    const listener = engine().place.start(['ctr', 'events']);
    let seen = '';
    listener.stdout?.setEncoding('utf8').on('data', (text: string) => {
      seen += text;
    });
    try {
      await eventually('events flow', async () => {
        await ok(['namespaces', 'label', 'default', `beat=${Date.now()}`]);
        return seen !== '';
      });
      await begin('told', ['sleep', '1000']);
      await ok(['task', 'exec', '--exec-id', 'e', 'told', 'true']);
      await ok(['task', 'pause', 'told']);
      await ok(['task', 'resume', 'told']);
      await ok(['task', 'kill', '-s', 'KILL', 'told']);
      await eventually('the end is told', () => /tasks\/exit .*"id":"told"/.test(seen));
      await ctr(['task', 'delete', 'told']);
      await eventually('the removal is told', () => /tasks\/delete .*"told"/.test(seen));
      const topics = [...seen.matchAll(/\/tasks\/(\S+) \{"container_id":"told"(?:.*?"exec_id":"(\w+)")?(?:.*?"id":"(\w+)")?/g)];
      expect(topics.map(([, topic, exec, id]) => [topic, exec ?? (id === 'told' ? undefined : id)].filter(Boolean).join(' '))).toEqual([
        'create',
        'start',
        'exec-added e',
        'exec-started e',
        'exit e',
        'paused',
        'resumed',
        'exit',
        'delete',
      ]);
      expect(seen).toMatch(/tasks\/exit .*"id":"told".*"exit_status":137/);
    } finally {
      listener.kill('SIGTERM');
      await away('told');
    }
  });

  test('containerd comes back: the containers are there, and what ended meanwhile is known', async () => {
    try {
      await begin('stays', ['sleep', '1000']);
      await begin('ends', ['sh', '-c', 'while [ ! -e /go ]; do sleep 0.1; done; exit 6']);
      const before = await shims();
      await engine().stop();
      await inside('for m in $(grep -o " /run/containerd/[^ ]*/ends/rootfs " /proc/self/mountinfo); do touch $m/go; done; sleep 1');
      await engine().start();
      expect(await shims()).toEqual(before);
      expect(await status('stays')).toBe('RUNNING');
      expect(await status('ends')).toBe('STOPPED');
      expect((await ctr(['task', 'exec', '--exec-id', 'x', 'stays', 'echo', 'here'])).out).toBe('here\n');
      expect((await ctr(['task', 'delete', 'ends'])).err).toMatch(/exit code 6/);
    } finally {
      await away('stays', 'ends');
    }
  });

  test('the shim is killed: containerd notices, and nothing is left', async () => {
    try {
      await begin('orphan', ['sleep', '4321']);
      const killed = await shims();
      expect(killed).toHaveLength(1);
      await inside(`kill -9 ${killed.join(' ')}`);
      await eventually('the task is gone', async () => (await status('orphan')) === 'no task');
      await eventually('its process is gone', async () => (await inside('pgrep -f "^sleep 4321" || true')) === '');
      await eventually('nothing is left', async () => (await left('orphan')) === '0');
      // The socket that it left does not stand in the way of the next one.
      await away('orphan');
      expect((await run('next', ['echo', 'again'], '--rm')).out).toBe('again\n');
    } finally {
      await away('orphan');
    }
  });

  test('twenty at once share one process', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `many-${n}`);
    try {
      await Promise.all(ids.map((id) => begin(id, ['sleep', '1000'])));
      expect(await shims()).toHaveLength(1);
      expect((await ok(['task', 'ls', '-q'])).split('\n').sort()).toEqual([...ids].sort());
    } finally {
      await Promise.all(ids.map((id) => away(id)));
    }
    for (const id of ids) expect(await left(id)).toBe('0');
  });
}

describe.skipIf(reason)('containerd on minirun’s shim', () => {
  everyday(['containerd-shim-minirun-v1'], ['--runtime', 'io.containerd.minirun.v1']);
});

// ctr lets a runtime's binary be named for runc's shim alone, so ours takes its name.
describe.skipIf(reason ?? (hasProgram('runc') ? undefined : 'needs runc'))('containerd on minirun’s shim on runc', () => {
  everyday(['containerd-shim-runc-v2'], ['--runc-binary', 'runc']);
});
