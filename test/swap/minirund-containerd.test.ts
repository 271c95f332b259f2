/** minirund on a containerd of its own process: the real one (with its shim, and minirun's runtime below it), and minirun's. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUSYBOX_TAR, noRuntime } from './support/runtime.ts';
import { type Answer, eventually, hasProgram, type Sandbox, sandboxWith } from './support/sandbox.ts';

const BIN = resolve(import.meta.dirname, '../../bin');
const HOST = 'unix:///run/below.sock';

/** How each is started, and which programs do the work of its containers. */
const BELOW = [
  {
    name: 'the real containerd',
    program: 'containerd',
    command: (config: string, _socket: string) => ['containerd', '-c', config],
    shim: 'containerd-shim-runc-v2',
  },
  {
    name: 'minirun-containerd',
    program: 'ctr',
    command: (_config: string, socket: string) => [join(BIN, 'minirun-containerd'), '--address', socket],
    shim: 'containerd-shim',
  },
];

describe.skipIf(noRuntime() !== undefined || !hasProgram('docker')).each(BELOW)('minirund on $name', ({ program, command, shim }) => {
  const missing = hasProgram(program) ? undefined : `needs ${program}`;
  let place: Sandbox;
  let restart: () => Promise<void>;
  const docker = (...words: string[]): Promise<Answer> => place.run(['docker', '-H', HOST, ...words]);
  const ok = async (...words: string[]): Promise<string> => {
    const { code, out, err } = await docker(...words);
    expect({ words, code, err }).toEqual({ words, code: 0, err: '' });
    return out.trimEnd();
  };
  const run = (...words: string[]) => ok('run', '--network', 'none', ...words);

  beforeAll(async () => {
    if (missing) return;
    place = await sandboxWith(async (sandbox) => {
      const socket = '/run/below/containerd.sock';
      const config = join(sandbox.folder, 'config.toml');
      writeFileSync(config, `version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\n  address = "${socket}"\n`);
      await sandbox.daemon('containerd', command(config, socket), ['ctr', '-a', socket, 'version']);
      const start = () =>
        sandbox.daemon(
          'minirund',
          [join(BIN, 'minirund'), '-H', HOST, '--containerd', socket, '-p', '/run/minirund.pid'],
          ['docker', '-H', HOST, 'version'],
        );
      let daemon = await start();
      restart = async () => {
        await sandbox.run(['sh', '-c', 'kill -KILL $(cat /run/minirund.pid)']);
        await eventually('minirund ends', () => daemon.exitCode !== null || daemon.signalCode !== null);
        daemon = await start();
      };
      const imported = await sandbox.run(['docker', '-H', HOST, 'import', '--change', 'CMD ["sh"]', BUSYBOX_TAR, 'busybox']);
      expect(imported).toMatchObject({ code: 0, err: '' });
      return sandbox;
    });
  });
  afterAll(async () => {
    await place?.end();
  });

  it('runs, with output, input and exit codes', async (context) => {
    if (missing) context.skip(missing);
    expect(await run('--rm', 'busybox', 'echo', 'hello')).toBe('hello');
    expect(await docker('run', '--rm', '--network', 'none', 'busybox', 'sh', '-c', 'echo no >&2; exit 7')).toMatchObject({
      code: 7,
      err: 'no\n',
    });
    expect((await docker('run', '--rm', '--network', 'none', 'busybox', 'nope')).code).toBe(127);
    const cat = await place.run(['docker', '-H', HOST, 'run', '--rm', '-i', '--network', 'none', 'busybox', 'cat'], { input: 'through\n' });
    expect(cat).toMatchObject({ code: 0, out: 'through\n' });
  });

  it('exec, logs, top, stats, pause, update, stop, rm; and the shim is the one below', async (context) => {
    if (missing) context.skip(missing);
    await run('-d', '--name', 'web', '-m', '64m', 'busybox', 'sh', '-c', 'echo ready; trap "exit 3" TERM; while :; do sleep 0.1; done');
    const { out: shims } = await place.run(['pgrep', '-af', `${shim}.* -namespace moby`]);
    expect(shims).toContain(shim);
    expect(await ok('exec', 'web', 'echo', 'inside')).toBe('inside');
    expect((await docker('exec', 'web', 'sh', '-c', 'exit 5')).code).toBe(5);
    expect(await ok('logs', 'web')).toBe('ready');
    expect(await ok('top', 'web', '-o', 'pid,args')).toContain('echo ready');
    expect(await ok('stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}}', 'web')).toMatch(/^web [\d.]+\w+ \/ 64MiB$/);
    await ok('pause', 'web');
    expect(await ok('ps', '--format', '{{.Status}}')).toMatch(/\(Paused\)$/);
    await ok('unpause', 'web');
    await ok('update', '-m', '80m', '--memory-swap', '160m', 'web');
    await ok('stop', 'web');
    expect(await ok('inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}', 'web')).toBe('exited 3');
    await ok('rm', 'web');
  });

  it('containers live on when minirund is killed, and how they end is known', async (context) => {
    if (missing) context.skip(missing);
    await run('-d', '--name', 'lives', 'busybox', 'sh', '-c', 'for n in $(seq 30); do echo $n; sleep 0.1; done; exit 4');
    await restart();
    expect(await ok('wait', 'lives')).toBe('4');
    expect((await ok('logs', 'lives')).split('\n')).toEqual(Array.from({ length: 30 }, (_, n) => String(n + 1)));
    await ok('rm', 'lives');
    expect(await ok('ps', '-aq')).toBe('');
  });
});
