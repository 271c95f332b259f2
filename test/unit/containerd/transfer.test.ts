import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainIds } from '../../../src/containerd/transfer/chain-id.ts';
import type { Progress } from '../../../src/containerd/transfer/progress.ts';
import { type PullOptions, pull } from '../../../src/containerd/transfer/pull.ts';
import { push } from '../../../src/containerd/transfer/push.ts';
import { packageRoot } from '../../../src/runc/engine/installed.ts';
import { type TestStores, testStores } from './support/stores.ts';
import { addImage, INDEX, incompressible, MANIFEST } from './support/tiny-image.ts';
import { type TinyRegistry, tinyRegistry } from './support/tiny-registry.ts';

const FAST = { attempts: 3, delay: 1, longest: 50 };

describe('transfers', () => {
  let folder: string;
  let tiny: TinyRegistry;
  let stores: TestStores;
  const registry = { retry: FAST };
  const get = (name: string, options: PullOptions = {}) =>
    pull(stores, `${tiny.host}/${name}`, { registry, platform: { os: 'linux', architecture: 'amd64' }, ...options });
  const ingests = () => stores.store.statuses().map(({ ref }) => ref);
  const asked = (part: string) => tiny.seen.filter(({ method, path }) => method === 'GET' && path.includes(part)).length;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'minirun-transfer-'));
    tiny = await tinyRegistry();
    stores = testStores(folder);
  });
  afterEach(async () => {
    await tiny.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('pulls: content, labels for the garbage collector, snapshots one on the other, a name at last', async () => {
    const { target, config, layers, diffIds } = addImage(tiny, 'a/b', 'x', ['one', 'two', 'three']);
    const seen: Progress[] = [];
    const { image, manifests } = await get('a/b:x', { progress: (p) => seen.push(p), labels: { own: '1' } });
    expect(image).toEqual({ name: `${tiny.host}/a/b:x`, target, labels: { own: '1' } });
    expect(manifests).toEqual([target]);
    const source = { [`containerd.io/distribution.source.${tiny.host}`]: 'a/b' };
    expect(stores.labels.get(target.digest)).toEqual({
      ...source,
      'containerd.io/gc.ref.content.config': config.digest,
      ...Object.fromEntries(layers.map(({ digest }, i) => [`containerd.io/gc.ref.content.l.${i}`, digest])),
    });
    const chain = chainIds(diffIds);
    expect(stores.labels.get(config.digest)).toEqual({ ...source, 'containerd.io/gc.ref.snapshot.overlayfs': chain[2] });
    expect(stores.labels.get(layers[1]!.digest)).toEqual({ ...source, 'containerd.io/uncompressed': diffIds[1] });
    expect([...stores.committed]).toEqual([
      [chain[0], ''],
      [chain[1], chain[0]],
      [chain[2], chain[1]],
    ]);
    expect(stores.active.size).toBe(0);
    expect(stores.leases).toEqual({ now: 0, ever: 1 });
    expect(ingests()).toEqual([]);
    const statuses = (digest: string) => seen.filter((p) => p.digest === digest).map(({ status }) => status);
    expect(statuses(layers[0]!.digest)).toEqual(['waiting', 'downloading', 'done', 'unpacking', 'unpacked']);
    expect(seen.at(-1)).toEqual({ status: 'done', ref: image.name, digest: target.digest });
  });

  it('asks a second time for nothing but what the name points to', async () => {
    addImage(tiny, 'a', 'x', ['one', 'two']);
    await get('a:x');
    tiny.seen.length = 0;
    await get('a:x');
    expect(tiny.seen.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v2/', 'HEAD /v2/a/manifests/x']);
  });

  it('takes the image of one platform out of an index, or all of them', async () => {
    const arm = addImage(tiny, 'a', undefined, ['arm'], 'arm64');
    const amd = addImage(tiny, 'a', undefined, ['amd'], 'amd64');
    const manifests = [arm, amd].map(({ target }, i) => ({
      ...target,
      platform: { os: 'linux', architecture: i === 0 ? 'arm64' : 'amd64' },
    }));
    const index = tiny.addManifest('a', 'x', INDEX, { schemaVersion: 2, mediaType: INDEX, manifests });
    expect((await get('a:x')).manifests.map(({ digest }) => digest)).toEqual([amd.target.digest]);
    expect(stores.store.has(arm.target.digest)).toBe(false);
    // Labels for all children, also those that are not here: as containerd does.
    expect(stores.labels.get(index.digest)).toMatchObject({
      'containerd.io/gc.ref.content.m.0': arm.target.digest,
      'containerd.io/gc.ref.content.m.1': amd.target.digest,
    });
    await expect(get('a:x', { platform: { os: 'linux', architecture: 's390x' } })).rejects.toThrow(
      'no match for platform linux/s390x in manifest',
    );
    expect((await get('a:x', { platform: 'all' })).manifests).toHaveLength(2);
    expect(stores.committed.size).toBe(2);
  });

  it('keeps nothing of a blob with a wrong digest, and gives no name to such an image', async () => {
    const { layers, target } = addImage(tiny, 'a', 'x', ['one', 'two']);
    const { digest, size } = layers[1]!;
    tiny.blobs.set(digest, Buffer.alloc(size, 1));
    await expect(get('a:x')).rejects.toThrow(`unexpected commit digest`);
    expect(stores.store.has(digest)).toBe(false);
    expect(ingests()).toEqual([]);
    expect(stores.named.size).toBe(0);
    expect(stores.active.size).toBe(0);
    expect(stores.leases.now).toBe(0);
    expect(stores.store.has(target.digest)).toBe(true);
  });

  it('refuses layers that unpack to something else than the config promises', async () => {
    const image = addImage(tiny, 'a', undefined, ['one']);
    const other = addImage(tiny, 'a', undefined, ['two']);
    tiny.addManifest('a', 'x', MANIFEST, { schemaVersion: 2, mediaType: MANIFEST, config: image.config, layers: other.layers });
    await expect(get('a:x')).rejects.toThrow(
      `wrong diff id calculated on extraction "${other.diffIds[0]}", expected "${image.diffIds[0]}"`,
    );
    expect([stores.active.size, stores.committed.size, stores.named.size]).toEqual([0, 0, 0]);
  });

  it('fetches once what two pulls want at once', async () => {
    const shared = incompressible(300_000);
    const one = addImage(tiny, 'a', 'x', [shared, 'one']);
    addImage(tiny, 'a', 'y', [shared, 'two']);
    tiny.mischief = async ({ path }) => {
      if (path.endsWith(one.layers[0]!.digest)) await new Promise((go) => setTimeout(go, 50));
      return false;
    };
    await Promise.all([get('a:x'), get('a:y'), get('a:x')]);
    expect(asked(one.layers[0]!.digest)).toBe(1);
    expect(stores.committed.size).toBe(3);
    expect([...stores.named.keys()].sort()).toEqual([`${tiny.host}/a:x`, `${tiny.host}/a:y`]);
  });

  it('downloads so many at a time, and unpacks the first while the last are on their way', async () => {
    const { layers } = addImage(
      tiny,
      'a',
      'x',
      Array.from({ length: 8 }, (_, i) => `layer ${i}`),
    );
    let now = 0;
    let most = 0;
    const events: string[] = [];
    tiny.mischief = async ({ path }) => {
      if (!layers.some(({ digest }) => path.endsWith(digest))) return false;
      most = Math.max(most, ++now);
      await new Promise((go) => setTimeout(go, 20));
      now--;
      return false;
    };
    await get('a:x', {
      parallel: 2,
      progress: ({ status, digest }) => events.push(`${status} ${layers.findIndex((l) => l.digest === digest)}`),
    });
    expect(most).toBe(2);
    expect(events.indexOf('unpacked 0')).toBeLessThan(events.indexOf('done 7'));
  });

  it('takes thirty platforms at once without a word of warning', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    try {
      const manifests = Array.from({ length: 30 }, (_, i) => ({
        ...addImage(tiny, 'a', undefined, [`${i}`, `more of ${i}`], `cpu${i}`).target,
        platform: { os: 'linux', architecture: `cpu${i}` },
      }));
      tiny.addManifest('a', 'x', INDEX, { schemaVersion: 2, mediaType: INDEX, manifests });
      expect((await get('a:x', { platform: 'all', parallel: 20 })).manifests).toHaveLength(30);
      await push(stores, `${tiny.host}/b:1`, { image: `${tiny.host}/a:x`, registry, parallel: 20 });
      await new Promise(setImmediate);
      expect(warnings).toEqual([]);
    } finally {
      process.off('warning', listen);
    }
  });

  it('asks mirrors first, and the registry when they fail', async () => {
    const mirror = await tinyRegistry();
    try {
      const { layers, target } = addImage(tiny, 'a', 'x', ['one', 'two']);
      addImage(mirror, 'a', 'x', ['one', 'two']);
      mirror.blobs.delete(layers[1]!.digest);
      const mirrorsOf = { [tiny.host]: ['http://127.0.0.1:1', mirror.url] };
      const { image } = await get('a:x', { registry: { retry: FAST, mirrorsOf } });
      expect(image.target).toEqual(target);
      expect(asked('/manifests/')).toBe(0);
      expect(asked('/blobs/')).toBe(1);
      await mirror.close();
      expect((await get('a:x', { registry: { retry: FAST, mirrorsOf } })).image.target).toEqual(target);
    } finally {
      await mirror.close().catch(() => {});
    }
  });

  it('tells what was refused, in the words that people search for', async () => {
    const error = (name: string) =>
      get(name).then(
        () => '',
        (e: { rawMessage: string }) => e.rawMessage,
      );
    expect(await error('a:none')).toBe(`failed to resolve reference "${tiny.host}/a:none": ${tiny.host}/a:none: not found`);
    tiny.mischief = ({ path }, answer) => {
      if (path === '/v2/') return false;
      answer.writeHead(403).end('{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}');
      return true;
    };
    expect(await error('a:x')).toMatch(
      /^failed to resolve reference ".*": pull access denied, repository does not exist or may require authorization: server message: /,
    );
    await expect(pull(stores, 'Ab')).rejects.toThrow('must be lowercase');
    await expect(pull(stores, '127.0.0.1:1/a')).rejects.toThrow(
      /failed to resolve reference "127.0.0.1:1\/a:latest": failed to do request: .*ECONNREFUSED/,
    );
  });

  it('stops when it is told to, and leaves what it has for the next pull', async () => {
    const big = incompressible(2_000_000);
    const { layers } = addImage(tiny, 'a', 'x', [big]);
    const stop = new AbortController();
    const whole = tiny.blobs.get(layers[0]!.digest)!;
    tiny.mischief = ({ path }, answer) => {
      if (!path.endsWith(layers[0]!.digest)) return false;
      answer.writeHead(200, { 'content-length': whole.length }).write(whole.subarray(0, 1_000_000));
      return true;
    };
    const pulling = get('a:x', { signal: stop.signal });
    await expect.poll(() => stores.store.statuses()[0]?.offset, { timeout: 10_000 }).toBe(1_000_000);
    stop.abort(new Error('enough'));
    await expect(pulling).rejects.toThrow('enough');
    expect(stores.leases.now).toBe(0);
    tiny.mischief = undefined;
    await get('a:x');
    expect(tiny.seen.at(-1)?.headers.range).toBe('bytes=1000000-');
  });

  it('goes on after a kill -9 where the ingest stands', async () => {
    const { layers } = addImage(tiny, 'a', 'x', [incompressible(2_000_000)]);
    const whole = tiny.blobs.get(layers[0]!.digest)!;
    tiny.mischief = ({ path }, answer) => {
      if (!path.endsWith(layers[0]!.digest)) return false;
      answer.writeHead(200, { 'content-length': whole.length }).write(whole.subarray(0, 1_000_000));
      return true;
    };
    const program = join(folder, 'pull.mjs');
    symlinkSync(join(packageRoot(), 'node_modules'), join(folder, 'node_modules'));
    buildSync({
      stdin: {
        contents: `
          import { pull } from './src/containerd/transfer/pull.ts';
          import { testStores } from './test/unit/containerd/support/stores.ts';
          await pull(testStores(process.argv[2]), process.argv[3]);`,
        resolveDir: packageRoot(),
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      outfile: program,
      absWorkingDir: packageRoot(),
    });
    const child = spawn(process.execPath, [program, folder, `${tiny.host}/a:x`], {
      cwd: packageRoot(),
      stdio: 'inherit',
    });
    const ended = new Promise((done) => child.once('exit', done));
    const data = () =>
      readdirSync(join(folder, 'content/ingest'))
        .map((name) => join(folder, 'content/ingest', name, 'data'))
        .some((path) => existsSync(path));
    await expect
      .poll(() => data() && stores.store.statuses().find(({ ref }) => ref.startsWith('layer-'))?.offset, { timeout: 10_000 })
      .toBe(1_000_000);
    child.kill('SIGKILL');
    await ended;
    tiny.mischief = undefined;
    await get('a:x');
    expect(
      tiny.seen.filter(({ path, method }) => method === 'GET' && path.endsWith(layers[0]!.digest)).map(({ headers }) => headers.range),
    ).toEqual([undefined, 'bytes=1000000-']);
    expect(stores.named.size).toBe(1);
  });

  describe('push', () => {
    it('sends blobs, then manifests, then the tag; and nothing twice', async () => {
      addImage(tiny, 'a', 'x', ['one', incompressible(200_000)]);
      const { image } = await get('a:x');
      const other = await tinyRegistry();
      try {
        const to = `${other.host}/b/c:1`;
        expect(await push(stores, to, { image: image.name, registry, chunk: 50_000 })).toEqual(image.target);
        expect(other.manifests.get('b/c:1')?.bytes.equals(tiny.manifests.get('a:x')!.bytes)).toBe(true);
        expect([...other.blobs.keys()].sort()).toEqual([...tiny.blobs.keys()].sort());
        expect(other.seen.at(-1)).toMatchObject({ method: 'PUT', path: '/v2/b/c/manifests/1' });
        expect(other.seen.filter(({ method }) => method === 'PATCH').length).toBeGreaterThanOrEqual(4);
        other.seen.length = 0;
        await push(stores, to, { image: image.name, registry });
        expect(other.seen.map(({ method }) => method).sort()).toEqual(['GET', 'HEAD', 'HEAD', 'HEAD', 'PUT']);
      } finally {
        await other.close();
      }
    });

    it('asks for a mount where the registry has the blob in another repository', async () => {
      addImage(tiny, 'a', 'x', ['one']);
      const { image } = await get('a:x');
      tiny.mischief = ({ method }, answer) => {
        if (method !== 'HEAD') return false;
        answer.writeHead(404).end();
        return true;
      };
      await push(stores, `${tiny.host}/b:1`, { image: image.name, registry });
      const posts = tiny.seen.filter(({ method }) => method === 'POST');
      expect(posts.map(({ query }) => query.get('from'))).toEqual(['a', 'a']);
    });

    it('begins an upload anew when it was cut, and gives up the old one', async () => {
      addImage(tiny, 'a', 'x', ['one']);
      const { image } = await get('a:x');
      const other = await tinyRegistry();
      try {
        let cuts = 2;
        other.mischief = ({ method, path }, answer) => {
          if (method !== 'PUT' || !path.includes('/uploads/') || cuts-- <= 0) return false;
          answer.destroy();
          return true;
        };
        await push(stores, `${other.host}/b:1`, { image: image.name, registry });
        expect(other.manifests.has('b:1')).toBe(true);
        expect(other.seen.filter(({ method }) => method === 'DELETE')).toHaveLength(2);
      } finally {
        await other.close();
      }
    });

    it('sends the one platform that is here, and refuses to guess', async () => {
      const images = ['arm64', 'amd64', 's390x'].map((architecture) => ({
        ...addImage(tiny, 'a', undefined, [architecture], architecture).target,
        platform: { os: 'linux', architecture },
      }));
      const index = tiny.addManifest('a', 'x', INDEX, { schemaVersion: 2, mediaType: INDEX, manifests: images });
      const { image } = await get('a:x');
      expect((await push(stores, `${tiny.host}/b:1`, { image: image.name, registry })).digest).toBe(images[1]!.digest);
      await get('a:x', { platform: { os: 'linux', architecture: 'arm64' } });
      await expect(push(stores, `${tiny.host}/b:1`, { image: image.name, registry })).rejects.toThrow(
        'not all platforms of the image are here',
      );
      await get('a:x', { platform: 'all' });
      expect((await push(stores, `${tiny.host}/b:1`, { image: image.name, registry })).digest).toBe(index.digest);
      await expect(push(stores, `${tiny.host}/none`, { registry })).rejects.toThrow('not found');
    });
  });
});
