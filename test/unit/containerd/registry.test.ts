import { createServer, request as sendHttp } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BlobSink, fetchBlob } from '../../../src/containerd/registry/blobs.ts';
import { parseChallenges } from '../../../src/containerd/registry/challenge.ts';
import { parseDockerConfig } from '../../../src/containerd/registry/credentials.ts';
import { listRepositories, listTags, nextPage } from '../../../src/containerd/registry/lists.ts';
import { login } from '../../../src/containerd/registry/login.ts';
import { parseConfig, parseManifest } from '../../../src/containerd/registry/manifest.ts';
import { getManifest, headManifest } from '../../../src/containerd/registry/manifests.ts';
import { proxiesOf, proxyFor } from '../../../src/containerd/registry/proxy.ts';
import { openRegistry, type Registry } from '../../../src/containerd/registry/registry.ts';
import { retryAfter } from '../../../src/containerd/registry/retry.ts';
import { isInsecure, type RegistrySettings } from '../../../src/containerd/registry/settings.ts';
import { addImage, CONFIG, INDEX, incompressible, LAYER, MANIFEST } from './support/tiny-image.ts';
import { sha256, type TinyRegistry, tinyRegistry } from './support/tiny-registry.ts';

/** So much for the registry's own answer. */
const handled = (..._: unknown[]): true => true;

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of list) found.push(one);
  return found;
}

const FAST = { attempts: 4, delay: 1, longest: 50 };

/** What a blob is written to: memory. */
function memorySink(): BlobSink & { bytes(): Buffer } {
  let bytes = Buffer.alloc(0);
  return {
    get offset() {
      return bytes.length;
    },
    write: async (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
    },
    truncate: async (offset) => {
      bytes = bytes.subarray(0, offset);
    },
    bytes: () => bytes,
  };
}

