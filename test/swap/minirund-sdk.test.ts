/** Docker's client libraries on minirund: dockerode, and the one for Python. */
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { create as createTar, list as listTar } from 'tar';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DockerDaemon, dockerDaemon } from './support/minirund.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, hasProgram } from './support/sandbox.ts';
import { undoFailed } from './support/undo-failed.ts';

const reason = noRuntime() ?? (hasProgram('docker') ? undefined : 'needs the program docker');
if (reason) console.log(`minirund-sdk: skipped, ${reason}`);

/** Debian's, which has Debian's python3-docker; another one may come first in PATH. */
const PYTHON = '/usr/bin/python3';

describe.skipIf(reason)('client libraries on minirund', () => {
  let daemon: DockerDaemon;
  undoFailed(() => [daemon]);
  let docker: Docker;
  beforeAll(async () => {
    daemon = await dockerDaemon('minirund');
    docker = new Docker({ socketPath: daemon.socket });
  });
  afterAll(async () => {
    await daemon?.place.end();
  });

  test('python3-docker: run, logs, exec, attach, stats, events, archives, images, volumes', async (ctx) => {
    if ((await daemon.place.run([PYTHON, '-c', 'import docker'])).code !== 0) ctx.skip("needs Debian's python3-docker");
    const script = join(import.meta.dirname, 'support/docker-sdk.py');
    const { code, out, err } = await daemon.place.run([PYTHON, script], { env: daemon.env });
    expect(code, `${out}${err}`).toBe(0);
    expect(out.trimEnd().split('\n')).toHaveLength(10);
  });

  const HostConfig = { NetworkMode: 'none' };
  const sink = () => {
    const stream = new PassThrough();
    return { stream, said: text(stream) };
  };

  test('dockerode: run, its streams and its exit code', async () => {
    const [out, err] = [sink(), sink()];
    const [result, container] = await docker.run('busybox', ['sh', '-c', 'echo out; echo err >&2; exit 3'], [out.stream, err.stream], {
      Tty: false,
      HostConfig,
    });
    expect(result.StatusCode).toBe(3);
    out.stream.end();
    err.stream.end();
    expect([await out.said, await err.said]).toEqual(['out\n', 'err\n']);
    await container.remove();
    await expect(docker.getContainer('nobody').inspect()).rejects.toMatchObject({ statusCode: 404 });
  });

  test('dockerode: attach with input before the start, logs, wait', async () => {
    const container = await docker.createContainer({ Image: 'busybox', Cmd: ['cat'], OpenStdin: true, StdinOnce: true, HostConfig });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    const out = sink();
    docker.modem.demuxStream(stream, out.stream, out.stream);
    stream.on('end', () => out.stream.end());
    await container.start();
    stream.write('hello ');
    stream.end('world\n');
    expect((await container.wait()).StatusCode).toBe(0);
    expect(await out.said).toBe('hello world\n');
    const logs = await container.logs({ stdout: true, stderr: true, timestamps: false });
    expect(logs.subarray(8).toString()).toBe('hello world\n');
    await container.remove();
  });

  test('dockerode: exec, resize, stats, top, follow logs, events, archives', async () => {
    const events = (await docker.getEvents({ filters: { container: ['lives'] } })) as Readable;
    let told = '';
    events.on('data', (piece: Buffer) => {
      told += piece.toString();
    });
    const container = await docker.createContainer({
      name: 'lives',
      Image: 'busybox',
      Cmd: ['sh', '-c', 'echo begin; sleep 1000'],
      Tty: true,
      Labels: { a: 'b' },
      HostConfig: { ...HostConfig, Memory: 64 << 20 },
    });
    await container.start();
    await container.resize({ h: 20, w: 70 });
    const follow = (await container.logs({ follow: true, stdout: true })) as Readable;
    expect(String((await once(follow, 'data'))[0])).toBe('begin\r\n');
    follow.destroy();

    const exec = await container.exec({ Cmd: ['sh', '-c', 'stty size < /dev/pts/0; cat; exit 5'], AttachStdin: true, AttachStdout: true });
    const stream = await exec.start({ hijack: true, stdin: true });
    const out = sink();
    docker.modem.demuxStream(stream, out.stream, out.stream);
    stream.on('end', () => out.stream.end());
    stream.end('through\n');
    expect(await out.said).toBe('20 70\nthrough\n');
    expect(await exec.inspect()).toMatchObject({ Running: false, ExitCode: 5 });

    const stats = await container.stats({ stream: false });
    expect(stats.memory_stats.limit).toBe(64 << 20);
    expect((await container.top()).Processes.flat().join(' ')).toContain('sleep 1000');
    expect((await docker.listContainers({ filters: { label: ['a=b'] } })).map(({ Names }) => Names)).toEqual([['/lives']]);

    const tar = createTar({ cwd: import.meta.dirname, portable: true }, ['minirund-sdk.test.ts']);
    await container.putArchive(await buffer(tar as unknown as Readable), { path: '/tmp' });
    const names: string[] = [];
    const got = await container.getArchive({ path: '/tmp/minirund-sdk.test.ts' });
    got.pipe(listTar({ onReadEntry: (entry) => names.push(entry.path) }) as unknown as NodeJS.WritableStream);
    await once(got, 'end');
    expect(names).toEqual(['minirund-sdk.test.ts']);

    await container.stop({ t: 0 });
    await container.remove();
    await eventually('all is told', () => told.includes('"destroy"'));
    (events as Readable).destroy();
    const actions = told
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { Action: string }).Action);
    expect(actions.filter((action) => /^(create|start|die|stop|destroy)$/.test(action))).toEqual([
      'create',
      'start',
      'die',
      'stop',
      'destroy',
    ]);
  });

  test('dockerode: images and volumes', async () => {
    const saved = await buffer((await docker.getImage('busybox').get()) as Readable);
    await docker.getImage('busybox').tag({ repo: 'again', tag: '1' });
    expect((await docker.listImages()).flatMap(({ RepoTags }) => RepoTags).sort()).toEqual(['again:1', 'busybox:latest']);
    await docker.getImage('again:1').remove();
    const loading = await docker.loadImage(PassThrough.from([saved]));
    const said = await new Promise<{ stream?: string }[]>((resolve, reject) =>
      docker.modem.followProgress(loading, (error, all) => (error ? reject(error) : resolve(all as { stream?: string }[]))),
    );
    expect(said.map(({ stream }) => stream ?? '').join('')).toContain('Loaded image: busybox:latest');
    await docker.createVolume({ Name: 'kept', Labels: { a: 'b' } });
    expect((await docker.listVolumes()).Volumes.map(({ Name }) => Name)).toEqual(['kept']);
    await docker.getVolume('kept').remove();
  });
});
