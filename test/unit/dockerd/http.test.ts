/** The API's frame: which handler a request is for, what it says, and how it is answered. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Code, ConnectError } from '@connectrpc/connect';
import * as v from 'valibot';
import { afterEach, describe, expect, it } from 'vitest';
import { createRequest } from '../../../src/dockerd/container/config.ts';
import { ApiError, asApiError } from '../../../src/dockerd/http/api-error.ts';
import { readJson } from '../../../src/dockerd/http/body.ts';
import { booleanFilter, filters, flag, integer, labelsMatch } from '../../../src/dockerd/http/query.ts';
import { API_VERSION, find, type Route, route } from '../../../src/dockerd/http/router.ts';
import { createApiServer } from '../../../src/dockerd/http/server.ts';
import { listen, parseAddress } from '../../../src/dockerd/listen.ts';

const none = () => undefined;
const query = (text: string) => new URLSearchParams(text);

describe('find', () => {
  const routes = [
    route('GET', '/images/{name...}/json', none),
    route('POST', '/containers/{id}/start', none),
    route('GET', '/_ping', none),
  ];

  it('takes paths apart, with a version and without', () => {
    expect(find(routes, 'GET', '/v1.41/images/localhost:5000/a/b:1/json')).toMatchObject({
      params: { name: 'localhost:5000/a/b:1' },
      version: [1, 41],
    });
    expect(find(routes, 'POST', '/containers/a%20b/start')).toMatchObject({
      params: { id: 'a b' },
      version: [1, Number(API_VERSION.slice(2))],
    });
  });

  it.each([
    ['GET', '/nothing', 404, 'page not found'],
    ['DELETE', '/_ping', 405, 'method DELETE'],
    ['POST', '/containers/a/b/start', 404, 'page not found'],
    ['GET', '/v1.99/_ping', 400, 'client version 1.99 is too new'],
    ['GET', '/v1.12/_ping', 400, 'client version 1.12 is too old'],
    ['POST', '/containers/%E0%A4%A/start', 400, 'not well encoded'],
  ])('%s %s is refused with %i', (method, path, status, message) => {
    const failure = asApiError(
      (() => {
        try {
          return find(routes, method, path);
        } catch (error) {
          return error;
        }
      })(),
    );
    expect(failure.status).toBe(status);
    expect(failure.message).toContain(message);
  });
});

describe('a query', () => {
  it('says yes and no as in Docker', () => {
    for (const yes of ['1', 'true', 'yes', 'anything']) expect(flag(query(`all=${yes}`), 'all')).toBe(true);
    for (const no of ['0', 'false', 'no', 'none', '']) expect(flag(query(`all=${no}`), 'all')).toBe(false);
    expect(flag(query(''), 'all', true)).toBe(true);
  });

  it('has whole numbers', () => {
    expect(integer(query('t=-1'), 't')).toBe(-1);
    expect(integer(query(''), 't')).toBeUndefined();
    expect(() => integer(query('t=1.5'), 't')).toThrow('invalid value for t: "1.5"');
  });

  it('has filters in both of their forms', () => {
    const wanted = (text: string) => [...filters(query(`filters=${encodeURIComponent(text)}`), ['label', 'dangling'])];
    expect(wanted('{"label":{"a=b":true,"c":false}}')).toEqual([['label', ['a=b']]]);
    expect(wanted('{"label":["a=b","c"]}')).toEqual([['label', ['a=b', 'c']]]);
    expect(() => wanted('{"other":["a"]}')).toThrow("invalid filter 'other'");
    expect(() => wanted('nonsense')).toThrow('is not JSON');
    expect(booleanFilter(new Map([['dangling', ['true']]]), 'dangling')).toBe(true);
    expect(() => booleanFilter(new Map([['dangling', ['perhaps']]]), 'dangling')).toThrow("invalid filter 'dangling=[perhaps]'");
    expect(labelsMatch(['a=b', 'c'], { a: 'b', c: '' })).toBe(true);
    expect(labelsMatch(['a=x'], { a: 'b' })).toBe(false);
  });
});

describe('a body', () => {
  const read = (text: string) => readJson(createRequest, Readable.from([Buffer.from(text)]));

  it('may leave out what it does not say, or say null', async () => {
    expect(await read('{"Image":"a","Cmd":null,"HostConfig":{"Memory":5,"Binds":null}}')).toMatchObject({
      Image: 'a',
      HostConfig: { Memory: 5 },
    });
    expect((await read('{"Cmd":"ls"}')).Cmd).toEqual(['ls']);
    expect(await read('')).toBeDefined();
  });

  it.each([
    ['{"HostConfig":{"Memory":"5m"}}', 'HostConfig.Memory'],
    ['{"Env":["a",5]}', 'Env.1'],
    ['{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":80}]}}}', 'HostConfig.PortBindings.80/tcp.0.HostPort'],
    ['{"Cmd"', 'invalid JSON in the request body'],
    ['[1]', 'invalid request body'],
    ['{"Labels":["a"]}', 'Labels'],
    ['{"HostConfig":{"PortBindings":[]}}', 'HostConfig.PortBindings'],
  ])('%s is refused with 400, and the field named', async (text, where) => {
    await expect(read(text)).rejects.toMatchObject({ status: 400, message: expect.stringContaining(where) });
  });

  it('that is too long is refused', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1 << 20, ' ');
      })(),
    );
    await expect(readJson(v.object({}), endless)).rejects.toMatchObject({ status: 413 });
  });
});

describe('errors', () => {
  it('of containerd have the status that Docker gives them', () => {
    expect(asApiError(new ConnectError('x: not found', Code.NotFound))).toMatchObject({ status: 404, message: 'x: not found' });
    expect(asApiError(new ConnectError('x', Code.AlreadyExists)).status).toBe(409);
    expect(asApiError(new Error('ENOSPC: no space left on device, write')).message).toContain('docker system prune');
    expect(asApiError(new Error('other'))).toMatchObject({ status: 500, message: 'other' });
  });
});

describe('addresses', () => {
  it.each([
    ['unix:///run/a.sock', { path: '/run/a.sock' }],
    ['tcp://127.0.0.1:2375', { host: '127.0.0.1', port: 2375 }],
    ['tcp://[::1]:1', { host: '::1', port: 1 }],
  ])('%s', (text, address) => expect(parseAddress(text)).toEqual(address));

  it.each([
    ['tcp://0.0.0.0:2375', 'loopback only'],
    ['/run/a.sock', 'write unix:///PATH'],
    [`unix:///${'a'.repeat(120)}`, 'longer than'],
  ])('%s is refused', (text, why) => expect(() => parseAddress(text)).toThrow(why));
});

describe('the server', () => {
  const ends: (() => Promise<void> | void)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function serve(routes: Route[]): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'minirun-http-'));
    const path = join(folder, 's');
    const api = createApiServer(routes, none, 'test');
    await listen(api.server, { path });
    ends.push(() => rmSync(folder, { recursive: true }), api.close);
    return path;
  }

  const ask = (socketPath: string, path: string, method = 'GET'): Promise<{ status: number; text: string; headers: object }> =>
    new Promise((resolve, reject) => {
      const asked = request({ socketPath, path, method }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (piece) => {
          text += piece;
        });
        answer.on('end', () => resolve({ status: answer.statusCode as number, text, headers: answer.headers }));
      });
      asked.on('error', reject).end();
    });

  /** All that comes on a connection after these bytes; the client closes its half at once. */
  const raw = (path: string, text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ path, allowHalfOpen: true });
      let all = '';
      socket.setEncoding('utf8').on('data', (piece) => {
        all += piece;
      });
      socket
        .on('error', reject)
        .on('close', () => resolve(all))
        .on('end', () => socket.end());
      socket.end(text);
    });

  it('answers in Docker’s form, and its socket is its owner’s alone', async () => {
    const path = await serve([
      route('GET', '/ok', (call) => call.reply(200, { a: 1 })),
      route('GET', '/no', () => {
        throw new ApiError(409, 'in use');
      }),
      route('GET', '/broken', () => {
        throw new Error('a fault of ours');
      }),
    ]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await ask(path, '/v1.41/ok')).toMatchObject({
      status: 200,
      text: '{"a":1}\n',
      headers: { 'api-version': API_VERSION, ostype: 'linux' },
    });
    expect(await ask(path, '/no')).toMatchObject({ status: 409, text: '{"message":"in use"}\n' });
    expect(await ask(path, '/broken')).toMatchObject({ status: 500, text: '{"message":"a fault of ours"}\n' });
    expect((await ask(path, '/missing')).status).toBe(404);
  });

  it('what is no request gets 400, and the next one is served', async () => {
    const path = await serve([route('GET', '/ok', (call) => call.empty(204))]);
    expect(await raw(path, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*\{"message":/);
    expect((await ask(path, '/ok')).status).toBe(204);
  });

  it('a connection becomes a stream: what came behind the header is its first input, and its halves close apart', async () => {
    const path = await serve([
      route('POST', '/take', (call) => {
        const socket = call.hijack();
        let heard = '';
        socket.on('data', (piece) => {
          heard += piece;
        });
        socket.on('end', () => socket.end(`heard ${heard}`));
      }),
      route('POST', '/told', async (call) => {
        const told = await call.json(v.object({ word: v.string() }));
        call.hijack().end(told.word);
      }),
    ]);
    const upgrade = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';
    const taken = await raw(path, `POST /take HTTP/1.1\r\nHost: d\r\n${upgrade}\r\nhello`);
    expect(taken).toMatch(/^HTTP\/1\.1 101 UPGRADED\r\n[\s\S]*\r\n\r\nheard hello$/);
    const body = '{"word":"spoken"}';
    const told = await raw(
      path,
      `POST /told HTTP/1.1\r\nHost: d\r\n${upgrade}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(told).toMatch(/101 UPGRADED[\s\S]*\r\n\r\nspoken$/);
    const wrong = await raw(
      path,
      `POST /told HTTP/1.1\r\nHost: d\r\n${upgrade}Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    );
    expect(wrong).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*word/);
  });

  it('who is refused is heard to the end: a client that still sends would tell a broken connection instead of the answer', async () => {
    const path = await serve([
      route('PUT', '/no', () => {
        throw new ApiError(409, 'no room for that');
      }),
    ]);
    const answer = await new Promise<string>((resolve, reject) => {
      const asked = request({ socketPath: path, path: '/no', method: 'PUT' }, (response) => {
        let text = '';
        response.on('data', (piece) => {
          text += piece;
        });
        response.on('end', () => resolve(text));
      });
      asked.on('error', reject);
      for (let i = 0; i < 20; i++) asked.write(Buffer.alloc(1 << 20));
      setTimeout(() => asked.end(), 100);
    });
    expect(answer).toBe('{"message":"no room for that"}\n');
  });

  it('an older client gets a bare 200 for the same', async () => {
    const path = await serve([route('POST', '/take', (call) => void call.hijack().end('bytes'))]);
    expect(await raw(path, 'POST /take HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nbytes$/,
    );
  });

  it('a second daemon on the same socket is refused', async () => {
    const path = await serve([]);
    const other = createApiServer([], none, 'other');
    await expect(listen(other.server, { path })).rejects.toThrow('another daemon listens there');
  });
});
