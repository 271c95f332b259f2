/** Docker (dockerd, its containerd and shim) on minirun-runc. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { docker } from './support/docker.ts';
import { client } from './support/engine.ts';
import { everyday } from './support/everyday.ts';
import { noRuntime, OURS } from './support/runtime.ts';
import { eventually, hasProgram } from './support/sandbox.ts';

const reason = noRuntime() ?? (hasProgram('docker') && hasProgram('dockerd') ? undefined : 'needs the programs docker and dockerd');
if (reason) console.log(`docker: skipped, ${reason}`);

describe.skipIf(reason)('docker', () => {
  const commands = client(docker);
  const { cli, ok, engine } = commands;
  everyday('docker', commands);
  const state = (container: string) => ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', container]);

  test('info names the runtime and its version', async () => {
    expect(await ok(['info', '-f', '{{.DefaultRuntime}}'])).toBe('minirun-runc');
    expect(await ok(['version', '-f', '{{range .Server.Components}}{{.Name}} {{.Version}}\n{{end}}'])).toMatch(/^minirun-runc \d+\.\d+/m);
  });
  test('a published port, names of neighbours, and a cgroup namespace', async () => {
    try {
      await ok(['network', 'create', 'street']);
      await ok([
        'run',
        '-d',
        '--name',
        'shop',
        '--network',
        'street',
        '-p',
        '127.0.0.1:8080:80',
        'busybox',
        'sh',
        '-c',
        'while :; do echo open | nc -l -p 80; done',
      ]);
      await eventually(
        'the port answers',
        async () => (await engine().place.run(['busybox', 'nc', '-w', '2', '127.0.0.1', '8080'])).out === 'open\n',
      );
      expect(
        await ok([
          'run',
          '--rm',
          '--network',
          'street',
          '--cgroupns',
          'private',
          'busybox',
          'sh',
          '-c',
          'until nc -w 2 shop 80 < /dev/null; do sleep 0.1; done; cut -d: -f3 /proc/self/cgroup | sort -u',
        ]),
      ).toBe('open\n/');
    } finally {
      await cli(['rm', '-f', 'shop']);
      await cli(['network', 'rm', 'street']);
    }
  });
  test('a container goes on without dockerd, and is found again', async () => {
    try {
      await ok([
        'run',
        '-d',
        '--name',
        'survivor',
        '--network',
        'none',
        'busybox',
        'sh',
        '-c',
        'echo first; while ! test -e /go; do sleep 0.1; done; echo second; sleep 1000',
      ]);
      await engine().restart();
      expect(await state('survivor')).toBe('running 0');
      await ok(['exec', 'survivor', 'touch', '/go']);
      await eventually('its output goes on', async () => (await ok(['logs', 'survivor'])) === 'first\nsecond');
      await ok(['stop', '-t', '0', 'survivor']);
      expect(await state('survivor')).toBe('exited 137');
    } finally {
      await cli(['rm', '-f', 'survivor']);
    }
  });
  test('a killed shim: the container ends, and can be started again', async () => {
    try {
      await ok(['run', '-d', '--name', 'orphan', '--network', 'none', 'busybox', 'sleep', '1000']);
      const id = await ok(['inspect', '-f', '{{.Id}}', 'orphan']);
      // All that pkill can see are the processes of the sandbox.
      await engine().place.run(['pkill', '-9', '-f', `containerd-shim-runc-v2 .*-id ${id}`]);
      await eventually('docker sees the end', async () => (await state('orphan')) === 'exited 137');
      await ok(['start', 'orphan']);
      expect(await ok(['exec', 'orphan', 'echo', 'again'])).toBe('again');
    } finally {
      await cli(['rm', '-f', 'orphan']);
    }
  });
  test('--privileged', async (ctx) => {
    if (!OURS) ctx.skip('runc 1.1 refuses on a machine that lacks a capability');
    const script = 'grep CapEff /proc/self/status; (echo 60 > /proc/sys/vm/swappiness) && echo written; ls /dev | wc -l';
    expect(await ok(['run', '--rm', '--privileged', '--network', 'none', 'busybox', 'sh', '-c', script])).toMatch(
      /CapEff:\s+0+[13]f+e?f{6}\nwritten\n\d\d+$/,
    );
  });
  test('MINIRUN_EXPLAIN tells what docker asked for', async (ctx) => {
    if (!OURS) ctx.skip('this runtime explains nothing');
    const file = join(engine().place.folder, 'explained');
    await engine().restart({ MINIRUN_EXPLAIN: file });
    await ok(['run', '--rm', '--network', 'none', '--hostname', 'told', 'busybox', 'true']);
    const told = readFileSync(file, 'utf8');
    expect(told).toMatch(/sethostname\("told"/);
    expect(told).toMatch(/libnetwork-setkey/);
    for (const call of ['create', 'start', 'delete']) expect(told).toMatch(new RegExp(`^== ${call} [0-9a-f]{64}$`, 'm'));
  });
});
