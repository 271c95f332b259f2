/** `exec`: each option as the process sees it, what it may not do, and what comes back. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTime } from '../../src/libc/process.ts';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import { newId } from './support/box.ts';
import { BUSYBOX, scratch, skipReason, until } from './support/minirun.ts';
import { bundleConfig, leaveNothing, runtimeIn, writeBundle } from './support/runtime.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`runc-exec: skipped, ${reason}`);
const noRunc = skipReason({ program: 'runc' });
if (noRunc) console.log(`runc-exec: not compared with runc, ${noRunc}`);

describe.skipIf(reason)('exec', () => {
  const folder = scratch('runc-exec');
  const id = newId();
  const [runtime, other] = [runtimeIn(join(folder, 'ours')), runtimeIn(join(folder, 'theirs'), ['runc'])];
  const runtimes = noRunc ? [runtime] : [runtime, other];
  leaveNothing(...runtimes);
  /** The id of each one's container: a cgroup belongs to one. */
  const idOf = (of: typeof runtime) => (of === runtime ? id : `${id}-2`);
  beforeAll(() => {
    for (const r of runtimes) {
      const config = bundleConfig(['sleep', '600'], (c) => {
        if (c.process) c.process.env = ['PATH=/bin:/usr/bin', 'GIVEN=config'];
      });
      const bundle = writeBundle(join(folder, idOf(r)), idOf(r), config);
      expect(r(['run', '-d', '--bundle', bundle, idOf(r)])).toMatchObject({ code: 0, err: '' });
    }
  });
  afterAll(() => {
    for (const r of runtimes) r(['delete', '--force', idOf(r)]);
    expect(tracesOf(id)).toEqual([]);
  });

  /** What the command says, in our container and in runc's: the same. */
  const says = (options: string[], ...command: string[]): string => {
    const [ours, theirs] = runtimes.map((r) => r(['exec', ...options, idOf(r), ...command]));
    expect(ours?.err).toBe('');
    expect(ours?.code).toBe(0);
    if (theirs) expect(ours?.out, `runc says ${theirs.out} ${theirs.err}`).toBe(theirs.out);
    return ours?.out ?? '';
  };

  it('has the streams and the exit code of the command', () => {
    for (const r of runtimes) {
      expect(r(['exec', idOf(r), 'sh', '-c', 'cat; echo err >&2; exit 42'], { input: 'in' })).toMatchObject({
        code: 42,
        out: 'in',
        err: 'err\n',
      });
      expect(r(['exec', idOf(r), 'sh', '-c', 'kill -9 $$']).code).toBe(137);
    }
  });

  it('--cwd, --env, --user, --additional-gids', () => {
    expect(says([], 'sh', '-c', 'pwd; echo $GIVEN $HOME; id -u; id -g; id -G')).toBe('/\nconfig /root\n0\n0\n0\n');
    expect(says(['--cwd', '/tmp', '--env', 'A=b', '--env', 'GIVEN=exec'], 'sh', '-c', 'pwd; echo $A $GIVEN')).toBe('/tmp\nb exec\n');
    expect(says(['--user', '1000:100', '--additional-gids', '7', '--additional-gids', '8'], 'sh', '-c', 'id -u; id -g; id -G')).toBe(
      '1000\n100\n100 7 8\n',
    );
    expect(says(['-u', '1000'], 'sh', '-c', 'id -u; id -g')).toBe('1000\n0\n');
  });

  it('--cap and --no-new-privs', () => {
    const status = ['sh', '-c', 'grep -E "Cap(Prm|Eff|Bnd|Inh)|NoNew" /proc/self/status'];
    const plain = says([], ...status);
    expect(plain).toMatch(/CapInh:\t0+$/m);
    expect(plain).toMatch(/NoNewPrivs:\t1/);
    const more = says(['--cap', 'CAP_SYS_ADMIN'], ...status);
    expect(more).not.toBe(plain);
    expect(more).toMatch(/CapInh:\t0+$/m);
    expect(says(['--no-new-privs'], ...status)).toMatch(/NoNewPrivs:\t1/);
    expect(says(['--no-new-privs=false'], ...status)).toMatch(/NoNewPrivs:\t0/);
  });

  it('--process: a process of its own', () => {
    const file = join(folder, 'process.json');
    writeFileSync(
      file,
      JSON.stringify({
        terminal: false,
        user: { uid: 5, gid: 6, additionalGids: [7], umask: 0o27 },
        args: ['sh', '-c', 'id -u; id -G; pwd; echo $X; umask; cat /proc/self/oom_score_adj; ulimit -n; grep Cap /proc/self/status'],
        env: ['PATH=/bin:/usr/bin', 'X=y'],
        cwd: '/usr',
        oomScoreAdj: 100,
        rlimits: [{ type: 'RLIMIT_NOFILE', soft: 333, hard: 444 }],
        capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_KILL'] },
      }),
    );
    const [ours, theirs] = runtimes.map((r) => r(['exec', '--process', file, idOf(r)]));
    expect(ours).toMatchObject({ code: 0, err: '' });
    expect(ours?.out).toMatch(/^5\n6 7\n\/usr\ny\n0027\n100\n333\n/);
    // runc 1.1 leaves out umask and oomScoreAdj; what it leaves of a soft limit of files depends on when Go's own start has raised it.
    if (theirs) expect(ours?.out.split('\n').slice(7)).toEqual(theirs.out.split('\n').slice(7));
    // A process is written to be read once: engines delete the file, or the folder of it, afterwards.
    for (const r of runtimes) expect(r(['exec', '--process', join(folder, 'none.json'), idOf(r)]).code).toBe(255);
  });

  it('--detach returns at once, with the number in --pid-file', async () => {
    for (const r of runtimes) {
      const pidFile = join(folder, 'exec.pid');
      const begin = Date.now();
      expect(r(['exec', '--detach', '--pid-file', pidFile, idOf(r), 'sh', '-c', `: ${idOf(r)}; sleep 30`])).toMatchObject({
        code: 0,
        err: '',
        out: '',
      });
      expect(Date.now() - begin).toBeLessThan(20_000);
      const text = readFileSync(pidFile, 'utf8');
      expect(text).toMatch(/^\d+$/);
      // runc's may still be on its way to the command.
      await until('it is the command', () => readFileSync(`/proc/${text}/cmdline`, 'utf8').includes('sleep'));
      expect(JSON.parse(r(['ps', '--format', 'json', idOf(r)]).out)).toContain(Number(text));
      process.kill(Number(text), 'SIGKILL');
      await until('it has ended', () => startTime(Number(text)) === undefined, 20_000);
    }
    // Relative to where the caller is, as all paths of options.
    expect(runtime(['exec', '--detach', '--pid-file', 'here.pid', id, 'true'], { cwd: folder })).toMatchObject({ code: 0 });
    expect(existsSync(join(folder, 'here.pid'))).toBe(true);
  });

  it('in a created and in a paused container', () => {
    for (const r of runtimes) {
      const made = newId();
      const bundle = writeBundle(join(folder, made), made, bundleConfig(['sleep', '600']));
      try {
        expect(r(['create', '--bundle', bundle, made])).toMatchObject({ code: 0, err: '' });
        expect(r(['exec', made, 'echo', 'in'])).toMatchObject({ code: 0, out: 'in\n' });
        expect(r(['start', made])).toMatchObject({ code: 0, err: '' });
        expect(r(['pause', made]).code).toBe(0);
        const refused = r(['exec', made, 'true']);
        expect(refused.code).toBe(255);
        expect(refused.err).toMatch(/cannot exec in a paused container \(use --ignore-paused to override\)/);
      } finally {
        expect(r(['delete', '--force', made]).code).toBe(0);
      }
    }
  });

  it('--ignore-paused waits for the resume', async () => {
    expect(runtime(['pause', id]).code).toBe(0);
    const waiting = runtime.start(['exec', '--ignore-paused', id, 'echo', 'later']);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(waiting.child.exitCode).toBeNull();
    expect(runtime(['resume', id]).code).toBe(0);
    expect(await waiting.answer).toMatchObject({ code: 0, out: 'later\n', err: '' });
  });

  it('passes signals on', async () => {
    const going = runtime.start([
      'exec',
      id,
      'sh',
      '-c',
      `trap 'echo heard; exit 3' TERM; echo ${id}-ready; : > /dev/shm/trap; while :; do sleep 0.05; done`,
    ]);
    const { pid } = JSON.parse(runtime(['state', id]).out) as { pid: number };
    await until('its trap is set', () => existsSync(`/proc/${pid}/root/dev/shm/trap`), 30_000);
    going.child.kill('SIGTERM');
    expect(await going.answer).toMatchObject({ code: 3, out: `${id}-ready\nheard\n` });
  });
});
