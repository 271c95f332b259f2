import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeConfig } from '../../../src/containerd/archive/config-changes.ts';
import { transfersOf } from '../../../src/containerd/transfer/transfers.ts';
import { type TestStores, testStores } from './support/stores.ts';
import { addImage } from './support/tiny-image.ts';
import { sha256, tinyRegistry } from './support/tiny-registry.ts';

describe('import', () => {
  let folder: string;
  let stores: TestStores;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'minirun-import-'));
    stores = testStores(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('makes an image of a root file system, as it comes', async () => {
    const plain = Buffer.from('as if it were a tar'.repeat(10_000));
    for (const [bytes, type] of [
      [plain, ''],
      [gzipSync(plain), '+gzip'],
    ] as const) {
      const { image, config } = await transfersOf(stores).import(Readable.from([bytes.subarray(0, 3), bytes.subarray(3)]), {
        name: 'mine',
        changes: ['CMD sh'],
        message: 'why',
      });
      expect(image?.name).toBe('docker.io/library/mine:latest');
      const manifest = JSON.parse((await stores.store.read(image!.target.digest).toArray()).join(''));
      expect(manifest.layers).toEqual([
        { mediaType: `application/vnd.oci.image.layer.v1.tar${type}`, digest: sha256(bytes), size: bytes.length },
      ]);
      expect(JSON.parse((await stores.store.read(config.digest).toArray()).join(''))).toMatchObject({
        os: 'linux',
        config: { Cmd: ['/bin/sh', '-c', 'sh'] },
        rootfs: { diff_ids: [sha256(plain)] },
        history: [{ comment: 'why' }],
      });
      expect([...stores.committed.keys()]).toEqual([sha256(plain)]);
      expect(stores.store.statuses()).toEqual([]);
    }
  });

  it('keeps nothing when the tar cannot be read', async () => {
    const cut = gzipSync(Buffer.alloc(100_000, 'x')).subarray(0, 50);
    await expect(transfersOf(stores).import(Readable.from([cut]))).rejects.toThrow();
    await expect(transfersOf(stores).import(Readable.from([]), { changes: ['FROM x'] })).rejects.toThrow(
      'from is not a valid change command',
    );
    expect([stores.store.statuses(), stores.store.list(), stores.named.size]).toEqual([[], [], 0]);
  });

  it('changes a config as a Dockerfile does', () => {
    const changed = changeConfig({ Env: ['A=1', 'B=2'], WorkingDir: '/srv' }, [
      'CMD ["a", "b c"]',
      'entrypoint x "y z"',
      'ENV A=3 C="d e" F=g\\ h',
      'ENV OLD the rest  of it',
      "LABEL a.b='c d' e=f",
      'EXPOSE 80 53/udp 8000-8002',
      'VOLUME /a /b',
      'VOLUME ["/c d"]',
      'USER 1000:1000',
      'WORKDIR www//x',
      'STOPSIGNAL SIGINT',
      'ONBUILD RUN x',
    ]);
    expect(changed).toEqual({
      Cmd: ['a', 'b c'],
      Entrypoint: ['/bin/sh', '-c', 'x "y z"'],
      Env: ['B=2', 'A=3', 'C=d e', 'F=g h', 'OLD=the rest  of it'],
      Labels: { 'a.b': 'c d', e: 'f' },
      ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {}, '8002/tcp': {} },
      Volumes: { '/a': {}, '/b': {}, '/c d': {} },
      User: '1000:1000',
      WorkingDir: '/srv/www/x',
      StopSignal: 'SIGINT',
      OnBuild: ['RUN x'],
    });
    for (const line of ['RUN x', '', 'CMD', 'ENV X', 'EXPOSE 99999', 'EXPOSE x', 'LABEL =x'])
      expect(() => changeConfig({}, [line]), line).toThrow();
  });

  it.each<[string, object]>([
    ['HEALTHCHECK NONE', { Test: ['NONE'] }],
    ['healthcheck cmd curl -f http://localhost/', { Test: ['CMD-SHELL', 'curl -f http://localhost/'] }],
    [
      'HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=2s --start-interval=0 --retries=5 CMD ["true", "x"]',
      { Test: ['CMD', 'true', 'x'], Interval: 90e9, Timeout: 5e8, StartPeriod: 2e9, Retries: 5 },
    ],
  ])('changes the health check by %s', (line, Healthcheck) => {
    expect(changeConfig({ Healthcheck: { Test: ['CMD', 'old'], Retries: 9 } }, [line])).toEqual({ Healthcheck });
  });

  it.each([
    ['HEALTHCHECK --nope=1 CMD x', 'Unknown flag: nope'],
    ['HEALTHCHECK --interval CMD x', 'Missing a value on flag: interval'],
    ['HEALTHCHECK --interval=soon CMD x', 'invalid duration "soon" of --interval'],
    ['HEALTHCHECK --timeout=1us CMD x', 'Interval "timeout" cannot be less than 1ms'],
    ['HEALTHCHECK --retries=-1 CMD x', '--retries must be at least 1 (not -1)'],
    ['HEALTHCHECK CMD', 'Missing command after HEALTHCHECK CMD'],
    ['HEALTHCHECK NONE x', 'HEALTHCHECK NONE takes no arguments'],
    ['HEALTHCHECK sometimes', 'Unknown type "SOMETIMES" in HEALTHCHECK (try CMD)'],
  ])('refuses %s', (line, words) => {
    expect(() => changeConfig({}, [line])).toThrow(words);
  });

  it('shows credentials to the registry they were given for, not to a mirror', async () => {
    const [own, mirror] = [await tinyRegistry(), await tinyRegistry()];
    try {
      addImage(own, 'a', 'latest', ['one']);
      for (const tiny of [own, mirror]) {
        tiny.mischief = ({ headers }, answer) => {
          if (headers.authorization !== undefined) return false;
          answer.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
          return true;
        };
      }
      const settings = { mirrorsOf: { [own.host]: [mirror.url] }, retry: { attempts: 1, delay: 1, longest: 1 } };
      await transfersOf(stores, settings).pull(`${own.host}/a`, {
        credentials: { username: 'u', password: 'p' },
        platform: { os: 'linux', architecture: 'amd64' },
      });
      expect(mirror.seen.length).toBeGreaterThan(0);
      expect(mirror.seen.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
      expect(own.seen.some(({ headers }) => headers.authorization === `Basic ${btoa('u:p')}`)).toBe(true);
    } finally {
      await own.close();
      await mirror.close();
    }
  });
});
