/** minirund on this machine's own kernel and cgroups, driven by minirun's client; the VM runs it on version 2. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PROJECT = resolve(import.meta.dirname, '../..');
const BIN = join(PROJECT, 'bin');
const BUSYBOX = join(PROJECT, 'rootfs-fixtures/build/busybox.tar');
const SLOWNESS = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);
const reason =
  process.platform !== 'linux' || process.getuid?.() !== 0
    ? 'needs Linux and root'
    : existsSync(BUSYBOX)
      ? undefined
      : 'needs the busybox fixture';

/** Removes the empty cgroups of that name in all hierarchies. */
function removeCgroups(name: string): void {
  for (const top of ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map((one) => join('/sys/fs/cgroup', one))]) {
    const path = join(top, name);
    if (existsSync(path)) rmdirSync(path);
  }
}

describe.skipIf(reason)('minirund', () => {
  // Short: a socket's path has 108 bytes.
  const folder = reason ? '' : mkdtempSync('/run/minirund-');
  const host = `unix://${folder}/d.sock`;
  const group = folder.replace('/run/', '');
  let daemon: ReturnType<typeof spawn>;

  const minirun = (words: string[], input?: string) =>
    spawnSync(join(BIN, 'minirun'), ['-H', host, ...words], {
      encoding: 'utf8',
      timeout: 60_000 * SLOWNESS,
      ...(input === undefined ? {} : { input }),
    });
  const ok = (...words: string[]): string => {
    const { status, stdout, stderr } = minirun(words);
    expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: '' });
    return stdout.trimEnd();
  };
  const start = async () => {
    const log = openSync(join(folder, 'log'), 'a');
    const flags = ['-H', host, '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--cgroup-parent', `/${group}`];
    daemon = spawn(join(BIN, 'minirund'), flags, { stdio: ['ignore', log, log], env: { ...process.env, MINIRUN_SHIM_LINGER: '0' } });
    for (let n = 0; minirun(['version']).status !== 0; n++) {
      if (n > 100 * SLOWNESS) throw new Error(readFileSync(join(folder, 'log'), 'utf8'));
      await sleep(100);
    }
  };
  const stop = async (signal: 'SIGTERM' | 'SIGKILL') => {
    const ended = new Promise((gone) => daemon.once('exit', gone));
    daemon.kill(signal);
    await ended;
  };

  beforeAll(async () => {
    await start();
    ok('import', '-c', 'CMD ["sh"]', BUSYBOX, 'busybox');
  });
  afterAll(async () => {
    const ids = minirun(['ps', '-aq']).stdout.split('\n').filter(Boolean);
    if (ids.length > 0) minirun(['rm', '-f', ...ids]);
    await stop('SIGTERM');
    for (let n = 0; n < 100 && existsSync(`/proc/${daemon.pid}`); n++) await sleep(50);
    // Cgroups of processes that are just dying stay for a moment.
    for (let n = 0; ; n++) {
      try {
        removeCgroups(group);
        break;
      } catch (error) {
        if (n > 100) throw error;
        await sleep(50);
      }
    }
    rmSync(folder, { recursive: true, force: true });
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(folder);
  });

  it('runs a container: output, input, exit code', () => {
    expect(ok('run', '--rm', '--network', 'none', 'busybox', 'echo', 'hello')).toBe('hello');
    expect(minirun(['run', '--rm', '-i', '--network', 'none', 'busybox', 'cat'], 'through\n')).toMatchObject({
      status: 0,
      stdout: 'through\n',
    });
    expect(minirun(['run', '--rm', '--network', 'none', 'busybox', 'sh', '-c', 'exit 7']).status).toBe(7);
    expect(minirun(['run', '--rm', '--network', 'none', 'busybox', 'nope']).status).toBe(127);
  });

  it('keeps limits, changes them, counts what is used, freezes', () => {
    ok('run', '-d', '--name', 'web', '--network', 'none', '-m', '64m', '--pids-limit', '50', 'busybox', 'sleep', '1000');
    const limit = 'cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes';
    expect(ok('exec', 'web', 'sh', '-c', limit)).toBe(String(64 << 20));
    ok('update', '-m', '96m', '--memory-swap', '192m', 'web');
    expect(ok('exec', 'web', 'sh', '-c', limit)).toBe(String(96 << 20));
    expect(ok('stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage}} {{.PIDs}}', 'web')).toMatch(/^web [\d.]+[kKM]i?B \/ 96MiB 1$/);
    ok('pause', 'web');
    expect(ok('ps', '--format', '{{.Status}}')).toMatch(/\(Paused\)$/);
    ok('unpause', 'web');
    expect(ok('rm', '-f', 'web')).toBe('web');
  });

  it('says of a container that it ran out of memory', () => {
    const grows = ['run', '--name', 'big', '--network', 'none', '-m', '20m', '--memory-swap', '20m', 'busybox'];
    expect(minirun([...grows, 'sh', '-c', 'a=x; while :; do a=$a$a; done']).status).toBe(137);
    expect(ok('inspect', '--format', '{{.State.OOMKilled}} {{.State.ExitCode}}', 'big')).toBe('true 137');
    ok('rm', 'big');
  });

  it('is killed: the container lives on, and its output and its end are known', async () => {
    ok(
      'run',
      '-d',
      '--name',
      'lives',
      '--network',
      'none',
      'busybox',
      'sh',
      '-c',
      'for n in $(seq 20); do echo $n; sleep 0.1; done; exit 3',
    );
    await stop('SIGKILL');
    await start();
    expect(ok('wait', 'lives')).toBe('3');
    expect(ok('logs', 'lives').split('\n')).toEqual(Array.from({ length: 20 }, (_, n) => String(n + 1)));
    ok('rm', 'lives');
  });

  it('keeps files in volumes', () => {
    ok('run', '--rm', '--network', 'none', '-v', 'kept:/data', 'busybox', 'sh', '-c', 'echo here > /data/file');
    expect(ok('run', '--rm', '--network', 'none', '-v', 'kept:/data:ro', 'busybox', 'cat', '/data/file')).toBe('here');
    expect(ok('volume', 'rm', 'kept')).toBe('kept');
  });
});
