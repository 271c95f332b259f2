/** containerd and its shim on minirun-runc, driven by ctr. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { containerd, ctrFor, IMAGE } from './support/containerd.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, hasProgram } from './support/sandbox.ts';
import { terminal } from './support/terminal.ts';

const reason = noRuntime() ?? (hasProgram('containerd') && hasProgram('ctr') ? undefined : 'needs the programs containerd and ctr');
if (reason) console.log(`containerd: skipped, ${reason}`);

/** The config.toml that the page of docs/ tells people to write, for another path of the runtime. */
function documentedConfig(runtime: string): string {
  const page = readFileSync(join(import.meta.dirname, '../../docs/under-real-engines.md'), 'utf8');
  const block = /```toml\n(\s*version = 2\n[\s\S]*?)```/.exec(page)?.[1];
  if (!block) throw new Error('docs/under-real-engines.md has no config.toml');
  return block.replaceAll('/usr/local/sbin/minirun-runc', runtime);
}

describe.skipIf(reason)('containerd', () => {
  const { engine, ctr, ok, runArgs } = ctrFor(() => containerd(documentedConfig));
  const run = (id: string, command: string[], ...options: string[]) => ctr(runArgs(['--rm', ...options], id, command));
  /** What the command prints; throws when it fails. */
  const said = (id: string, script: string, ...options: string[]) => ok(runArgs(['--rm', ...options], id, ['sh', '-c', script]));
  const status = async (id: string): Promise<string> =>
    new RegExp(`^${id}\\s+\\d+\\s+(\\w+)`, 'm').exec(await ok(['task', 'ls']))?.[1] ?? 'no task';
  /** A task in the background, removed whatever happens. */
  const idling = async (id: string, body: () => Promise<void>, options: string[] = [], command = ['sleep', '1000']): Promise<void> => {
    try {
      await ok(runArgs(['-d', ...options], id, command));
      await body();
    } finally {
      await ctr(['task', 'delete', '-f', id]);
      await ctr(['container', 'rm', id]);
    }
  };

  test('run: output, input and exit code, through create, start and delete', async () => {
    const before = engine().runtime.calls().length;
    expect(await run('first', ['sh', '-c', 'echo out; echo err >&2; exit 5'])).toMatchObject({ code: 5, out: 'out\n', err: 'err\n' });
    const calls = engine().runtime.calls().slice(before);
    expect(calls.map((call) => /\b(create|start|delete)\b/.exec(call)?.[1])).toEqual(['create', 'start', 'delete', 'delete']);
    expect(calls[0]).toMatch(
      /^--root \/run\/containerd\/runc\/default --log \S+ --log-format json create --bundle \S+ --pid-file \S+ first$/,
    );
    // ctr never closes the container's input, so the command has to know how much it wants.
    const copied = await ctr(runArgs(['--rm'], 'copied', ['head', '-c', '100000']), { input: 'x'.repeat(100_000) });
    expect(copied.out).toHaveLength(100_000);
  });
  test.each([
    ['nope', /exec: "nope": executable file not found in \$PATH/],
    ['/nope', /exec: "\/nope": (stat \/nope: )?no such file or directory/],
    ['/tmp', /exec: "\/tmp": permission denied/],
  ])('%s cannot be run', async (command, text) => {
    const answer = await run('wrong', [command]);
    expect(answer.code).toBe(1);
    expect(answer.err).toMatch(text);
    expect(await ok(['container', 'ls', '-q'])).toBe('');
  });
  test('-t: a terminal', async () => {
    const box = terminal(engine().place, ['ctr', ...runArgs(['--rm', '-t'], 'tty', ['sh'])], [32, 78]);
    await box.shows(/# /);
    await eventually('the size arrives', async () => {
      box.type('stty size\n');
      await new Promise((r) => setTimeout(r, 100));
      return /^32 78\r$/m.test(box.screen());
    });
    box.type('tty; exit 7\n');
    await box.shows(/^\/dev\/(console|pts\/\d+)\r$/m);
    expect(await box.ended).toBe(7);
  });
  test('task exec, with and without a terminal', async () => {
    await idling('second', async () => {
      const exec = (id: string, ...more: string[]) => ['task', 'exec', '--exec-id', id, ...more];
      expect(await ctr(exec('a', '--cwd', '/tmp', 'second', 'sh', '-c', 'echo $PWD $(cat /proc/1/comm); exit 4'))).toMatchObject({
        code: 4,
        out: '/tmp sleep\n',
      });
      expect((await ctr(exec('b', 'second', 'nope'))).err).toMatch(/exec: "nope": executable file not found in \$PATH/);
      const box = terminal(engine().place, ['ctr', ...exec('c', '-t', 'second', 'sh')]);
      await box.shows(/# /);
      box.type('tty; exit 6\n');
      await box.shows(/^\/dev\/pts\/\d+\r$/m);
      expect(await box.ended).toBe(6);
    });
  });
  test('pause, resume, ps, metrics, kill', async () => {
    await idling(
      'steered',
      async () => {
        await ok(['task', 'pause', 'steered']);
        expect(await status('steered')).toBe('PAUSED');
        expect((await ctr(['task', 'exec', '--exec-id', 'x', 'steered', 'true'])).err).toMatch(/paused/);
        await ok(['task', 'resume', 'steered']);
        expect(await status('steered')).toBe('RUNNING');
        expect(await ok(['task', 'ps', 'steered'])).toMatch(/^PID\s+INFO\n\d+\s/);
        expect(await ok(['task', 'metrics', 'steered'])).toMatch(/memory\S*\s+\d+/);
        await ok(['task', 'kill', '-s', 'SIGUSR1', 'steered']);
        await eventually('the signal ends it', async () => (await status('steered')) === 'STOPPED');
      },
      [],
      ['sh', '-c', 'trap "exit 3" USR1; while :; do sleep 0.1; done'],
    );
  });
  test('options that become config.json', async () => {
    const { place } = engine();
    await place.run(['sh', '-c', `mkdir -p ${place.folder}/volume && echo hello > ${place.folder}/volume/file`]);
    const script =
      'echo $WORD $PWD; cat /v/file; (echo x > /v/file) 2>&1; (echo x > /x) 2>&1; grep -E "CapEff|NoNewPrivs" /proc/self/status; grep memory: /proc/self/cgroup';
    const options = ['--env', 'WORD=value', '--cwd', '/tmp', '--read-only', '--cap-drop', 'CAP_CHOWN', '--memory-limit', String(64 << 20)];
    options.push('--mount', `type=bind,src=${place.folder}/volume,dst=/v,options=rbind:ro`, '--seccomp');
    const lines = await said('many', script, ...options);
    expect(lines).toMatch(/^value \/tmp\nhello\n/);
    expect(lines.match(/[Rr]ead-only file system/g)).toHaveLength(2);
    expect(lines).toMatch(/CapEff:\s+00000000a80425fa/);
    expect(lines).toMatch(/NoNewPrivs:\s+1/);
  });
  test('a user namespace', async () => {
    const options = ['--uidmap', '0:100000:65536', '--gidmap', '0:100000:65536'];
    const answer = await run('mapped', ['sh', '-c', 'id -u; cat /proc/self/uid_map; touch /made && stat -c %u /made'], ...options);
    expect(answer).toMatchObject({ code: 0 });
    expect(answer.out.replace(/ +/g, ' ')).toBe('0\n 0 100000 65536\n0\n');
  });
  test('namespaces of the host and of another container', async () => {
    expect(await said('hosts', 'ls /sys/class/net; hostname', '--net-host')).toMatch(/lo/);
    await idling('owner', async () => {
      const pid = /^owner\s+(\d+)/m.exec(await ok(['task', 'ls']))?.[1];
      const own = await engine().place.run(['readlink', `/proc/${pid}/ns/net`]);
      expect(await said('guest', 'readlink /proc/self/ns/net', '--with-ns', `network:/proc/${pid}/ns/net`)).toBe(own.out.trim());
    });
  });
  test('twenty at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => run(`box-${n}`, ['sh', '-c', `echo box ${n}; exit ${n}`])));
    expect(answers.map((a) => `${a.code} ${a.out.trim()}`)).toEqual(Array.from({ length: 20 }, (_, n) => `${n} box ${n}`));
    expect(await ok(['container', 'ls', '-q'])).toBe('');
  });
  test('a task goes on without containerd, and is found again', async () => {
    await idling('survivor', async () => {
      await engine().restart();
      expect(await status('survivor')).toBe('RUNNING');
      expect(await ok(['task', 'exec', '--exec-id', 'x', 'survivor', 'echo', 'here'])).toBe('here');
      await ok(['task', 'kill', '-s', '9', 'survivor']);
      await eventually('it ends', async () => (await status('survivor')) === 'STOPPED');
    });
  });
  test('the CRI plugin accepts the documented runtime, which a RuntimeClass names', async () => {
    expect(await ok(['plugins', 'ls'])).toMatch(/^io\.containerd\.grpc\.v1\s+cri\s+\S+\s+ok\s*$/m);
    const dumped = await engine().place.run(['containerd', '-c', join(engine().place.folder, 'config.toml'), 'config', 'dump']);
    expect(dumped.out).toMatch(new RegExp(`runtimes\\.minirun\\.options\\][\\s\\S]*?BinaryName = "${engine().runtime.path}"`));
  });
  test('pods through CRI', async (ctx) => {
    if (!hasProgram('crictl')) ctx.skip('needs crictl, which Debian 12 has no package of');
    const pod = join(engine().place.folder, 'pod.json');
    const box = join(engine().place.folder, 'container.json');
    const { place } = engine();
    await place.run(['sh', '-c', `cat > ${pod}`], {
      input: '{"metadata":{"name":"pod","uid":"1","namespace":"default"},"linux":{"security_context":{"namespace_options":{"network":2}}}}',
    });
    await place.run(['sh', '-c', `cat > ${box}`], {
      input: `{"metadata":{"name":"box"},"image":{"image":"${IMAGE}"},"command":["sleep","1000"],"linux":{}}`,
    });
    const crictl = ['crictl', '-r', 'unix:///run/containerd/containerd.sock'];
    const started = await place.run([...crictl, 'run', '--no-pull', '--runtime', 'minirun', box, pod]);
    expect(started, started.err).toMatchObject({ code: 0 });
    expect((await place.run([...crictl, 'exec', started.out.trim(), 'echo', 'here'])).out).toBe('here\n');
  });
  test('nothing stays', async () => {
    expect(await ok(['task', 'ls', '-q'])).toBe('');
    const left = await engine().place.run([
      'sh',
      '-c',
      'ls /run/containerd/runc/default; find /sys/fs/cgroup -mindepth 3 -path "*/default/*" -type d; mount | grep " on /run/.*io.containerd.runtime"',
    ]);
    expect(left.out).toBe('');
  });
});
