/** Logs of containers under minirund, through the docker command line: nothing of them is lost, also when the daemon is killed. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DockerDaemon, dockerDaemon } from './support/minirund.ts';
import { noRuntime } from './support/runtime.ts';
import { answerOf, eventually, hasProgram } from './support/sandbox.ts';
import { undoFailed } from './support/undo-failed.ts';

const reason = noRuntime() ?? (hasProgram('docker') ? undefined : 'needs the program docker');
if (reason) console.log(`minirund-logs: skipped, ${reason}`);

describe.skipIf(reason)('logs under minirund', () => {
  let daemon: DockerDaemon;
  undoFailed(() => [daemon]);
  const run = (...args: string[]) => daemon.ok(['run', '-d', '--network', 'none', ...args]);
  const ended = (name: string) =>
    eventually(`${name} ends`, async () => (await daemon.ok(['inspect', '-f', '{{.State.Status}}', name])) === 'exited');
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => String(from + i));

  beforeAll(async () => {
    daemon = await dockerDaemon('minirund');
  });
  afterAll(() => daemon?.place.end());

  it('keep the two streams, times, and a line without an end', async () => {
    await daemon.ok(['run', '--name', 'two', '--network', 'none', 'busybox', 'sh', '-c', 'echo out; echo err >&2; printf last']);
    expect(await daemon.docker(['logs', 'two'])).toMatchObject({ out: 'out\nlast', err: 'err\n' });
    expect((await daemon.docker(['logs', '-t', '--tail', '1', 'two'])).out).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z last$/);
    expect(await daemon.docker(['logs', '--since', '1h', '--until', '1s', 'two'])).toMatchObject({ code: 0 });
    const [, path = ''] = /^(\/.+-json\.log)$/.exec(await daemon.ok(['inspect', '-f', '{{.LogPath}}', 'two'])) ?? [];
    const entries = (await daemon.inside(`cat ${path}`)).split('\n');
    expect(entries[1]).toMatch(/^\{"log":"err\\n","stream":"stderr","time":"\d{4}-.*Z"\}$/);
    expect(entries[2]).toMatch(/^\{"log":"last","stream":"stdout",/);
  });

  it('of a terminal are one stream, bare', async () => {
    await daemon.ok(['run', '-t', '--name', 'tty', '--network', 'none', 'busybox', 'sh', '-c', 'echo out; echo err >&2']);
    expect(await daemon.docker(['logs', 'tty'])).toMatchObject({ out: 'out\r\nerr\r\n', err: '' });
  });

  it('are followed from where one wants, to the end of the container', async () => {
    await run('--name', 'goes', 'busybox', 'sh', '-c', 'for i in $(seq 10); do echo $i; sleep 0.1; done');
    await sleep(200);
    const [all, some] = await Promise.all([daemon.ok(['logs', '-f', 'goes']), daemon.ok(['logs', '-f', '--tail', '0', 'goes'])]);
    expect(all.split('\n')).toEqual(range(1, 10));
    expect(some.split('\n')).toEqual(range(11 - some.split('\n').length, 10));
  });

  it('are rotated and compressed, and read across their files', async () => {
    const options = ['--log-opt', 'max-size=200k', '--log-opt', 'max-file=3', '--log-opt', 'compress=true'];
    await run('--name', 'large', ...options, 'busybox', 'seq', '20000');
    await ended('large');
    const kept = (await daemon.ok(['logs', 'large'])).split('\n');
    expect(kept.length).toBeGreaterThan(5000);
    expect(kept).toEqual(range(20_001 - kept.length, 20_000));
    expect((await daemon.ok(['logs', '--tail', String(kept.length - 5), 'large'])).split('\n')).toEqual(kept.slice(5));
    await daemon.ok(['rm', 'large']);
  });

  it('by other drivers', async () => {
    await run('--name', 'local', '--log-driver', 'local', 'busybox', 'echo', 'hi');
    await ended('local');
    expect(await daemon.ok(['logs', 'local'])).toBe('hi');
    expect(await daemon.ok(['inspect', '-f', '[{{.LogPath}}]', 'local'])).toBe('[]');
    await run('--name', 'none', '--log-driver', 'none', 'busybox', 'echo', 'hi');
    expect((await daemon.docker(['logs', 'none'])).err).toContain('configured logging driver does not support reading');
    expect((await daemon.docker(['run', '--log-driver', 'gelf', 'busybox'])).err).toContain(
      "logger: no log driver named 'gelf' is registered",
    );
    expect((await daemon.docker(['run', '--log-opt', 'a=b', 'busybox'])).err).toContain("unknown log opt 'a' for json-file log driver");
  });

  it('lose nothing when the daemon is killed again and again', async () => {
    // It prints for some seconds, each line in two pieces.
    const script = 'for i in $(seq 3000); do printf "line "; echo $i; [ $((i % 10)) != 0 ] || sleep 0.01; done; echo done; sleep 1000';
    await run('--name', 'killed', 'busybox', 'sh', '-c', script);
    for (let round = 0; round < 3; round++) {
      await sleep(100 * round);
      await daemon.stop('KILL');
      await daemon.start();
    }
    await eventually('all is printed', async () => (await daemon.ok(['logs', '--tail', '1', 'killed'])) === 'done');
    expect((await daemon.ok(['logs', 'killed'])).split('\n')).toEqual([...range(1, 3000).map((i) => `line ${i}`), 'done']);
    await daemon.ok(['rm', '-f', 'killed']);
  });

  it('go on in the same line under the next daemon', async () => {
    await run('--name', 'inside', 'busybox', 'sh', '-c', 'printf begin; while [ ! -e /tmp/on ]; do sleep 0.05; done; echo end');
    const pid = await daemon.ok(['inspect', '-f', '{{.State.Pid}}', 'inside']);
    await sleep(200);
    await daemon.stop('KILL');
    await daemon.start();
    await daemon.inside(`touch /proc/${pid}/root/tmp/on`);
    await ended('inside');
    expect(await daemon.ok(['logs', 'inside'])).toBe('beginend');
  });

  it('hold up nobody when a client does not read them', async () => {
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${hostPid}/status`, 'utf8'))?.[1]) / 1024;
    const hostPid = hostPidOf(daemon.pid());
    await run(
      '--name',
      'flood',
      'busybox',
      'sh',
      '-c',
      'while [ ! -e /tmp/go ]; do sleep 0.05; done; yes 0123456789012345678901234567890123456789 | head -n 1000000',
    );
    const client = connect(daemon.socket);
    client.on('error', () => undefined);
    client.write('GET /v1.43/containers/flood/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: d\r\n\r\n');
    client.once('data', () => client.pause());
    const before = memory();
    await daemon.ok(['exec', 'flood', 'touch', '/tmp/go']);
    await ended('flood');
    expect(memory() - before).toBeLessThan(150);
    client.destroy();
    const files = () => readdirSync(`/proc/${hostPid}/fd`).length;
    const open = files();
    await sleep(200);
    expect(files()).toBeLessThanOrEqual(open);
    const counting = daemon.place.start(['sh', '-c', 'docker logs flood | wc -l'], { env: daemon.env });
    counting.stdin?.end();
    expect((await answerOf(counting)).out.trim()).toBe('1000000');
    await daemon.ok(['rm', '-f', 'flood']);
  });
});

/** The pid here of minirund, whose pid in the sandbox is known. */
function hostPidOf(inner: number): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const pids = /^NSpid:\s+(.+)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]?.split(/\s+/) ?? [];
      if (
        pids.length > 1 &&
        Number(pids.at(-1)) === inner &&
        statSync(`/proc/${name}`) &&
        readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('minirund')
      )
        return Number(name);
    } catch {
      // It has ended.
    }
  }
  throw new Error(`no process is ${inner} inside`);
}