describe('a registry that misbehaves', () => {
  let tiny: TinyRegistry;
  const opened: Registry[] = [];
  const open = (settings: RegistrySettings = {}, where = tiny.host) => {
    const registry = openRegistry(where, { retry: FAST, ...settings });
    opened.push(registry);
    return registry;
  };
  beforeEach(async () => {
    tiny = await tinyRegistry();
  });
  afterEach(async () => {
    for (const registry of opened.splice(0)) registry.close();
    await tiny.close();
  });

  const blobOf = (size: number) => {
    const bytes = incompressible(size);
    return { bytes, descriptor: { mediaType: LAYER, ...tiny.addBlob(bytes) } };
  };

  it('goes on where the connection was cut, again and again', async () => {
    const { bytes, descriptor } = blobOf(1_000_000);
    let cuts = 0;
    tiny.mischief = ({ path, headers }, answer) => {
      // More cuts than attempts: each of them brought something.
      if (!path.includes('/blobs/') || cuts >= 8) return false;
      cuts++;
      const start = Number(/\d+/.exec(headers.range ?? '0')?.[0]);
      const length = bytes.length - start;
      answer.writeHead(start > 0 ? 206 : 200, {
        'content-length': length,
        ...(start > 0 && { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` }),
      });
      answer.write(bytes.subarray(start, start + 100_000), () => setTimeout(() => answer.destroy(), 5));
      return true;
    };
    const sink = memorySink();
    await fetchBlob(open(), 'a', descriptor, sink);
    expect(sink.bytes().equals(bytes)).toBe(true);
    expect(cuts).toBe(8);
    const ranges = tiny.seen.filter(({ path }) => path.includes('/blobs/')).map(({ headers }) => headers.range);
    expect(ranges.slice(0, 3)).toEqual([undefined, 'bytes=100000-', 'bytes=200000-']);
  });

  it('gives up when it stands still', async () => {
    const { descriptor } = blobOf(1000);
    tiny.mischief = ({ path }, answer) => path.includes('/blobs/') && handled(answer.destroy());
    await expect(fetchBlob(open(), 'a', descriptor, memorySink())).rejects.toThrow(
      /failed to do request: GET .*\/v2\/a\/blobs\/sha256:.*socket hang up/,
    );
  });

  it('begins anew where a server does not know ranges', async () => {
    const { bytes, descriptor } = blobOf(1000);
    tiny.mischief = ({ path }, answer) =>
      path.includes('/blobs/') && handled(answer.writeHead(200, { 'content-length': bytes.length }).end(bytes));
    const sink = memorySink();
    await sink.write(bytes.subarray(0, 400));
    await fetchBlob(open(), 'a', descriptor, sink);
    expect(sink.bytes().equals(bytes)).toBe(true);
  });

  it('refuses another range than it asked for, and more bytes than were announced', async () => {
    const { bytes, descriptor } = blobOf(1000);
    tiny.mischief = ({ path }, answer) =>
      path.includes('/blobs/') && handled(answer.writeHead(206, { 'content-range': 'bytes 0-999/1000' }).end(bytes));
    const sink = memorySink();
    await sink.write(bytes.subarray(0, 400));
    await expect(fetchBlob(open(), 'a', descriptor, sink)).rejects.toThrow(
      'asked for bytes from 400 on, was answered with "bytes 0-999/1000"',
    );
    tiny.mischief = ({ path }, answer) => path.includes('/blobs/') && handled(answer.writeHead(200).write(bytes), answer.end(bytes));
    await expect(fetchBlob(open(), 'a', descriptor, memorySink())).rejects.toThrow('more than the 1000 bytes that the manifest says');
    tiny.mischief = ({ path }, answer) =>
      path.includes('/blobs/') && handled(answer.writeHead(200, { 'content-length': 2000 }).end(Buffer.alloc(2000)));
    await expect(fetchBlob(open(), 'a', descriptor, memorySink())).rejects.toThrow('2000 bytes, but the manifest says 1000');
  });

  it('comes back after 503, and after 429 when it was told to', async () => {
    const { target } = addImage(tiny, 'a', 'x', ['one']);
    const times: number[] = [];
    tiny.mischief = ({ path }, answer) => {
      if (!path.includes('/manifests/')) return false;
      times.push(Date.now());
      if (times.length === 1) return handled(answer.writeHead(503).end());
      if (times.length === 2) return handled(answer.writeHead(429, { 'retry-after': '1' }).end());
      return false;
    };
    const slow = { attempts: 4, delay: 1, longest: 1500 };
    expect(await headManifest(open({ retry: slow }), 'a', 'x')).toEqual(target);
    expect(times).toHaveLength(3);
    expect((times[2] as number) - (times[1] as number)).toBeGreaterThanOrEqual(950);
  });

  it('does not ask again for what is refused', async () => {
    await expect(headManifest(open(), 'a', 'x')).rejects.toThrow(
      /unexpected status from HEAD request to http:.*\/v2\/a\/manifests\/x: 404 Not Found/,
    );
    await expect(getManifest(open(), 'a', 'x')).rejects.toThrow('404 Not Found: manifest unknown: manifest_unknown');
    expect(tiny.seen.filter(({ path }) => path.includes('/manifests/'))).toHaveLength(2);
  });

  it('sends nothing secret to where it is sent on, and not on the way back either', async () => {
    const elsewhere = await tinyRegistry();
    try {
      const { bytes, descriptor } = blobOf(5000);
      elsewhere.mischief = ({ path }, answer) => {
        if (path === '/store/1') answer.writeHead(302, { location: `${tiny.url}/final` }).end();
        return path === '/store/1';
      };
      tiny.mischief = ({ path, headers }, answer) => {
        if (path === '/final') return handled(answer.writeHead(200, { 'content-length': bytes.length }).end(bytes));
        if (headers.authorization === undefined) return handled(answer.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end());
        if (path.includes('/blobs/'))
          return handled(answer.writeHead(307, { location: `${elsewhere.url}/store/1?signature=secret` }).end());
        return false;
      };
      const sink = memorySink();
      await fetchBlob(open({ credentials: () => ({ username: 'u', password: 'p' }) }), 'a', descriptor, sink);
      expect(sink.bytes().equals(bytes)).toBe(true);
      expect(tiny.seen.find(({ path }) => path.includes('/blobs/'))?.headers.authorization).toBe(`Basic ${btoa('u:p')}`);
      expect(elsewhere.seen[0]?.headers.authorization).toBeUndefined();
      expect(tiny.seen.find(({ path }) => path === '/final')?.headers.authorization).toBeUndefined();
    } finally {
      await elsewhere.close();
    }
  });

  it('says what to do when the registry speaks plain HTTP', async () => {
    await expect(open({}, `https://${tiny.host}`).base()).rejects.toThrow(
      `server gave HTTP response to HTTPS client; if ${tiny.host} is yours and the network is trusted, list it in insecure-registries`,
    );
  });

  it('is reached through a proxy, which is asked for whole URLs', async () => {
    const { target } = addImage(tiny, 'a', 'x', ['one']);
    const asked: string[] = [];
    const proxy = createServer((request, answer) => {
      asked.push(`${request.method} ${request.url} ${request.headers.host} ${request.headers['proxy-authorization']}`);
      const { method, headers } = request;
      request.pipe(
        sendHttp(`${tiny.url}${new URL(request.url ?? '').pathname}`, { method, headers }, (back) =>
          back.pipe(answer.writeHead(back.statusCode ?? 0, back.headers)),
        ),
      );
    });
    // A host that is not this machine: TLS is tried first, in a tunnel that this proxy refuses.
    proxy.on('connect', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    const url = `http://u:p@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    try {
      const settings = { proxies: { http: url, https: url } };
      expect(await headManifest(open(settings, 'http://registry.test:5000'), 'a', 'x')).toEqual(target);
      expect(asked[1]).toBe(`HEAD http://registry.test:5000/v2/a/manifests/x registry.test:5000 Basic ${btoa('u:p')}`);
      await expect(headManifest(open(settings, 'registry.test:5000'), 'a', 'x')).rejects.toThrow(
        'refused a connection to registry.test:5000: status 403',
      );
    } finally {
      proxy.closeAllConnections();
      await new Promise((done) => proxy.close(done));
    }
  });

  it('gives up on one that says no more, in the middle of a blob and before an answer', async () => {
    const { descriptor } = blobOf(100_000);
    const patience = { asking: 500, sending: 500 };
    tiny.mischief = ({ path, headers }, answer) => {
      if (!path.includes('/blobs/')) return false;
      if (headers.range) return true; // never answered
      answer.writeHead(200, { 'content-length': '100000' }).write(Buffer.alloc(1000));
      return true;
    };
    const sink = memorySink();
    await expect(fetchBlob(open({ patience, retry: { ...FAST, attempts: 2 } }), 'a', descriptor, sink)).rejects.toThrow(
      /blobs\/sha256:[0-9a-f]{64}.*no answer for 0.5 s/,
    );
    expect(sink.offset).toBe(1000);
    tiny.mischief = ({ path, headers, method }, answer) => {
      if (!path.includes('/blobs/') || method !== 'GET') return false;
      const from = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0);
      if (from > 0) answer.setHeader('content-range', `bytes ${from}-99999/100000`);
      answer.writeHead(from > 0 ? 206 : 200, { 'content-length': String(100_000 - from) }).flushHeaders();
      return true;
    };
    await expect(fetchBlob(open({ patience, retry: { ...FAST, attempts: 2 } }), 'a', descriptor, sink)).rejects.toThrow(
      /blob sha256:[0-9a-f]{64}: .*no byte for 0.5 s/,
    );
  });

  it('logs in to a registry that gives tokens to those it knows', async () => {
    tiny.mischief = ({ path, headers }, answer) => {
      if (path === '/token') {
        if (headers.authorization === `Basic ${btoa('me:right')}`) return handled(answer.end('{"access_token":"yes"}'));
        return handled(answer.writeHead(401).end('{"details":"incorrect username or password"}'));
      }
      return headers.authorization === 'Bearer yes'
        ? false
        : handled(answer.writeHead(401, { 'www-authenticate': `Bearer realm="${tiny.url}/token"` }).end());
    };
    await login(tiny.host, { username: 'me', password: 'right' }, { retry: FAST });
    await expect(login(tiny.host, { username: 'me', password: 'wrong' }, { retry: FAST })).rejects.toThrow(
      `Get "${tiny.url}/v2/": unauthorized: incorrect username or password`,
    );
  });

  it('stops going round in circles', async () => {
    tiny.mischief = ({ path }, answer) =>
      path.includes('/blobs/') && handled(answer.writeHead(302, { location: '/v2/a/blobs/again' }).end());
    await expect(fetchBlob(open(), 'a', blobOf(10).descriptor, memorySink())).rejects.toThrow('stopped after 10 redirects');
  });

  describe('tokens', () => {
    /** A registry that wants tokens, and the server that gives them. */
    const demand = (life = 300) => {
      const given: { scopes: string[]; authorization: string | undefined; form: string }[] = [];
      tiny.mischief = ({ path, query, headers, body }, answer) => {
        if (path === '/token') {
          given.push({ scopes: query.getAll('scope'), authorization: headers.authorization, form: body.toString() });
          answer.end(JSON.stringify({ token: `t${given.length}`, expires_in: life }));
          return true;
        }
        if (headers.authorization === `Bearer t${given.length}`) return false;
        const challenge = `Bearer realm="${tiny.url}/token",service="tiny, registry",scope="repository:a:pull"`;
        answer
          .writeHead(401, { 'www-authenticate': challenge })
          .end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}');
        return true;
      };
      return given;
    };

    it('fetches one for a scope, once, also for several requests at a time', async () => {
      const { target, config } = addImage(tiny, 'a', 'x', ['one']);
      const given = demand();
      const registry = open();
      await registry.base();
      await Promise.all([
        headManifest(registry, 'a', 'x'),
        headManifest(registry, 'a', target.digest),
        fetchBlob(registry, 'a', config, memorySink()),
      ]);
      expect(given).toEqual([{ scopes: ['repository:a:pull'], authorization: undefined, form: '' }]);
      expect(tiny.seen.find(({ path }) => path === '/token')?.query.get('service')).toBe('tiny, registry');
    });

    it('shows the password to the token server, the token to the registry', async () => {
      addImage(tiny, 'a', 'x', ['one']);
      const given = demand();
      await headManifest(open({ credentials: () => ({ username: 'me', password: 'secret' }) }), 'a', 'x');
      expect(given[0]?.authorization).toBe(`Basic ${btoa('me:secret')}`);
      expect(tiny.seen.filter(({ path }) => path !== '/token').every(({ headers }) => !headers.authorization?.startsWith('Basic'))).toBe(
        true,
      );
    });

    it('gives the identity token of a login, and takes a new token when the old one is refused', async () => {
      addImage(tiny, 'a', 'x', ['one']);
      const given = demand();
      const registry = open({ credentials: () => ({ identityToken: 'refresh me' }) });
      await headManifest(registry, 'a', 'x');
      expect(new URLSearchParams(given[0]?.form).get('refresh_token')).toBe('refresh me');
      given.push({ scopes: [], authorization: undefined, form: '' }); // t1 counts no longer
      await headManifest(registry, 'a', 'x');
      expect(given).toHaveLength(3);
    });

    it('does not begin again and again when no token is good enough', async () => {
      const given = demand();
      const deny = tiny.mischief;
      tiny.mischief = (seen, answer) =>
        seen.path === '/token'
          ? (deny?.(seen, answer) ?? false)
          : handled(answer.writeHead(401, { 'www-authenticate': `Bearer realm="${tiny.url}/token"` }).end());
      await expect(headManifest(open(), 'a', 'x')).rejects.toThrow('401 Unauthorized');
      expect(given.length).toBeLessThanOrEqual(2);
    });

    it.each(['file:///etc/passwd', 'nonsense', ''])('asks no token server at %j', async (realm) => {
      tiny.mischief = (_, answer) => handled(answer.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end());
      await expect(headManifest(open(), 'a', 'x')).rejects.toThrow('names no token server that can be asked');
    });
  });

  it('reads lists page by page, but not from another host', async () => {
    const pages = [['a', 'b'], ['c'], ['d']];
    tiny.mischief = ({ path, query }, answer) => {
      if (!path.endsWith('/tags/list') && path !== '/v2/_catalog') return false;
      const page = Number(query.get('last') ?? 0);
      const link = page < 2 ? { link: `<${path}?n=1000&last=${page + 1}>; rel="next"` } : {};
      answer.writeHead(200, link).end(JSON.stringify({ tags: pages[page], repositories: pages[page] }));
      return true;
    };
    expect(await all(listTags(open(), 'a'))).toEqual(['a', 'b', 'c', 'd']);
    expect(await all(listRepositories(open()))).toEqual(['a', 'b', 'c', 'd']);
    tiny.mischief = ({ path }, answer) =>
      path.endsWith('/list') && handled(answer.writeHead(200, { link: '<http://example.invalid/x>; rel="next"' }).end('{"tags":["a"]}'));
    await expect(all(listTags(open(), 'a'))).rejects.toThrow('at another host');
  });

  it('refuses manifests that are not what was asked for, or too long', async () => {
    const { target } = addImage(tiny, 'a', 'x', ['one']);
    const wrong = Buffer.from('{"schemaVersion":2}');
    tiny.mischief = ({ path }, answer) =>
      path.includes('/manifests/') && handled(answer.writeHead(200, { 'content-type': MANIFEST }).end(wrong));
    await expect(getManifest(open(), 'a', target.digest)).rejects.toThrow(`unexpected digest ${sha256(wrong)}`);
    tiny.mischief = ({ path }, answer) =>
      path.includes('/manifests/') && handled(answer.writeHead(200, { 'content-type': MANIFEST }).end(Buffer.alloc((4 << 20) + 1)));
    await expect(getManifest(open(), 'a', 'x')).rejects.toThrow('longer than 4194304 bytes');
  });
});

describe('what registries say', () => {
  it('challenges', () => {
    expect(parseChallenges('Bearer realm="https://a/t",service="x",scope="repository:a:pull,push"')).toEqual([
      { scheme: 'bearer', parameters: { realm: 'https://a/t', service: 'x', scope: 'repository:a:pull,push' } },
    ]);
    expect(parseChallenges('Basic realm="a \\"b\\"", Bearer realm=https://x/y , error="insufficient_scope"')).toEqual([
      { scheme: 'basic', parameters: { realm: 'a "b"' } },
      { scheme: 'bearer', parameters: { realm: 'https://x/y', error: 'insufficient_scope' } },
    ]);
    expect(parseChallenges('Negotiate')).toEqual([{ scheme: 'negotiate', parameters: {} }]);
    expect(parseChallenges('')).toEqual([]);
    expect(parseChallenges('="')).toEqual([]);
  });

  it('links and waits', () => {
    expect(nextPage('</v2/a/tags/list?last=b&n=2>; rel="next"')).toBe('/v2/a/tags/list?last=b&n=2');
    expect(nextPage('</x>; rel="prev", </y>; title="t"; rel=next')).toBe('/y');
    expect(nextPage('</x>; rel="nextish"')).toBeUndefined();
    expect(nextPage(undefined)).toBeUndefined();
    expect(retryAfter('3')).toBe(3000);
    expect(retryAfter('Thu, 01 Jan 1970 00:00:10 GMT', 4000)).toBe(6000);
    expect(retryAfter('soon')).toBeUndefined();
  });

  it('manifests that two readers could understand differently', () => {
    const digest = sha256('');
    const descriptor = { mediaType: CONFIG, digest, size: 0 };
    const parse =
      (value: unknown, type = MANIFEST) =>
      () =>
        parseManifest(Buffer.from(JSON.stringify(value)), type, 'it');
    const good = { schemaVersion: 2, config: descriptor, layers: [] };
    expect(parse(good)()).toEqual(good);
    expect(parse({ ...good, manifests: [] })).toThrow('it is ambiguous');
    expect(parse({ schemaVersion: 2, manifests: [], layers: [] }, INDEX)).toThrow('it is ambiguous');
    expect(parse({ ...good, mediaType: INDEX })).toThrow('but was sent as');
    expect(parse({ ...good, schemaVersion: 1 })).toThrow('schemaVersion 1 is not 2');
    expect(parse({ schemaVersion: 2, config: descriptor })).toThrow('layers is missing');
    expect(parse({ ...good, layers: [{ ...descriptor, digest: 'sha256:../../x' }] })).toThrow('digest');
    expect(parse({ ...good, layers: [{ ...descriptor, size: -1 }] })).toThrow('layers[0]: size -1 is no length');
    expect(parse({ ...good, layers: {} })).toThrow('layers is not a list');
    expect(parse(good, 'application/vnd.docker.distribution.manifest.v1+prettyjws')).toThrow('no longer supported');
    expect(parse(good, 'text/html')).toThrow('is no image');
    expect(parse([])).toThrow('not a JSON object');
    expect(() => parseManifest(Buffer.from('{'), MANIFEST, 'it')).toThrow('it: not JSON');
    expect(() => parseConfig(Buffer.from('{"rootfs":{"diff_ids":[]}}'), 'config', 1)).toThrow('0 diff ids, 1 layers');
  });

  it('which proxy there is for whom', () => {
    const proxies = proxiesOf({
      HTTPS_PROXY: 'proxy:3128',
      http_proxy: 'http://plain:80',
      NO_PROXY: 'own.example, .below.example,10.0.0.0/8,port.example:5000,2001:db8::/32',
    });
    const through = (url: string) => proxyFor(new URL(url), proxies)?.host;
    expect(through('https://registry.example')).toBe('proxy:3128');
    expect(through('http://registry.example')).toBe('plain');
    for (const url of [
      'https://own.example',
      'https://a.own.example',
      'https://a.below.example',
      'https://10.1.2.3:5000',
      'https://port.example:5000',
      'https://[2001:db8::1]',
      'https://127.0.0.1',
      'http://localhost:5000',
    ])
      expect(through(url), url).toBeUndefined();
    for (const url of [
      'https://notown.example',
      'https://below.example',
      'https://11.1.2.3',
      'https://port.example',
      'https://[2001:db9::1]',
    ])
      expect(through(url), url).toBe('proxy:3128');
    expect(proxyFor(new URL('https://a'), { https: 'p', none: '*' })).toBeUndefined();
    expect(proxiesOf({ HTTP_PROXY: 'evil', REQUEST_METHOD: 'GET' })).toEqual({});
  });

  it('who is a neighbour', () => {
    expect(isInsecure('localhost:5000')).toBe(true);
    expect(isInsecure('127.1.2.3')).toBe(true);
    expect(isInsecure('[::1]:5000')).toBe(true);
    expect(isInsecure('127.0.0.1.example.com')).toBe(false);
    expect(isInsecure('10.1.2.3:5000', ['10.0.0.0/8'])).toBe(true);
    expect(isInsecure('11.1.2.3:5000', ['10.0.0.0/8'])).toBe(false);
    expect(isInsecure('registry.local:5000', ['registry.local:5000'])).toBe(true);
    expect(isInsecure('registry.local:5001', ['registry.local:5000'])).toBe(false);
    expect(() => isInsecure('a.b', ['x/8'])).toThrow('insecure registry x/8 is not valid');
  });

  it("what docker login has left, by the registry's host", () => {
    const of = parseDockerConfig(
      JSON.stringify({
        auths: {
          'https://index.docker.io/v1/': { auth: btoa('hub:pass:word') },
          'localhost:5000': { auth: btoa('me:secret'), identitytoken: 'id' },
          'https://old.example/v1/': { username: 'a', password: 'b' },
        },
      }),
    );
    expect(of('docker.io')).toEqual({ username: 'hub', password: 'pass:word' });
    expect(of('localhost:5000')).toEqual({ username: 'me', password: 'secret', identityToken: 'id' });
    expect(of('old.example')).toEqual({ username: 'a', password: 'b' });
    expect(of('example')).toBeUndefined();
  });
});
