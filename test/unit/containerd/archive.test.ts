import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cleanName, linkTarget } from '../../../src/containerd/archive/archive-name.ts';
import { type LoadOptions, load } from '../../../src/containerd/archive/load.ts';
import { save } from '../../../src/containerd/archive/save.ts';
import { type TestStores, testStores } from './support/stores.ts';
import { type Entry, tarOf } from './support/tar-of.ts';
import { CONFIG, INDEX, LAYER, MANIFEST } from './support/tiny-image.ts';
import { sha256 } from './support/tiny-registry.ts';

const AMD64 = { os: 'linux', architecture: 'amd64' };
const hexOf = (bytes: string | Buffer) => sha256(bytes).slice(7);
const blob = (bytes: string | Buffer): Entry => ({ path: `blobs/sha256/${hexOf(bytes)}`, body: bytes });
const descriptor = (mediaType: string, bytes: string | Buffer) => ({ mediaType, digest: sha256(bytes), size: Buffer.byteLength(bytes) });

/** Blobs of an image with such layers, and its manifest's descriptor. */
function ociImage(contents: string[], architecture = 'amd64') {
  const layers = contents.map((content) => gzipSync(content));
  const config = JSON.stringify({ architecture, os: 'linux', rootfs: { type: 'layers', diff_ids: contents.map((c) => sha256(c)) } });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor(CONFIG, config),
    layers: layers.map((layer) => descriptor(LAYER, layer)),
  });
  return { target: descriptor(MANIFEST, manifest), entries: [manifest, config, ...layers].map(blob) };
}

const layout = (manifests: unknown[]): Entry[] => [
  { path: 'oci-layout', body: '{"imageLayoutVersion":"1.0.0"}' },
  { path: 'index.json', body: JSON.stringify({ schemaVersion: 2, manifests }) },
];

/** What docker 20.10 saves: uncompressed layers, one of them as a link to another's. */
function dockerEntries(): Entry[] {
  const config = JSON.stringify({ ...AMD64, rootfs: { type: 'layers', diff_ids: [sha256('one'), sha256('two'), sha256('one')] } });
  return [
    { path: 'aaa/', type: 'Directory' },
    { path: 'aaa/layer.tar', body: 'one' },
    { path: 'bbb/layer.tar', body: 'two' },
    { path: 'ccc/layer.tar', type: 'SymbolicLink', linkpath: '../aaa/layer.tar' },
    { path: `${hexOf(config)}.json`, body: config },
    {
      path: 'manifest.json',
      body: JSON.stringify([
        {
          Config: `${hexOf(config)}.json`,
          RepoTags: ['app:1', 'localhost:5000/app:x'],
          Layers: ['aaa/layer.tar', 'bbb/layer.tar', 'ccc/layer.tar'],
        },
      ]),
    },
  ];
}

