/** Clients that do not behave, more work than usual, and no room on the disk: minirund answers or refuses, stays up, and loses nothing. */
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nothingLeft, present } from './support/leftovers.ts';
import { type DockerDaemon, dockerDaemon } from './support/minirund.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, hasProgram } from './support/sandbox.ts';
import { undoFailed } from './support/undo-failed.ts';

const reason = noRuntime() ?? (hasProgram('docker') ? undefined : 'needs the program docker');
if (reason) console.log(`minirund-load: skipped, ${reason}`);

const SLOWNESS = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);
const NONE = ['--network', 'none'];
const MB = 1 << 20;
/** What a flood of output may cost the daemon: a few buffers, whatever the length of the flood. */
const MOST_FOR_A_FLOOD = 80 * MB;

describe.skipIf(reason)('minirund under load', () => {
  let daemon: DockerDaemon;
  undoFailed(() => [daemon]);
  let before: string[];
  beforeAll(async () => {
    daemon = await dockerDaemon('minirund', { env: { MINIRUN_SHIM_LINGER: '0.2' } });
    await daemon.ok(['run', '--rm', ...NONE, '-v', 'first:/v', 'busybox', 'true']);
    await daemon.ok(['volume', 'rm', 'first']);
    await sleep(500);
    before = await present(daemon);
  });
  afterAll(async () => {
    await daemon?.place.end();
  });
  const ok = (...args: string[]) => daemon.ok(args);
  const agent = new Agent({ keepAlive: true, maxSockets: 100 });
  afterAll(() => agent.destroy());

  /** One request of a client that speaks HTTP properly. */
  const ask = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
      const asked = request({
        socketPath: daemon.socket,
        agent,
        method,
        path,
        headers: { ...(text ? { 'Content-Type': 'application/json' } : {}), ...headers },
      });
      asked.on('response', (response) => {
        let said = '';
        response.setEncoding('utf8').on('data', (piece: string) => {
          said += piece;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: said }));
      });
      asked.on('error', reject).end(text);
    });
  const config = (Cmd: string[], more: object = {}) => ({ Image: 'busybox', Cmd, HostConfig: { NetworkMode: 'none' }, ...more });

  /** A connection of one who writes what he likes. */
  const open = (text: string | Buffer): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ path: daemon.socket, allowHalfOpen: true }, () => {
        socket.write(text);
        resolve(socket);
      });
      socket.on('error', reject);
    });
  /** All that comes back until the daemon closes, or for a second. */
  const answer = async (text: string | Buffer): Promise<string> => {
    const socket = await open(text);
    let said = '';
    socket.on('error', () => {});
    socket.on('data', (piece) => {
      said += piece.toString('latin1');
    });
    await Promise.race([new Promise((closed) => socket.on('end', closed)), sleep(1000)]);
    socket.destroy();
    return said;
  };

  /** Bytes. */
  const memory = async (): Promise<number> =>
    Number(await daemon.inside(`awk '/^VmRSS/ { print $2 * 1024 }' /proc/${daemon.pid()}/status`));
  const descriptors = async (): Promise<number> => Number(await daemon.inside(`ls /proc/${daemon.pid()}/fd | wc -l`));
  /** The most that it uses while something happens, more than before. */
  const growthDuring = async (act: () => Promise<unknown>): Promise<number> => {
    const start = await memory();
    let most = start;
    let over = false;
    const done = act().finally(() => {
      over = true;
    });
    while (!over) {
      most = Math.max(most, await memory());
      await Promise.race([done.catch(() => {}), sleep(200)]);
    }
    await done;
    return most - start;
  };

  test('what is no HTTP, and bodies that are not what they should be: refused, each with a reason', async () => {
    const POST = 'POST /v1.41/containers/create HTTP/1.1\r\nHost: x\r\n';
    for (const text of [
      'GARBAGE\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00',
      `GET /_ping HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(200_000)}\r\n\r\n`,
      `GET /${'y'.repeat(200_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      `${POST}Content-Length: -1\r\n\r\n{}`,
      `${POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
      `${POST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`,
      `${POST}Content-Length: 99999999999\r\nTransfer-Encoding: chunked\r\n\r\n`,
    ])
      expect(await answer(text), JSON.stringify(text.slice(0, 80))).toMatch(/^HTTP\/1\.1 4\d\d /);

    const bodies: [unknown, RegExp][] = [
      ['{', /JSON/],
      ['[]', /body|object/i],
      ['"text"', /body|object/i],
      [{ Image: 5 }, /Image/],
      [{ Image: 'busybox', Cmd: 5 }, /Cmd/],
      [{ Image: 'busybox', HostConfig: { Memory: 'much' } }, /HostConfig\.Memory/],
      [{ Image: 'busybox', HostConfig: { Binds: [1] } }, /HostConfig\.Binds/],
      [{ Image: 'busybox', Env: { A: 1 } }, /Env/],
      [{ Image: 'busybox', Labels: ['a'] }, /Labels/],
      [{ Image: 'busybox', ExposedPorts: 'x' }, /ExposedPorts/],
      [{ Image: '../../etc' }, /invalid reference/],
      [{ Image: 'x'.repeat(20_000) }, /./],
      [`{"Image":"busybox","Env":["${'x'.repeat(20 * MB)}"]}`, /./],
      [`${'['.repeat(200_000)}`, /./],
    ];
    for (const [body, wanted] of bodies) {
      const { status, body: said } = await ask('POST', '/v1.41/containers/create', body);
      const what = JSON.stringify(body).slice(0, 80);
      expect(status, `${what}: ${said.slice(0, 200)}`).toBeGreaterThanOrEqual(400);
      expect(status, `${what}: ${said.slice(0, 200)}`).toBeLessThan(500);
      expect((JSON.parse(said) as { message: string }).message).toMatch(wanted);
    }
    for (const [method, path, status] of [
      ['GET', '/v1.41/containers/%zz/json', 400],
      ['GET', '/v1.41/containers/..%2f..%2fetc/json', 404],
      ['GET', '/v1.99/containers/json', 400],
      ['GET', '/v1.1/containers/json', 400],
      ['GET', '/nothing', 404],
      ['PATCH', '/v1.41/containers/json', 405],
      ['GET', '/v1.41/containers/json?filters=%7B', 400],
      ['GET', '/v1.41/containers/json?limit=x', 400],
      ['POST', '/v1.41/containers/create?name=a/b', 400],
      ['GET', '/v1.41/containers/x/logs', 404],
      ['POST', '/v1.41/containers/nobody/attach?stream=1&stdout=1', 404],
      ['POST', '/v1.41/exec/nobody/start', 404],
      ['POST', '/v1.41/containers/nobody/resize?h=x&w=1', 404],
    ] as const)
      expect((await ask(method, path)).status, `${method} ${path}`).toBe(status);
    expect(await ok('ps', '-aq')).toBe('');
  });

  test('clients that come and say nothing, or go in the middle: their connections are let go', async () => {
    await ok('run', '-d', '-i', '--name', 'talks', ...NONE, 'busybox', 'sh', '-c', 'while :; do echo still here; sleep 0.1; done');
    const base = await descriptors();
    const UPGRADE = 'HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n';
    const sockets: Socket[] = [];
    for (let i = 0; i < 20; i++) {
      for (const text of [
        '',
        'POST /v1.41/containers/cre',
        'POST /v1.41/containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"Image"',
        `POST /v1.41/containers/talks/attach?stream=1&stdout=1&stdin=1 ${UPGRADE}`,
        `POST /v1.41/containers/talks/wait HTTP/1.1\r\nHost: x\r\n\r\n`,
        'GET /v1.41/events HTTP/1.1\r\nHost: x\r\n\r\n',
        'GET /v1.41/containers/talks/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n',
        'GET /v1.41/containers/talks/stats?stream=1 HTTP/1.1\r\nHost: x\r\n\r\n',
      ])
        sockets.push(await open(text));
    }
    await sleep(300);
    for (const [i, socket] of sockets.entries()) {
      socket.on('error', () => {});
      // Half of them close their own half first.
      if (i % 2) socket.end();
    }
    expect(await ok('exec', 'talks', 'echo', 'well')).toBe('well');
    await sleep(300);
    for (const socket of sockets) socket.destroy();
    await eventually('all connections are closed', async () => (await descriptors()) <= base + 2);
    await ok('rm', '-f', 'talks');
  });

  test('one who attaches and never reads: the container waits, the daemon does not grow, and goes on when that one has gone', async () => {
    await ok(
      'create',
      '-t',
      '--name',
      'flood',
      ...NONE,
      'busybox',
      'sh',
      '-c',
      'head -c 200000000 /dev/zero | tr "\\0" "\\n" | cat; echo over',
    );
    const silent = await open(
      'POST /v1.41/containers/flood/attach?stream=1&stdout=1&stderr=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n',
    );
    silent.on('error', () => {});
    await sleep(200);
    silent.pause();
    const grown = await growthDuring(async () => {
      await ok('start', 'flood');
      await sleep(3000);
      expect(await ok('inspect', '-f', '{{.State.Status}}', 'flood')).toBe('running');
    });
    expect(grown).toBeLessThan(MOST_FOR_A_FLOOD);
    silent.destroy();
    await sleep(500);
    await ok('rm', '-f', 'flood');
  });

  test(
    'logs -f of 200 MB, with others who do not read theirs: all of it comes, and meanwhile others are served',
    async () => {
      const LINES = 2_000_000;
      // 100 bytes a line.
      const script = `yes 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789 | cut -c 1-99 | head -n ${LINES}`;
      await ok('run', '-d', '--name', 'prints', ...NONE, 'busybox', 'sh', '-c', script);
      const silent = await Promise.all(
        Array.from({ length: 5 }, () => open('GET /v1.41/containers/prints/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n')),
      );
      for (const socket of silent) socket.on('error', () => {}).pause();
      const waits: number[] = [];
      let over = false;
      const served = (async () => {
        while (!over) {
          const since = performance.now();
          expect((await ask('GET', '/v1.41/containers/json')).status).toBe(200);
          waits.push(performance.now() - since);
          await sleep(50);
        }
      })();
      const grown = await growthDuring(async () => {
        expect(await daemon.inside('docker logs -f prints | wc -lc')).toMatch(new RegExp(`^\\s*${LINES}\\s+${LINES * 100}$`));
      });
      over = true;
      await served;
      for (const socket of silent) socket.destroy();
      waits.sort((a, b) => a - b);
      console.log(
        `minirund-load: logs -f of 200 MB: ${Math.round(grown / MB)} MB more; ps meanwhile: ${Math.round(waits.at(-1) ?? 0)} ms at most`,
      );
      expect(grown).toBeLessThan(MOST_FOR_A_FLOOD);
      expect(waits[Math.floor(waits.length * 0.9)]).toBeLessThan(1000);
      await ok('rm', '-f', 'prints');
    },
    90_000 * SLOWNESS,
  );

  test('one container that prints as fast as it can: the others are served all the same', async () => {
    await ok('run', '-d', '--name', 'yes', '--log-opt', 'max-size=5m', ...NONE, 'busybox', 'yes');
    const took = async (act: () => Promise<unknown>): Promise<number> => {
      const since = performance.now();
      await act();
      return performance.now() - since;
    };
    const asked: number[] = [];
    for (let i = 0; i < 20; i++) asked.push(await took(() => ask('GET', '/v1.41/containers/json')));
    const ran = await took(() => ok('run', '--rm', ...NONE, 'busybox', 'true'));
    asked.sort((a, b) => a - b);
    console.log(`minirund-load: beside yes: ps ${Math.round(asked[10] ?? 0)} ms, run ${Math.round(ran)} ms`);
    expect(asked[10]).toBeLessThan(200 * SLOWNESS);
    await ok('rm', '-f', 'yes');
    await nothingLeft(daemon, before);
  });

  test('500 requests at once, and fifty that want the same name', async () => {
    await ok('create', '--name', 'there', ...NONE, 'busybox', 'true');
    const wanted: Promise<{ status: number }>[] = [];
    for (let i = 0; i < 150; i++) {
      wanted.push(ask('GET', '/v1.41/containers/json?all=1'));
      wanted.push(ask('GET', '/v1.41/containers/there/json'));
    }
    const made = Array.from({ length: 150 }, (_, i) => ask('POST', `/v1.41/containers/create?name=made-${i}`, config(['true'])));
    const same = Array.from({ length: 50 }, () => ask('POST', '/v1.41/containers/create?name=same', config(['true'])));
    for (const { status } of await Promise.all(wanted)) expect(status).toBe(200);
    for (const { status, body } of await Promise.all(made)) expect(status, body).toBe(201);
    const statuses = (await Promise.all(same)).map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array.from({ length: 49 }, () => 409)]);
    expect((await ok('ps', '-aq')).split('\n')).toHaveLength(152);
    const gone = await Promise.all(Array.from({ length: 150 }, (_, i) => ask('DELETE', `/v1.41/containers/made-${i}`)));
    for (const { status, body } of gone) expect(status, body).toBe(204);
    await ok('rm', 'there', 'same');
    await nothingLeft(daemon, before);
  });

  const cycle = async (name: string, cmd: string[], code: number): Promise<void> => {
    const created = await ask('POST', `/v1.41/containers/create?name=${name}`, config(cmd));
    expect(created.status, created.body).toBe(201);
    const started = await ask('POST', `/v1.41/containers/${name}/start`);
    expect(started.status, started.body).toBe(204);
    const { StatusCode } = JSON.parse((await ask('POST', `/v1.41/containers/${name}/wait`)).body) as { StatusCode: number };
    expect(StatusCode).toBe(code);
    const removed = await ask('DELETE', `/v1.41/containers/${name}`);
    expect(removed.status, removed.body).toBe(204);
  };

  test('fifty containers at once, each with its output and exit code', async () => {
    const started = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const created = await ask(
          'POST',
          `/v1.41/containers/create?name=at-once-${i}`,
          config(['sh', '-c', `echo ${i}; sleep 0.5; exit ${i}`]),
        );
        expect(created.status, created.body).toBe(201);
        return ask('POST', `/v1.41/containers/at-once-${i}/start`);
      }),
    );
    for (const { status, body } of started) expect(status, body).toBe(204);
    const names = Array.from({ length: 50 }, (_, i) => `at-once-${i}`);
    expect((await ok('wait', ...names)).split('\n')).toEqual(names.map((_, i) => String(i)));
    for (const [i, name] of names.entries()) if (i % 10 === 0) expect(await ok('logs', name)).toBe(String(i));
    await ok('rm', ...names);
    await nothingLeft(daemon, before);
  });

  test('run and rm, 360 times: no descriptor, mount or cgroup stays, and memory does not grow with them', async () => {
    const samples: number[] = [];
    let fds = 0;
    // The first half lets V8 find the size that it needs, after all that came before.
    for (let round = 0; round < 18; round++) {
      await Promise.all(
        Array.from({ length: 4 }, async (_, worker) => {
          for (let i = 0; i < 5; i++) await cycle(`cycle-${round}-${worker}-${i}`, ['sh', '-c', 'echo x; exit 3'], 3);
        }),
      );
      samples.push(await memory());
      if (round === 1) fds = await descriptors();
    }
    agent.destroy();
    await eventually('no descriptor stays', async () => (await descriptors()) <= fds);
    const [early, late] = [Math.min(...samples.slice(8, 13)), Math.min(...samples.slice(13))];
    console.log(`minirund-load: memory after each 20 cycles, MB: ${samples.map((bytes) => Math.round(bytes / MB)).join(' ')}`);
    // A tenth of a MB for each of 100 cycles: a container that is kept costs more.
    expect(late - early).toBeLessThan(10 * MB);
    await nothingLeft(daemon, before);
  });
});
