/** Podman (with conmon) on minirun-runc. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { client } from './support/engine.ts';
import { everyday } from './support/everyday.ts';
import { CATATONIT, containersConf, podman } from './support/podman.ts';
import { noRuntime, OURS } from './support/runtime.ts';
import { eventually, hasProgram } from './support/sandbox.ts';

const reason = noRuntime() ?? (hasProgram('podman') ? undefined : 'needs the program podman');
if (reason) console.log(`podman: skipped, ${reason}`);

describe.skipIf(reason)('podman', () => {
  const commands = client(podman);
  const { cli, ok, engine } = commands;
  everyday('podman', commands);

  test('--privileged', async () => {
    const script = 'grep CapEff /proc/self/status; ls /dev | wc -l; (echo 60 > /proc/sys/vm/swappiness) && echo written';
    expect(await ok(['run', '--rm', '--privileged', '--network', 'none', 'busybox', 'sh', '-c', script])).toMatch(
      /CapEff:\s+0+[13]f+e?f{6}\n\d\d+\nwritten$/,
    );
  });
  test('a user namespace of its own, with a volume', async () => {
    const { place } = engine();
    await place.run(['sh', '-c', `mkdir -p ${place.folder}/mapped && chown 100000:100000 ${place.folder}/mapped`]);
    const options = ['--uidmap', '0:100000:65536', '--gidmap', '0:100000:65536', '-v', `${place.folder}/mapped:/v`];
    const script = 'id -u; cat /proc/self/uid_map; touch /v/file /made && stat -c %u /v/file /made';
    const said = await ok(['run', '--rm', '--network', 'none', ...options, 'busybox', 'sh', '-c', script]);
    expect(said.replace(/ +/g, ' ')).toBe('0\n 0 100000 65536\n0\n0');
    expect((await place.run(['stat', '-c', '%u', join(place.folder, 'mapped/file')])).out.trim()).toBe('100000');
  });
  test('a pod: containers that share their network and host name', async (ctx) => {
    if (!existsSync(CATATONIT)) ctx.skip('needs the package catatonit');
    try {
      await ok(['pod', 'create', '--name', 'pod', '--hostname', 'pea', '--network', 'none']);
      await ok(['run', '-d', '--pod', 'pod', 'busybox', 'sh', '-c', 'while :; do echo hi | nc -l -p 80; done']);
      const answer = await ok([
        'run',
        '--rm',
        '--pod',
        'pod',
        'busybox',
        'sh',
        '-c',
        'hostname; until nc -w 2 127.0.0.1 80 < /dev/null; do sleep 0.1; done',
      ]);
      expect(answer).toBe('pea\nhi');
    } finally {
      await cli(['pod', 'rm', '-f', '-t', '0', 'pod']);
    }
  });
  test('checkpoint and restore: the command goes on where it was', async (ctx) => {
    const { place } = engine();
    if (!hasProgram('criu')) ctx.skip('needs the program criu');
    if ((await place.run(['criu', 'check'])).code !== 0) ctx.skip('needs a criu that fits this kernel (criu check)');
    const numbers = async () => (await ok(['logs', 'counter'])).split('\n').map(Number);
    try {
      const script = 'i=0; while :; do echo $i; i=$((i + 1)); sleep 0.1; done';
      await ok(['run', '-d', '--name', 'counter', '--network', 'none', 'busybox', 'sh', '-c', script]);
      await eventually('it counts', async () => (await numbers()).length > 3);
      await ok(['container', 'checkpoint', 'counter']);
      expect(await ok(['inspect', '-f', '{{.State.Running}} {{.State.Checkpointed}}', 'counter'])).toBe('false true');
      const before = (await numbers()).at(-1) ?? 0;
      await ok(['container', 'restore', 'counter']);
      await eventually('it goes on', async () => ((await numbers()).at(-1) ?? 0) > before + 2);
    } finally {
      await cli(['rm', '-f', '-t', '0', 'counter']);
    }
  });
  test('without configuration: --runtime PATH', async () => {
    const answer = await cli(
      [
        '--runtime',
        engine().runtime.path,
        'run',
        '--rm',
        '--network',
        'none',
        '--ulimit',
        'nofile=64:64',
        '--ulimit',
        'nproc=64:64',
        'busybox',
        'nope',
      ],
      {
        env: { CONTAINERS_CONF: '/dev/null' },
      },
    );
    expect(answer.code).toBe(127);
    expect(answer.err).toMatch(/executable file not found/);
  });
  test('MINIRUN_EXPLAIN tells what podman asked for', async (ctx) => {
    if (!OURS) ctx.skip('this runtime explains nothing');
    const { place, runtime } = engine();
    const file = join(place.folder, 'explained');
    const config = join(place.folder, 'explaining.conf');
    writeFileSync(config, containersConf(runtime.path, [`conmon_env_vars = ["PATH=${process.env.PATH}", "MINIRUN_EXPLAIN=${file}"]`]));
    await ok(['run', '--rm', '--network', 'none', '--hostname', 'told', 'busybox', 'true'], { env: { CONTAINERS_CONF: config } });
    const told = readFileSync(file, 'utf8');
    expect(told).toMatch(/sethostname\("told"/);
    expect(told).toMatch(/execve\(/);
  });
});