describe('archives', () => {
  let folder: string;
  let stores: TestStores;
  const take = (entries: readonly Entry[], options: LoadOptions = {}, into = stores) =>
    load(into, Readable.from([tarOf(entries)]), { platform: AMD64, ...options });
  const bytesOf = async (stream: Readable) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks);
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'minirun-archive-'));
    stores = testStores(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('loads an OCI layout: names by annotation, content by digest, snapshots', async () => {
    const { target, entries } = ociImage(['one', 'two']);
    const named = (annotations: Record<string, string>) => ({ ...target, annotations });
    const manifests = [
      named({ 'io.containerd.image.name': 'docker.io/library/a:1', 'org.opencontainers.image.ref.name': '1' }),
      named({ 'org.opencontainers.image.ref.name': 'v2' }),
      named({ 'org.opencontainers.image.ref.name': 'quay.io/b/c:3' }),
    ];
    const { images } = await take([...layout(manifests), ...entries], { base: 'example.com/base' });
    expect(images.map(({ name }) => name)).toEqual(['docker.io/library/a:1', 'example.com/base:v2', 'quay.io/b/c:3']);
    expect(images.every((image) => image.target.digest === target.digest)).toBe(true);
    expect(stores.committed.size).toBe(2);
    expect(Object.keys(stores.labels.get(target.digest)!)).toEqual([
      'containerd.io/gc.ref.content.config',
      'containerd.io/gc.ref.content.l.0',
      'containerd.io/gc.ref.content.l.1',
    ]);
    expect(stores.store.statuses()).toEqual([]);
  });

  it.each<readonly [string, (bytes: Buffer) => Buffer]>([
    ['plain', (b: Buffer) => b],
    ['gzip', (b: Buffer) => gzipSync(b)],
    // The compressor itself is not everywhere.
    ...(spawnSync('zstd', ['-V']).status === 0 ? [['zstd', (b: Buffer) => execFileSync('zstd', ['-c'], { input: b })] as const] : []),
  ])('loads what docker saves, %s', async (_, compress) => {
    const { images } = await load(stores, Readable.from([compress(tarOf(dockerEntries()))]), { platform: AMD64 });
    expect(images.map(({ name }) => name)).toEqual(['docker.io/library/app:1', 'localhost:5000/app:x']);
    const manifest = JSON.parse((await bytesOf(stores.store.read(images[0]!.target.digest))).toString());
    expect(manifest.layers.map(({ mediaType }: { mediaType: string }) => mediaType)).toEqual(
      Array(3).fill('application/vnd.docker.image.rootfs.diff.tar'),
    );
    expect(stores.committed.size).toBe(3);
  });

  it('loads what docker saved before 2016', async () => {
    const [base, top] = ['b'.repeat(64), 'c'.repeat(64)];
    const { images } = await take([
      { path: 'repositories', body: JSON.stringify({ old: { latest: top } }) },
      { path: `${top}/VERSION`, body: '1.0' },
      { path: `${top}/json`, body: JSON.stringify({ id: top, parent: base, ...AMD64, config: { Cmd: ['sh'] } }) },
      { path: `${top}/layer.tar`, body: 'two' },
      { path: `${base}/json`, body: JSON.stringify({ id: base }) },
      { path: `${base}/layer.tar`, body: 'one' },
    ]);
    expect(images.map(({ name }) => name)).toEqual(['docker.io/library/old:latest']);
    const { config } = JSON.parse((await bytesOf(stores.store.read(images[0]!.target.digest))).toString());
    expect(JSON.parse((await bytesOf(stores.store.read(config.digest))).toString())).toMatchObject({
      ...AMD64,
      config: { Cmd: ['sh'] },
      rootfs: { diff_ids: [sha256('one'), sha256('two')] },
    });
  });

  it('saves what it can load again, the same bytes each time', async () => {
    const amd = ociImage(['one', 'two']);
    const arm = ociImage(['arm'], 'arm64');
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: INDEX,
      manifests: [
        { ...arm.target, platform: { os: 'linux', architecture: 'arm64' } },
        { ...amd.target, platform: AMD64 },
      ],
    });
    const annotations = { 'io.containerd.image.name': 'docker.io/library/a:1' };
    await take([...layout([{ ...descriptor(INDEX, index), annotations }]), blob(index), ...amd.entries, ...arm.entries]);
    const saved = await bytesOf(await save(stores, ['a:1']));
    expect(saved.equals(await bytesOf(await save(stores, ['a:1'])))).toBe(true);
    const other = testStores(join(folder, 'other'));
    const { images } = await load(other, Readable.from([saved]), { platform: AMD64 });
    expect(images).toEqual([{ name: 'docker.io/library/a:1', target: descriptor(INDEX, index) }]);
    expect(other.store.list().map(({ digest }) => digest)).toEqual(stores.store.list().map(({ digest }) => digest));

    const list = execFileSync('tar', ['-tf', '-'], { input: saved, encoding: 'utf8' }).trim().split('\n');
    expect(list.slice(0, 2)).toEqual(['blobs/', 'blobs/sha256/']);
    expect(list.slice(-3)).toEqual(['index.json', 'manifest.json', 'oci-layout']);
    const docker = JSON.parse(execFileSync('tar', ['-xOf', '-', 'manifest.json'], { input: saved, encoding: 'utf8' }));
    expect(docker).toMatchObject([{ RepoTags: ['a:1'], Layers: [expect.stringMatching(/^blobs\/sha256\//), expect.anything()] }]);

    const one = testStores(join(folder, 'one'));
    await load(one, await save(stores, ['a:1'], { platform: { os: 'linux', architecture: 'arm64' } }), { platform: 'all' });
    expect([...one.named.values()][0]?.target.digest).toBe(arm.target.digest);
    await expect(save(stores, ['none'])).rejects.toThrow('not found');
  });

  it('leaves out platforms that are not here', async () => {
    const amd = ociImage(['one']);
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: INDEX,
      manifests: [
        { ...descriptor(MANIFEST, 'elsewhere'), platform: { os: 'linux', architecture: 's390x' } },
        { ...amd.target, platform: AMD64 },
      ],
    });
    const { unnamed } = await take([...layout([descriptor(INDEX, index)]), blob(index), ...amd.entries]);
    expect(unnamed.map(({ digest }) => digest)).toEqual([sha256(index)]);
    const other = testStores(join(folder, 'other'));
    const again = await load(
      other,
      await save(
        stores,
        unnamed.map((target) => ({ target, name: 'docker.io/library/b:1' })),
      ),
      { platform: AMD64 },
    );
    expect(again.images.map(({ name }) => name)).toEqual(['docker.io/library/b:1']);
  });

  it('loads a layout that is a folder, but follows no link in it', async () => {
    const { target, entries } = ociImage(['one']);
    const place = join(folder, 'layout');
    mkdirSync(join(place, 'blobs/sha256'), { recursive: true });
    for (const { path, body } of [...layout([target]), ...entries]) writeFileSync(join(place, path), body ?? '');
    expect((await load(stores, place, { platform: AMD64, nameless: ({ digest }) => `import@${digest}` })).images).toEqual([
      { name: `import@${target.digest}`, target },
    ]);
    symlinkSync('/etc/passwd', join(place, 'blobs/sha256', 'd'.repeat(64)));
    await expect(load(stores, place)).rejects.toThrow(/ELOOP/);
    rmSync(join(place, 'blobs/sha256', 'd'.repeat(64)));
    writeFileSync(join(place, 'blobs/sha256', 'd'.repeat(64)), 'not that');
    await expect(load(stores, place)).rejects.toThrow(`expected sha256:${'d'.repeat(64)}`);
    expect(stores.store.statuses()).toEqual([]);
  });

  describe('from somebody with bad intentions', () => {
    const good = () => dockerEntries();
    it.each<[string, Entry[], string | RegExp]>([
      ['names that lead out', [{ path: '../x', body: 'x' }, ...good()], 'leads out of the archive'],
      ['absolute names', [{ path: '/etc/x', body: 'x' }, ...good()], 'is not below the archive'],
      ['links out', [{ path: 'a/layer.tar', type: 'SymbolicLink', linkpath: '../../etc/passwd' }], 'is a link out of the archive'],
      ['absolute links', [{ path: 'a/layer.tar', type: 'SymbolicLink', linkpath: '/etc/passwd' }], 'is a link out of the archive'],
      ['hard links out', [{ path: 'a/layer.tar', type: 'Link', linkpath: '../../etc/passwd' }], 'is a link out of the archive'],
      [
        'links in a circle',
        [
          ...good().filter(({ path }) => path !== 'aaa/layer.tar'),
          { path: 'aaa/layer.tar', type: 'SymbolicLink', linkpath: '../ccc/layer.tar' },
        ],
        'not found',
      ],
      [
        'a config outside',
        [{ path: 'manifest.json', body: '[{"Config":"../../etc/passwd","Layers":[]}]' }],
        'image config "../../etc/passwd" not found',
      ],
      ['wrong digests', [{ path: `blobs/sha256/${'d'.repeat(64)}`, body: 'x' }, ...layout([])], `expected sha256:${'d'.repeat(64)}`],
      ['digests that are none', [{ path: 'blobs/sha256/abc', body: 'x' }, ...layout([])], 'is no digest'],
      [
        'fewer layers than the config has',
        [...good().slice(0, -1), { path: 'manifest.json', body: good().at(-1)!.body!.toString().replace('"bbb/layer.tar",', '') }],
        '3 diff ids, 2 layers',
      ],
      ['missing blobs', [...layout([ociImage(['one']).target])], 'content digest sha256:'],
      [
        'sizes that are not true',
        [...layout([{ ...ociImage(['one']).target, size: 5 }]), ...ociImage(['one']).entries],
        'but 5 are announced',
      ],
      [
        'another version',
        [
          { path: 'oci-layout', body: '{"imageLayoutVersion":"9"}' },
          { path: 'index.json', body: '{"manifests":[]}' },
        ],
        'unsupported OCI version 9',
      ],
      ['no image at all', [{ path: 'etc/passwd', body: 'x' }], 'unrecognized image format'],
      [
        'names that nobody may have',
        [
          ...layout([{ ...ociImage(['one']).target, annotations: { 'org.opencontainers.image.ref.name': 'A/../b:c' } }]),
          ...ociImage(['one']).entries,
        ],
        'invalid reference format',
      ],
      [
        'a chain of parents without end',
        [
          { path: 'repositories', body: `{"a":{"b":"${'c'.repeat(64)}"}}` },
          { path: `${'c'.repeat(64)}/json`, body: `{"parent":"${'c'.repeat(64)}"}` },
        ],
        'which is no layer',
      ],
    ])('refuses %s', async (_, entries, message) => {
      await expect(take(entries)).rejects.toThrow(message);
      expect(stores.named.size).toBe(0);
      expect(stores.committed.size).toBe(0);
      expect(stores.store.statuses()).toEqual([]);
      expect(stores.leases.now).toBe(0);
    });

    it('keeps nothing of an archive that ends in the middle', async () => {
      const whole = tarOf(ociImage(['x'.repeat(10_000)]).entries);
      await expect(load(stores, Readable.from([whole.subarray(0, 700)]))).rejects.toThrow('tar: ');
      expect(stores.store.statuses()).toEqual([]);
    });
  });

  it('cleans names, and refuses those that lead out', () => {
    expect(cleanName('./a//b/./c/')).toBe('a/b/c');
    expect(cleanName('a..b/...')).toBe('a..b/...');
    for (const name of ['..', '../a', 'a/../../b', 'a/..', '/a', 'a\0b']) expect(() => cleanName(name)).toThrow('archive');
    expect(linkTarget('a/b', '../c/d')).toBe('c/d');
    expect(linkTarget('a', 'b')).toBe('b');
    for (const link of ['/c', '../../c', 'x/../../../c']) expect(() => linkTarget('a/b', link)).toThrow('out of the archive');
  });
});
