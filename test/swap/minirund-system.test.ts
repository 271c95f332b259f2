/** What docker shows of the daemon as a whole: minirund beside the real dockerd, the same commands on both. */
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askApi } from './support/api.ts';
import { type DockerDaemon, dockerDaemon } from './support/minirund.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, hasProgram, type RunOptions } from './support/sandbox.ts';
import { missingFrom } from './support/shape.ts';
import { undoFailed } from './support/undo-failed.ts';

const reason = noRuntime() ?? (hasProgram('docker') && hasProgram('dockerd') ? undefined : 'needs the programs docker and dockerd');
if (reason) console.log(`minirund-system: skipped, ${reason}`);

/** Of the machine, or of what was done on both. */
const COMMON = (
  'Containers ContainersRunning ContainersPaused ContainersStopped Images MemoryLimit SwapLimit CpuCfsPeriod CpuCfsQuota CPUShares ' +
  'CPUSet PidsLimit OomKillDisable IPv4Forwarding LoggingDriver CgroupDriver CgroupVersion KernelVersion OperatingSystem OSVersion ' +
  'OSType Architecture IndexServerAddress NCPU MemTotal Name Labels ExperimentalBuild LiveRestoreEnabled Swarm'
).split(' ');

describe.skipIf(reason)('the system part of minirund', () => {
  let ours: DockerDaemon;
  let real: DockerDaemon;
  undoFailed(() => [ours, real]);
  beforeAll(async () => {
    const started = await Promise.allSettled([dockerDaemon('minirund'), dockerDaemon('dockerd')]);
    for (const result of started) {
      if (result.status !== 'fulfilled') continue;
      if (result.value.name === 'minirund') ours = result.value;
      else real = result.value;
    }
    for (const result of started) if (result.status === 'rejected') throw result.reason;
    await both([
      'run',
      '-d',
      '--name',
      'sleeper',
      '--network',
      'none',
      '--memory',
      '64m',
      '--label',
      'tier=back',
      'busybox',
      'sleep',
      '1000',
    ]);
    await both([
      'run',
      '--name',
      'ended',
      '--network',
      'none',
      '--label',
      'tier=front',
      '-v',
      'store:/store',
      'busybox',
      'sh',
      '-c',
      'echo hi > /store/a',
    ]);
  });
  afterAll(async () => {
    await Promise.all([ours?.place.end(), real?.place.end()]);
  });

  /** What both print. @throws when one of them fails */
  const both = (args: string[], options?: RunOptions) => Promise.all([ours.ok(args, options), real.ok(args, options)]);
  /** Both print the same. */
  const same = async (...args: string[]) => {
    const [mine, theirs] = await both(args);
    expect(mine, args.join(' ')).toBe(theirs);
    return mine;
  };
  /** Both fail, with the same words. */
  const sameFailure = async (...args: string[]) => {
    const [mine, theirs] = await Promise.all([ours.docker(args), real.docker(args)]);
    expect([mine.code, mine.err], args.join(' ')).toEqual([theirs.code, theirs.err]);
    expect(mine.code).not.toBe(0);
  };
  const asked = async (daemon: DockerDaemon, path: string, method = 'GET') => {
    const answer = await askApi(daemon.socket, method, path);
    expect(answer.status, `${path}: ${answer.text}`).toBe(200);
    return JSON.parse(answer.text) as unknown;
  };
  /** Our answer has all that the real one has. */
  const sameShape = async (path: string, except: string[] = []) => {
    const [mine, theirs] = await Promise.all([asked(ours, path), asked(real, path)]);
    expect(missingFrom(theirs, mine, except), path).toEqual([]);
    return [mine, theirs] as const;
  };

  test('ping says which API is spoken', async () => {
    for (const method of ['GET', 'HEAD']) {
      const [mine, theirs] = await Promise.all([ours, real].map(({ socket }) => askApi(socket, method, '/_ping')));
      expect(mine?.text).toBe(theirs?.text);
      expect(Object.keys(mine?.headers ?? {})).toEqual(
        expect.arrayContaining(Object.keys(theirs?.headers ?? {}).filter((name) => name !== 'content-length')),
      );
      expect(mine?.headers).toMatchObject({ 'api-version': '1.50', ostype: 'linux', 'docker-experimental': 'false' });
    }
  });

  test('version', async () => {
    await sameShape('/v1.41/version');
    await same('version', '-f', '{{.Server.Os}}/{{.Server.Arch}} {{.Server.KernelVersion}} {{.Server.Experimental}}');
    const components = await ours.ok(['version', '-f', '{{range .Server.Components}}{{.Name}} {{.Version}}\n{{end}}']);
    expect(components).toMatch(/^Engine \d+\.\d+\.\d+\ncontainerd \S+\nminirun-runc \d\S+\nminirun-pid1 \d\S+\n*$/);
  });

  test('info', async () => {
    const [mine, theirs] = await sameShape('/v1.41/info', ['.DriverStatus', '.Runtimes']);
    const pick = (info: unknown) => Object.fromEntries(COMMON.map((name) => [name, (info as Record<string, unknown>)[name]]));
    expect(pick(mine)).toEqual(pick(theirs));
    expect(await ours.docker(['info'])).toMatchObject({
      code: 0,
      err: '',
      out: expect.stringMatching(/Storage Driver: (overlayfs|native)\n/),
    });
  });

  test('networks', async () => {
    const [mine] = await sameShape('/v1.41/networks');
    expect((mine as { Name: string }[]).map(({ Name }) => Name).sort()).toEqual(['host', 'none']);
    await sameShape('/v1.41/networks/none', ['.Containers']);
    await same('network', 'ls', '--format', '{{.Name}} {{.Driver}} {{.Scope}}', '--filter', 'driver=null');
    await same('network', 'ls', '--format', '{{.Name}}', '--filter', 'name=os');
    await same('network', 'ls', '-q', '--filter', 'type=custom');
    await same('network', 'inspect', '-f', '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}', 'none');
    await same('network', 'prune', '-f');
    await sameFailure('network', 'rm', 'none');
    await sameFailure('network', 'rm', 'nowhere');
    await sameFailure('network', 'inspect', 'nowhere');
    await sameFailure('network', 'create', 'host');
    await sameFailure('network', 'create', '-d', 'host', 'another');
    await sameFailure('network', 'connect', 'none', 'sleeper');
    await sameFailure('network', 'connect', 'none', 'nobody');
    await sameFailure('network', 'connect', 'host', 'sleeper');
    expect(await ours.docker(['network', 'create', 'street'])).toMatchObject({ code: 1, err: expect.stringContaining('--network host') });
  });

  test('stats', async () => {
    const [mine, theirs] = await sameShape('/v1.41/containers/sleeper/stats?stream=0');
    const pick = (value: unknown) => {
      const { memory_stats, pids_stats, cpu_stats, name } = value as Record<string, Record<string, unknown>>;
      return [memory_stats?.limit, Object.keys(memory_stats?.stats ?? {}).sort(), pids_stats, cpu_stats?.online_cpus, name];
    };
    expect(pick(mine)).toEqual(pick(theirs));
    const withoutId = (value: unknown) => ({ ...(value as object), id: '' });
    const [ended, realEnded] = await sameShape('/v1.41/containers/ended/stats?stream=0');
    expect(withoutId(ended)).toEqual(withoutId(realEnded));
    await same('stats', '--no-stream', '--format', '{{.Name}} {{.MemUsage | len}} {{.PIDs}}', 'sleeper');
    await ours.ok(['run', '-d', '--name', 'busy', '--network', 'host', '--cpus', '0.5', 'busybox', 'sh', '-c', 'while :; do :; done']);
    try {
      expect(Number.parseFloat(await ours.ok(['stats', '--no-stream', '--format', '{{.CPUPerc}}', 'busy']))).toBeGreaterThan(10);
    } finally {
      await ours.ok(['rm', '-f', 'busy']);
    }
  });

  test('stats as a stream, each second a line', async () => {
    const child = ours.place.start([
      'timeout',
      '2.5',
      'curl',
      '-sN',
      '--unix-socket',
      ours.socket,
      'http://d/v1.41/containers/sleeper/stats',
    ]);
    let text = '';
    child.stdout?.on('data', (piece: Buffer) => {
      text += piece;
    });
    await new Promise((over) => child.on('close', over));
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { read: string; preread: string });
    expect(lines.length).toBeGreaterThanOrEqual(2);
    expect(lines[1]?.preread).toBe(lines[0]?.read);
  });

  test('top', async () => {
    const rows = (text: string) => text.split('\n').map((line) => line.replace(/\d+/g, 'N').replace(/\s+/g, ' ').trim());
    for (const args of [[], ['aux'], ['-o', 'pid,comm,args'], ['-eo', 'user,pid,args']]) {
      const [mine, theirs] = await both(['top', 'sleeper', ...args]);
      expect(rows(mine), args.join(' ')).toEqual(rows(theirs));
    }
    await sameFailure('top', 'sleeper', '-o', 'user');
    await sameFailure('top', 'sleeper', '--nonsense');
    await sameFailure('top', 'nobody');
    expect(await ours.docker(['top', 'ended'])).toMatchObject({
      code: 1,
      err: expect.stringMatching(/container [0-9a-f]{64} is not running/),
    });
  });

  test('events of the past, filtered', async () => {
    const until = (Date.now() / 1000).toFixed(3);
    const seen = (...filters: string[]) =>
      same(
        'events',
        '--since',
        '1',
        '--until',
        until,
        '--format',
        '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}',
        ...filters.flatMap((filter) => ['--filter', filter]),
      );
    expect(await seen('container=ended', 'event=start', 'event=die')).toBe('container start ended\ncontainer die ended');
    await seen('label=tier=front', 'type=container', 'event=create');
    await seen('image=busybox', 'container=ended', 'container=sleeper', 'event=create', 'event=start');
    await seen('volume=store', 'type=volume', 'event=create');
    await seen('type=network', 'network=none', 'event=connect');
    await seen('scope=swarm');
    await sameFailure('events', '--since', '20', '--until', '10');
    const line = async (daemon: DockerDaemon) =>
      JSON.parse(
        (await daemon.ok(['events', '--since', '1', '--until', until, '--filter', 'event=die', '--format', '{{json .}}'])).split(
          '\n',
        )[0] as string,
      ) as object;
    expect(missingFrom(await line(real), await line(ours), ['.Actor.Attributes.execDuration'])).toEqual([]);
  });

  test("events of a container's life, in their order", async () => {
    const since = (Date.now() / 1000).toFixed(3);
    await both(['run', '-d', '--name', 'brief', '--network', 'none', '-v', 'store:/store', 'busybox', 'true']);
    await both(['wait', 'brief']);
    await both(['rm', 'brief']);
    const format = '{{.Type}} {{.Action}}';
    const [mine, theirs] = await both(['events', '--since', since, '--until', (Date.now() / 1000).toFixed(3), '--format', format]);
    // Our networks are joined when there is something that can join; Docker tells that a volume is made that was there.
    const early = ['network connect', 'volume mount', 'volume create'];
    const rest = (text: string) => text.split('\n').filter((line) => !early.includes(line));
    expect(rest(mine)).toEqual(rest(theirs));
  });

  test('events as they happen', async () => {
    const watch = "echo $$; exec docker events --filter type=volume --format '{{.Action}} {{.Actor.ID}}'";
    const child = ours.place.start(['sh', '-c', watch], { env: ours.env });
    let text = '';
    child.stdout?.on('data', (piece: Buffer) => {
      text += piece;
    });
    const listeners = (count: string) =>
      eventually(`${count} listen`, async () => (await ours.ok(['info', '-f', '{{.NEventsListener}}'])) === count);
    try {
      await listeners('1');
      await ours.ok(['volume', 'create', 'told']);
      await eventually('the event is told', () => text.endsWith('\ncreate told\n'));
    } finally {
      await ours.inside(`kill -KILL ${Number.parseInt(text, 10)}`);
      await ours.docker(['volume', 'rm', 'told']);
    }
    await listeners('0');
  });

  test('system df', async () => {
    await sameShape('/v1.41/system/df', ['.Containers[0].SizeRw']);
    await same('system', 'df', '--format', '{{.Type}} {{.TotalCount}} {{.Active}}');
    const [mine, theirs] = await both([
      'system',
      'df',
      '-v',
      '--format',
      '{{range .Volumes}}{{.Name}} {{.Links}} {{.Size}}{{end}}|{{range .Images}}{{.Repository}} {{.Tag}} {{.SharedSize}} {{.Containers}}{{end}}',
    ]);
    expect(mine).toBe(theirs);
    const kinds = await asked(ours, '/v1.45/system/df?type=volume');
    expect(kinds).toMatchObject({
      LayersSize: 0,
      Images: null,
      Containers: null,
      Volumes: [{ Name: 'store', UsageData: { RefCount: 1, Size: 3 } }],
    });
    expect(await askApi(ours.socket, 'GET', '/v1.45/system/df?type=odd')).toMatchObject({ status: 400 });
  });

  test('what is not here', async () => {
    await same('plugin', 'ls');
    for (const args of [
      ['node', 'ls'],
      ['service', 'ls'],
      ['secret', 'ls'],
      ['config', 'ls'],
    ])
      await sameFailure(...args);
    expect(await askApi(ours.socket, 'POST', '/session')).toMatchObject({ status: 400 });
    expect(await ours.docker(['swarm', 'init'])).toMatchObject({ code: 1, err: expect.stringContaining('swarms are not supported') });
  });

  test('prune', async () => {
    await same('container', 'prune', '-f', '--filter', 'label=tier=back');
    await same('container', 'prune', '-f', '--filter', 'until=24h');
    const deleted = (text: string) => text.replace(/[0-9a-f]{64}/g, 'ID').replace(/space: .*/, 'space');
    const [mine, theirs] = await both(['system', 'prune', '-f', '--volumes'], { env: { DOCKER_API_VERSION: '1.41' } });
    expect(deleted(mine)).toBe(deleted(theirs));
    expect(mine).toMatch(/Deleted Containers:\n[0-9a-f]{64}\n/);
    await same('ps', '-a', '--format', '{{.Names}}');
    await same('builder', 'prune', '-f');
  });

  test('a daemon that nobody needs ends', async () => {
    const folder = join(ours.place.folder, 'second');
    const flags = [
      '-H',
      `unix://${folder}/d.sock`,
      '--data-root',
      `${folder}/root`,
      '--exec-root',
      `${folder}/exec`,
      '--idle-timeout',
      '1',
    ];
    const answer = await ours.place.run([resolve(import.meta.dirname, '../../bin/minirund'), ...flags], { limit: 20 });
    expect(answer).toMatchObject({ code: 0, err: expect.stringContaining('no client and no container for 1 s: the daemon ends') });
  });
});
