/**
 * What a tutorial of Docker types, with minirun's client: its answers are those of Docker's own client
 * on the same daemon, which may be dockerd or minirund.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { client, type Engine } from './engine.ts';
import { eventually, hasProgram } from './sandbox.ts';

export interface OwnClient extends Engine {
  /** Words before each command of Docker's own client. */
  docker: string[];
}

/** @param without parts that the daemon does not have */
export function tutorial(start: () => Promise<OwnClient>, without: { networks?: string } = {}) {
  let docker: string[] = [];
  const commands = client(async (): Promise<Engine> => {
    const engine = await start();
    docker = engine.docker;
    return engine;
  });
  const { cli, ok, engine, terminal } = commands;
  /** What Docker's client answers to the same words. */
  const theirs = async (args: string[]) => (await engine().place.run([...docker, ...args])).out.trimEnd();
  /** Ours, at the API version that the two agree upon: what is inspected depends on it. */
  const okAlike = async (args: string[]) =>
    ok(args, { env: { DOCKER_API_VERSION: await theirs(['version', '--format', '{{.Client.APIVersion}}']) } });
  const file = (name: string) => join(engine().place.folder, name);

  describe('run', () => {
    test('output, errors and exit codes', async () => {
      const answer = await cli(['run', '--rm', '--network', 'none', 'busybox', 'sh', '-c', 'echo out; echo err >&2; exit 7']);
      expect(answer).toEqual({ code: 7, out: 'out\n', err: 'err\n' });
      expect((await cli(['run', '--rm', '--network', 'none', 'busybox', 'nosuch'])).code).toBe(127);
      expect((await cli(['run', '--rm', '--network', 'none', 'busybox', '/etc'])).code).toBe(126);
      const missing = await cli(['run', '--pull', 'never', 'nosuch']);
      expect(missing).toMatchObject({ code: 125, err: 'minirun: Error response from daemon: No such image: nosuch:latest\n' });
      expect(await ok(['ps', '-aq'])).toBe('');
    });
    test('standard input goes in, ends, and all comes out again', async () => {
      const text = 'a line\n'.repeat(100_000);
      const answer = await cli(['run', '--rm', '-i', '--network', 'none', 'busybox', 'cat'], { input: text });
      expect(answer.out).toBe(text);
      expect(answer.code).toBe(0);
    });
    test('a terminal of the right size; the detach keys leave it, attach comes back', async () => {
      const shell = terminal(['run', '-it', '--name', 'shell', '--network', 'none', 'busybox', 'sh'], [31, 97]);
      await shell.shows(/# /);
      shell.type('stty size; echo wh\\ere\n');
      await shell.shows(/31 97[\s\S]*where/);
      await shell.resize(40, 100);
      await eventually('the size follows', async () => (await ok(['exec', 'shell', 'sh', '-c', 'stty size < /dev/pts/0'])) === '40 100');
      shell.type('\x10\x11');
      expect(await shell.ended).toBe(0);
      expect(shell.screen()).toContain('read escape sequence');
      expect(await ok(['inspect', '-f', '{{.State.Status}}', 'shell'])).toBe('running');
      const again = terminal(['attach', 'shell']);
      again.type('\n');
      await again.shows(/# /);
      again.type('exit 9\n');
      expect(await again.ended).toBe(9);
      await ok(['rm', 'shell']);
    });
    test('signals are passed on', async () => {
      const script = 'trap "echo caught; exit 3" TERM; echo ready; while :; do sleep 0.1; done';
      const child = engine().place.start([
        ...engine().client,
        'run',
        '--rm',
        '--name',
        'trap',
        '--network',
        'none',
        'busybox',
        'sh',
        '-c',
        script,
      ]);
      let out = '';
      child.stdout?.on('data', (bytes: Buffer) => {
        out += bytes;
      });
      const ended = new Promise((resolve) => child.on('close', resolve));
      await eventually('it is ready', () => out.includes('ready'));
      await engine().place.run(['pkill', '-TERM', '-f', 'minirun.*--name trap']);
      await ended;
      expect(out).toBe('ready\ncaught\n');
    });
    test('-d, logs, exec, top, diff, stop, wait, start and rm', async () => {
      const id = await ok([
        'run',
        '-d',
        '--name',
        'web',
        '-l',
        'role=web',
        '-e',
        'A=1',
        '--network',
        'none',
        'busybox',
        'sh',
        '-c',
        'echo up; echo no >&2; touch /new; sleep 1000',
      ]);
      expect(id).toMatch(/^[0-9a-f]{64}$/);
      await eventually('it has written', async () => (await ok(['logs', 'web'])) === 'up');
      const logs = await cli(['logs', '-t', 'web']);
      expect(logs.out).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z up\n$/);
      expect(logs.err).toMatch(/ no\n$/);
      expect((await cli(['exec', '-e', 'B=2', '-w', '/tmp', 'web', 'sh', '-c', 'echo $A$B; pwd; exit 4'])).code).toBe(4);
      expect(await ok(['exec', '-i', 'web', 'cat'], { input: 'through' })).toBe('through');
      expect(await ok(['top', 'web', '-o', 'pid,comm'])).toMatch(/^PID +COMMAND\n\d+ +(sh|sleep)/);
      expect(await ok(['diff', 'web'])).toBe(await theirs(['diff', 'web']));
      expect(await ok(['ps', '--filter', 'label=role=web', '--format', '{{.Names}} {{.Label "role"}}'])).toBe('web web');
      expect(await ok(['stop', '-t', '0', 'web'])).toBe('web');
      expect(await ok(['wait', 'web'])).toBe('137');
      expect(await ok(['start', 'web'])).toBe('web');
      expect(await ok(['restart', '-t', '0', 'web'])).toBe('web');
      expect(await ok(['pause', 'web'])).toBe('web');
      expect(await ok(['ps', '--format', '{{.State}}', '--filter', 'name=web'])).toBe('paused');
      expect(await ok(['unpause', 'web'])).toBe('web');
      await ok(['rename', 'web', 'shop']);
      expect(await ok(['update', '-m', '64m', '--memory-swap', '128m', '--restart', 'always', 'shop'])).toBe('shop');
      expect(await ok(['inspect', '-f', '{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}', 'shop'])).toBe('67108864 always');
      expect((await cli(['rm', 'shop'])).code).toBe(1);
      expect(await ok(['rm', '-f', 'shop'])).toBe('shop');
    });
    test('follows logs until the end', async () => {
      await ok(['run', '-d', '--name', 'slow', '--network', 'none', 'busybox', 'sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.3; done']);
      expect(await ok(['logs', '-f', 'slow'])).toBe('1\n2\n3');
      await ok(['rm', 'slow']);
    });
    test('create and start -a; --cidfile; a name in use', async () => {
      const id = await ok([
        'create',
        '--name',
        'later',
        '--cidfile',
        file('cid'),
        '--network',
        'none',
        'busybox',
        'sh',
        '-c',
        'echo now; exit 5',
      ]);
      expect(readFileSync(file('cid'), 'utf8')).toBe(id);
      expect(await cli(['start', '-a', 'later'])).toMatchObject({ code: 5, out: 'now\n' });
      const clash = await cli(['run', '--name', 'later', 'busybox']);
      expect(clash.code).toBe(125);
      expect(clash.err).toMatch(/^minirun: Error response from daemon: Conflict\. The container name "\/later" is already in use/);
      await ok(['rm', 'later']);
    });
  });

  test('volumes, binds and tmpfs', async () => {
    expect(await ok(['volume', 'create', '--label', 'a=b', 'data'])).toBe('data');
    await ok(['run', '--rm', '-v', 'data:/v', '--network', 'none', 'busybox', 'sh', '-c', 'echo kept > /v/file']);
    expect(await ok(['run', '--rm', '--mount', 'type=volume,src=data,dst=/v,ro', '--network', 'none', 'busybox', 'cat', '/v/file'])).toBe(
      'kept',
    );
    expect(await ok(['volume', 'ls', '-q', '--filter', 'label=a=b'])).toBe('data');
    expect(await ok(['volume', 'inspect', '-f', '{{.Driver}} {{json .Labels}}', 'data'])).toBe('local {"a":"b"}');
    expect(await ok(['volume', 'rm', 'data'])).toBe('data');
    writeFileSync(file('bound'), 'here\n');
    expect(
      await ok([
        'run',
        '--rm',
        '-v',
        `${file('bound')}:/f:ro`,
        '--tmpfs',
        '/t:size=1m',
        '--network',
        'none',
        'busybox',
        'sh',
        '-c',
        'cat /f; touch /t/x && echo ok',
      ]),
    ).toBe('here\nok');
  });

  test('cp in both directions, files, folders, their content and archives', async () => {
    await ok(['create', '--name', 'box', 'busybox']);
    mkdirSync(file('tree/sub'), { recursive: true });
    writeFileSync(file('tree/a'), 'one\n');
    writeFileSync(file('tree/sub/b'), 'two\n');
    await ok(['cp', file('tree'), 'box:/tmp']);
    await ok(['cp', file('tree'), 'box:/other']);
    await ok(['cp', `${file('tree')}/.`, 'box:/tmp']);
    await ok(['cp', file('tree/a'), 'box:/tmp/renamed']);
    await ok(['cp', 'box:/tmp', file('back')]);
    const list = await engine().place.run(['sh', '-c', `cd ${file('back')} && find . | sort`]);
    expect(list.out).toBe('.\n./a\n./renamed\n./sub\n./sub/b\n./tree\n./tree/a\n./tree/sub\n./tree/sub/b\n');
    await ok(['cp', 'box:/other/sub/b', file('single')]);
    expect(readFileSync(file('single'), 'utf8')).toBe('two\n');
    const piped = await engine().place.run(['sh', '-c', `${engine().client.join(' ')} cp box:/other - | tar t | sort`]);
    expect(piped.out).toBe('other/\nother/a\nother/sub/\nother/sub/b\n');
    expect((await cli(['cp', 'box:/nosuch', file('x')])).err).toBe(
      'minirun: Error response from daemon: Could not find the file /nosuch in container box\n',
    );
    await ok(['rm', 'box']);
  });

  test('images: tag, ls, history, save, load, import, export, commit, rmi', async () => {
    await ok(['tag', 'busybox', 'shop/app:1']);
    expect(await ok(['images', '--format', '{{.Repository}}:{{.Tag}}', 'shop/app'])).toBe('shop/app:1');
    // How long ago it was made may change in between.
    const columns = '{{.Repository}}|{{.Tag}}|{{.Digest}}|{{.ID}}|{{.CreatedAt}}|{{.Size}}';
    // dockerd tells the names of one image in any order.
    for (const args of [
      ['images', '--no-trunc', '--format', columns],
      ['images', '--format', columns],
      ['history', '-q', 'busybox'],
      ['image', 'inspect', 'busybox'],
    ])
      expect((await okAlike(args)).split('\n').sort()).toEqual((await theirs(args)).split('\n').sort());
    await ok(['save', '-o', file('saved.tar'), 'shop/app:1']);
    expect(await ok(['rmi', 'shop/app:1'])).toBe('Untagged: shop/app:1');
    expect(await ok(['load', '-i', file('saved.tar')])).toBe('Loaded image: shop/app:1');
    await ok(['run', '--name', 'changed', '--network', 'none', 'busybox', 'sh', '-c', 'echo more > /more']);
    expect(await ok(['commit', '-m', 'more', '-c', 'ENV X=1', 'changed', 'shop/app:2'])).toMatch(/^sha256:/);
    expect(await ok(['run', '--rm', '--network', 'none', 'shop/app:2', 'sh', '-c', 'cat /more; echo $X'])).toBe('more\n1');
    await ok(['export', '-o', file('files.tar'), 'changed']);
    expect((await engine().place.run(['tar', 'tf', file('files.tar'), 'more'])).out).toBe('more\n');
    await ok(['rm', 'changed']);
    await ok(['rmi', 'shop/app:1', 'shop/app:2']);
    expect((await cli(['rmi', 'nosuch'])).err).toBe('minirun: Error response from daemon: No such image: nosuch:latest\n');
  });

  test('networks', async (ctx) => {
    if (without.networks) ctx.skip(without.networks);
    await ok(['network', 'create', '--subnet', '172.30.0.0/24', '--label', 'x=y', 'shop']);
    expect(await ok(['network', 'ls', '--filter', 'label=x=y', '--format', '{{.Name}} {{.Driver}}'])).toBe('shop bridge');
    await ok([
      'run',
      '-d',
      '--name',
      'db',
      '--network',
      'shop',
      '--ip',
      '172.30.0.9',
      '-p',
      '127.0.0.1:9000:80',
      'busybox',
      'sleep',
      '1000',
    ]);
    expect(await ok(['port', 'db'])).toBe('80/tcp -> 127.0.0.1:9000');
    expect(await ok(['inspect', '-f', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}', 'db'])).toBe('172.30.0.9');
    expect(await ok(['ps', '--format', '{{.Ports}}'])).toBe('127.0.0.1:9000->80/tcp');
    await ok(['network', 'disconnect', 'shop', 'db']);
    await ok(['network', 'connect', '--alias', 'data', 'shop', 'db']);
    await ok(['rm', '-f', 'db']);
    expect(await ok(['network', 'rm', 'shop'])).toBe('shop');
  });

  test('system: version, info, df, events, inspect, prune', async () => {
    for (const args of [
      ['version', '-f', '{{.Server.Version}}'],
      ['info', '-f', '{{.Driver}} {{.NCPU}}'],
      ['system', 'df'],
      ['inspect', 'busybox'],
      ['network', 'ls'],
    ])
      expect(await okAlike(args)).toBe(await theirs(args));
    const since = String(Date.now() / 1000 - 1);
    await ok(['volume', 'create', 'seen']);
    await ok(['volume', 'rm', 'seen']);
    const span = ['events', '--since', since, '--until', String(Date.now() / 1000 + 1), '--filter', 'type=volume'];
    expect(await ok(span)).toBe(await theirs(span));
    expect(await ok(['system', 'prune', '-f', '--volumes'])).toMatch(/Total reclaimed space: /);
    expect(await cli(['system', 'prune'], { input: 'n\n' })).toMatchObject({ code: 1, out: '' });
    const nothing = await cli(['inspect', 'nosuch']);
    expect(nothing).toMatchObject({ code: 1, out: '[]\n', err: 'minirun: Error: No such object: nosuch\n' });
  });

  test('stats, monitor and lsns, once and as text', async () => {
    await ok(['run', '-d', '--name', 'busy', '--network', 'host', '--ipc', 'host', 'busybox', 'sleep', '1000']);
    expect(await ok(['stats', '--no-stream', '--format', '{{.Name}} {{.PIDs}} {{.MemPerc}}', 'busy'])).toMatch(/^busy 1 \d+\.\d\d%$/);
    expect(await ok(['monitor', '-n', '1'])).toMatch(/^minirun .* running, [\s\S]*^busy .*busybox *$/m);
    const line = (await ok(['lsns', 'busy'])).split('\n').find((l) => l.startsWith('busy')) ?? '';
    // CONTAINER PID MNT PID NET IPC UTS USER CGROUP TIME
    const [, pid, mnt, , net, ipc, , user] = line.split(/ {2,}/);
    expect([net, ipc, user]).toEqual(['host', 'host', 'host']);
    expect([pid, mnt].every((word) => /^\d+$/.test(word ?? ''))).toBe(true);
    await ok(['rm', '-f', 'busy']);
  });

  describe('a registry', () => {
    const missing = hasProgram('docker-registry') && hasProgram('htpasswd') ? undefined : 'needs docker-registry and htpasswd';
    beforeAll(async () => {
      if (missing) return;
      const { place } = engine();
      const folder = file('registry');
      mkdirSync(folder);
      await place.run(['sh', '-c', `htpasswd -Bbn me secret > ${folder}/htpasswd`]);
      const config = {
        version: '0.1',
        storage: { filesystem: { rootdirectory: join(folder, 'data') } },
        http: { addr: '127.0.0.1:5000' },
        auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } },
      };
      writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
      await place.daemon(
        'registry',
        ['docker-registry', 'serve', join(folder, 'config.yml')],
        ['bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/5000'],
      );
    });
    const NAME = '127.0.0.1:5000/app:1';

    test.skipIf(missing)('login, push, pull, logout; run pulls what is missing', async () => {
      await ok(['tag', 'busybox', NAME]);
      expect((await cli(['push', NAME])).err).toMatch(/no basic auth credentials|unauthorized/i);
      expect((await cli(['login', '-u', 'me', '--password-stdin', '127.0.0.1:5000'], { input: 'wrong' })).code).toBe(1);
      const login = await cli(['login', '-u', 'me', '--password-stdin', '127.0.0.1:5000'], { input: 'secret\n' });
      expect(login).toMatchObject({ code: 0, out: 'Login Succeeded\n' });
      const kept = JSON.parse(readFileSync(file('home/.docker/config.json'), 'utf8')) as { auths: object };
      expect(kept.auths).toEqual({ '127.0.0.1:5000': { auth: Buffer.from('me:secret').toString('base64') } });
      expect(await ok(['push', NAME])).toMatch(
        /^The push refers to repository \[127\.0\.0\.1:5000\/app\][\s\S]*1: digest: sha256:[0-9a-f]{64} size: \d+$/,
      );
      await ok(['rmi', NAME]);
      const pulled = await ok(['pull', NAME]);
      expect(pulled).toMatch(/^1: Pulling from app[\s\S]*\n127\.0\.0\.1:5000\/app:1$/);
      await ok(['rmi', NAME]);
      const run = await cli(['run', '--rm', '--network', 'none', NAME, 'echo', 'fetched']);
      expect(run).toMatchObject({ code: 0, out: 'fetched\n' });
      expect(run.err).toContain(`Unable to find image '${NAME}' locally`);
      // Docker's own client finds the password where this one has put it.
      await ok(['rmi', NAME]);
      expect((await engine().place.run([...docker, 'pull', '-q', NAME])).code).toBe(0);
      expect(await ok(['logout', '127.0.0.1:5000'])).toBe('Removing login credentials for 127.0.0.1:5000');
      expect((await cli(['pull', NAME])).code).toBe(1);
      await ok(['rmi', NAME]);
    });
  });

  test('where the daemon is: DOCKER_HOST, contexts, and what cannot be reached', async () => {
    const [minirun = '', , address = ''] = engine().client;
    const bare = (args: string[], env: Record<string, string> = {}) => engine().place.run([minirun, ...args], { env });
    expect((await bare(['images', '-q'], { DOCKER_HOST: address })).out).toBe((await cli(['images', '-q'])).out);
    await engine().place.run(['docker', 'context', 'create', 'here', '--docker', `host=${address}`]);
    expect((await bare(['images', '-q'], { DOCKER_CONTEXT: 'here' })).out).toBe((await cli(['images', '-q'])).out);
    expect((await bare(['--context', 'here', 'images', '-q'])).out).toBe((await cli(['images', '-q'])).out);
    expect((await bare(['--context', 'nowhere', 'ps'])).err).toMatch(/context "nowhere": context not found/);
    const away = await bare(['-H', 'unix:///nowhere.sock', 'ps']);
    expect(away).toMatchObject({
      code: 1,
      err: 'minirun: Cannot connect to the Docker daemon at unix:///nowhere.sock. Is the docker daemon running?\n',
    });
    // ssh is whatever ssh is on PATH: here one that stays on this machine.
    writeFileSync(file('ssh'), `#!/bin/sh\nexec docker -H ${address} system dial-stdio\n`, { mode: 0o755 });
    const overSsh = await bare(['-H', 'ssh://me@machine', 'run', '--rm', '-i', '--network', 'none', 'busybox', 'echo', 'over ssh'], {
      PATH: `${file('.')}:${process.env.PATH}`,
    });
    expect(overSsh).toMatchObject({ code: 0, out: 'over ssh\n' });
  });

  test('completion knows commands, options, containers and images', async () => {
    await ok(['create', '--name', 'candidate', 'busybox']);
    const words = async (...line: string[]) => (await ok(['completion', '--candidates', ...line])).split('\n');
    expect(await words('vol')).toEqual(['volume']);
    expect(await words('image', 'pr')).toEqual(['prune']);
    expect(await words('run', '--memory-s')).toEqual(['--memory-swap', '--memory-swappiness']);
    expect(await words('rm', 'cand')).toEqual(['candidate']);
    expect(await words('run', '--rm', 'busy')).toEqual(['busybox:latest']);
    await ok(['rm', 'candidate']);
  });
  return commands;
}
