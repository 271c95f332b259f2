/** Our client and a real registry; what skopeo thinks of what we send; what we make of what skopeo sends. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Containerd, openContainerd } from '../../src/containerd/containerd.ts';
import { deleteImage } from '../../src/containerd/metadata/images.ts';
import { parseDockerConfig } from '../../src/containerd/registry/credentials.ts';
import { listRepositories, listTags } from '../../src/containerd/registry/lists.ts';
import { deleteManifest, headManifest, putManifest } from '../../src/containerd/registry/manifests.ts';
import { openRegistry } from '../../src/containerd/registry/registry.ts';
import type { RegistrySettings } from '../../src/containerd/registry/settings.ts';
import { storesOf } from '../../src/containerd/transfer/stores.ts';
import { transfersOf } from '../../src/containerd/transfer/transfers.ts';
import { type DockerRegistry, noRegistry, startRegistry } from './support/docker-registry.ts';
import { BUSYBOX, PROJECT } from './support/minirun.ts';

const reason = process.getuid?.() === 0 ? noRegistry() : 'only root unpacks layers with their owners';
if (reason) console.log(`registry: skipped, ${reason}`);

const SLOWNESS = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);
const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64' };
const INDEX = 'application/vnd.oci.image.index.v1+json';
const USER = { name: 'me', password: 'a secret: with a colon' };

const skopeo = (...args: string[]) => execFileSync('skopeo', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const inspect = (where: string, ...args: string[]) => JSON.parse(skopeo('inspect', '--tls-verify=false', ...args, where));

/** The busybox fixture as a tar. */
const busybox = (): Readable =>
  spawn('tar', ['-C', BUSYBOX, '--sort=name', '--mtime=@0', '-cz', '.'], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout;

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of list) found.push(one);
  return found;
}

describe.skipIf(reason)('a real registry', () => {
  let folder: string;
  let plain: DockerRegistry;
  let guarded: DockerRegistry;
  let secure: DockerRegistry;
  const opened: Containerd[] = [];

  /** A containerd of our own, empty. */
  const fresh = async () => {
    const place = mkdtempSync(join(folder, 'containerd-'));
    const containerd = await openContainerd({
      root: join(place, 'root'),
      state: join(place, 'state'),
      address: '',
      program: '',
      shimFolders: [],
      log: () => {},
      writeLog: () => {},
      debug: false,
    });
    opened.push(containerd);
    const { services } = containerd;
    const snapshotter = services.snapshots.has('overlayfs') ? 'overlayfs' : 'native';
    const blobs = () => readdirSync(join(place, 'root/io.containerd.content.v1.content/blobs/sha256'));
    const transfers = (settings: RegistrySettings = {}) => transfersOf(storesOf(services, 'test', snapshotter), settings);
    /** The files of the image's uppermost snapshot. */
    const files = async (chainId: string): Promise<string> => {
      const snapshots = services.snapshots.get(snapshotter)!;
      const [mount] = await snapshots.make({ namespace: 'test' }, 'view', `look-${chainId}`, chainId, {});
      return (
        mount!.options
          .find((option) => option.startsWith('lowerdir='))
          ?.slice(9)
          .split(':')[0] ?? mount!.source
      );
    };
    return { services, transfers, blobs, files };
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'minirun-registry-test-'));
    [plain, guarded, secure] = await Promise.all([startRegistry(), startRegistry({ user: USER }), startRegistry({ tls: true })]);
    const { transfers } = await fresh();
    const t = transfers();
    for (const [name, platform] of [
      ['amd', AMD64],
      ['arm', ARM64],
    ] as const) {
      await t.import(busybox(), { name: `${plain.host}/test/busybox:${name}`, platform, changes: ['CMD ["sh"]', `LABEL arch=${name}`] });
      await t.push(`${plain.host}/test/busybox:${name}`);
    }
  });
  afterAll(async () => {
    for (const containerd of opened) await containerd.close();
    await Promise.all([plain, guarded, secure].map((registry) => registry?.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  it('has what we pushed, and skopeo can read it', () => {
    const seen = inspect(`docker://${plain.host}/test/busybox:amd`);
    expect(seen).toMatchObject({ Architecture: 'amd64', Os: 'linux', Labels: { arch: 'amd' }, RepoTags: ['amd', 'arm'] });
    skopeo('copy', '--src-tls-verify=false', `docker://${plain.host}/test/busybox:amd`, `oci:${join(folder, 'copied')}:x`);
    expect(inspect(`oci:${join(folder, 'copied')}:x`).Digest).toBe(seen.Digest);
  });

  it.each([
    ['as OCI, gzip', ['--dest-compress-format', 'gzip', '--format', 'oci']],
    ['as OCI, zstd', ['--dest-compress-format', 'zstd', '--format', 'oci']],
    ["in Docker's format", ['--dest-compress-format', 'gzip', '--format', 'v2s2']],
  ])('gives us what skopeo pushed: %s', async (what, args) => {
    const tag = what.replace(/[^a-z]+/gi, '-').toLowerCase();
    skopeo(
      'copy',
      '--src-tls-verify=false',
      '--dest-tls-verify=false',
      ...args,
      `docker://${plain.host}/test/busybox:amd`,
      `docker://${plain.host}/by/skopeo:${tag}`,
    );
    const { transfers, services, files } = await fresh();
    const { image } = await transfers().pull(`${plain.host}/by/skopeo:${tag}`);
    expect(image.target.digest).toBe(inspect(`docker://${plain.host}/by/skopeo:${tag}`).Digest);
    const layers = services.content.list({ namespace: 'test' }).filter(({ labels }) => labels['containerd.io/uncompressed']);
    expect(layers).toHaveLength(1);
    const place = await files(layers[0]!.labels['containerd.io/uncompressed']!);
    expect(readFileSync(join(place, 'bin/busybox')).equals(readFileSync(join(BUSYBOX, 'bin/busybox')))).toBe(true);
  });

  it('takes one platform out of an index that it made, and sends all of them on', async () => {
    const registry = openRegistry(plain.host);
    const parts = await Promise.all(['amd', 'arm'].map((tag) => headManifest(registry, 'test/busybox', tag)));
    const index = {
      schemaVersion: 2,
      mediaType: INDEX,
      manifests: [
        { ...parts[0], platform: AMD64 },
        { ...parts[1], platform: { ...ARM64, variant: 'v8' } },
      ],
    };
    await putManifest(registry, 'test/busybox', 'both', INDEX, Buffer.from(JSON.stringify(index)));
    registry.close();
    const name = `${plain.host}/test/busybox:both`;
    expect(inspect(`docker://${name}`, '--override-arch', 'arm64').Labels).toEqual({ arch: 'arm' });

    const { transfers, blobs } = await fresh();
    const t = transfers();
    expect((await t.pull(name, { platform: ARM64 })).manifests.map(({ digest }) => digest)).toEqual([parts[1]!.digest]);
    const one = blobs().length;
    await t.pull(name, { platform: 'all' });
    expect(blobs().length).toBeGreaterThan(one);
    const sent = await t.push(`${plain.host}/elsewhere/busybox:both`, { image: name });
    expect(skopeo('inspect', '--raw', '--tls-verify=false', `docker://${plain.host}/elsewhere/busybox:both`)).toBe(JSON.stringify(index));
    expect(sent.digest).toBe((await t.pull(`${plain.host}/elsewhere/busybox:both`)).image.target.digest);
  });

  it('is sent no layer twice: from another repository it is mounted', async () => {
    const { transfers } = await fresh();
    const seen: string[] = [];
    const t = transfers({ observe: ({ method, url, status }) => seen.push(`${method} ${new URL(url).pathname} ${status}`) });
    await t.pull(`${plain.host}/test/busybox:amd`);
    seen.length = 0;
    await t.push(`${plain.host}/mounted/busybox:1`, { image: `${plain.host}/test/busybox:amd` });
    expect(seen.filter((line) => line.startsWith('POST'))).toEqual(Array(2).fill('POST /v2/mounted/busybox/blobs/uploads/ 201'));
    expect(seen.filter((line) => line.startsWith('PUT'))).toEqual(['PUT /v2/mounted/busybox/manifests/1 201']);
    await t.push(`${plain.host}/pieces/busybox:1`, { image: `${plain.host}/test/busybox:amd`, chunk: 300_000 });
    expect(inspect(`docker://${plain.host}/pieces/busybox:1`).Digest).toBe(inspect(`docker://${plain.host}/test/busybox:amd`).Digest);
  });

  it('tells its tags and repositories page by page, and forgets what is deleted', async () => {
    const registry = openRegistry(plain.host);
    try {
      for (const tag of ['a', 'b', 'c', 'd', 'e'])
        skopeo(
          'copy',
          '--src-tls-verify=false',
          '--dest-tls-verify=false',
          `docker://${plain.host}/test/busybox:amd`,
          `docker://${plain.host}/tags/x:${tag}`,
        );
      expect((await all(listTags(registry, 'tags/x', 2))).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(await all(listRepositories(registry, 1))).toEqual(expect.arrayContaining(['tags/x', 'test/busybox']));
      const target = await headManifest(registry, 'tags/x', 'a');
      await deleteManifest(registry, 'tags/x', target!.digest);
      await expect(headManifest(registry, 'tags/x', 'a')).rejects.toThrow('404 Not Found');
    } finally {
      registry.close();
    }
  });

  it('lets in who has the password', async () => {
    const { transfers } = await fresh();
    const name = `${guarded.host}/private/busybox:1`;
    const own = `${plain.host}/test/busybox:amd`;
    await transfers().pull(own);
    await expect(transfers().push(name, { image: own })).rejects.toThrow(
      'push access denied, repository does not exist or may require authorization',
    );
    await expect(transfers().push(name, { image: own, credentials: { username: USER.name, password: 'wrong' } })).rejects.toThrow(
      'push access denied',
    );
    await transfers().push(name, { image: own, credentials: { username: USER.name, password: USER.password } });
    await expect(transfers().pull(name)).rejects.toThrow('pull access denied, repository does not exist or may require authorization');
    await expect(transfers().login(guarded.host, { username: USER.name, password: 'wrong' })).rejects.toThrow(
      'failed with status: 401 Unauthorized',
    );
    await transfers().login(guarded.host, { username: USER.name, password: USER.password });
    const config = JSON.stringify({ auths: { [guarded.host]: { auth: btoa(`${USER.name}:${USER.password}`) } } });
    const { image } = await transfers({ credentials: parseDockerConfig(config) }).pull(name);
    expect(image.target.digest).toBe(inspect(`docker://${name}`, '--creds', `${USER.name}:${USER.password}`).Digest);
  });

  it('shows a certificate that the authority of its folder has signed', async () => {
    const { transfers } = await fresh();
    await transfers().pull(`${plain.host}/test/busybox:amd`);
    const certificates = join(folder, 'certs.d');
    mkdirSync(join(certificates, secure.host), { recursive: true });
    writeFileSync(join(certificates, secure.host, 'ca.crt'), readFileSync(secure.ca!));
    const options = { image: `${plain.host}/test/busybox:amd` };
    await transfers({ certificates }).push(`${secure.host}/tls/busybox:1`, options);
    // What that authority has not signed is not spoken to.
    const other = await startRegistry({ tls: true });
    try {
      mkdirSync(join(certificates, other.host), { recursive: true });
      writeFileSync(join(certificates, other.host, 'ca.crt'), readFileSync(secure.ca!));
      const pushed = transfers({ certificates }).push(`${other.host}/tls/busybox:1`, options);
      await expect(pushed).rejects.toThrow(
        `self-signed certificate (DEPTH_ZERO_SELF_SIGNED_CERT): put the certificate of its authority into certs.d/${other.host}/ca.crt`,
      );
      // A loopback address of which nothing is known is trusted whatever it shows, as in Docker.
      await transfers().push(`${other.host}/tls/busybox:1`, options);
    } finally {
      await other.stop();
    }
    expect(skopeo('inspect', '--cert-dir', join(certificates, secure.host), `docker://${secure.host}/tls/busybox:1`)).toContain('"Digest"');
  });

  it('is reached through a proxy, which sees nothing of what is said', async () => {
    const asked: string[] = [];
    const proxy = createServer();
    proxy.on('connect', ({ url }, client) => {
      asked.push(url ?? '');
      const [host, port] = secure.host.split(':');
      const registry = connect(Number(port), host, () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
      registry.pipe(client).pipe(registry);
      for (const socket of [registry, client]) socket.on('error', () => {});
    });
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    try {
      const { transfers } = await fresh();
      await transfers().pull(`${plain.host}/test/busybox:amd`);
      const settings = { proxies: { https: `127.0.0.1:${(proxy.address() as AddressInfo).port}` }, insecure: ['registry.test'] };
      const pushed = await transfers(settings).push('registry.test:5443/by/proxy:1', { image: `${plain.host}/test/busybox:amd` });
      expect(asked.length).toBeGreaterThan(0);
      expect(new Set(asked)).toEqual(new Set(['registry.test:5443']));
      expect(inspect(`docker://${secure.host}/by/proxy:1`).Digest).toBe(pushed.digest);
    } finally {
      proxy.closeAllConnections();
      await new Promise((done) => proxy.close(done));
    }
  });

  it('exchanges archives with skopeo: one file that is an OCI layout and a Docker archive', async () => {
    const { transfers } = await fresh();
    const name = `${plain.host}/test/busybox:amd`;
    const { image } = await transfers().pull(name);
    const saved = join(folder, 'saved.tar');
    await pipeline(await transfers().save([name]), createWriteStream(saved));
    expect(inspect(`oci-archive:${saved}`).Digest).toBe(image.target.digest);
    expect(inspect(`docker-archive:${saved}`).Labels).toEqual({ arch: 'amd' });
    for (const form of ['oci-archive', 'docker-archive']) {
      const path = join(folder, `${form}.tar`);
      skopeo('copy', '--src-tls-verify=false', `docker://${name}`, `${form}:${path}:example.com/other:1`);
      const other = await fresh();
      const { images } = await other.transfers().load(createReadStream(path));
      expect(images.map((one) => one.name)).toEqual(['example.com/other:1']);
      expect(other.services.snapshots.size).toBeGreaterThan(0);
    }
    const layout = await fresh();
    skopeo('copy', `oci-archive:${saved}`, `oci:${join(folder, 'layout')}:example.com/folder:1`);
    expect((await layout.transfers().load(join(folder, 'layout'))).images.map((one) => one.target.digest)).toEqual([image.target.digest]);
  });

  it('imports what it exports', async () => {
    const { transfers, services, files } = await fresh();
    const t = transfers();
    const chainIds = () =>
      [...services.snapshots.values()].flatMap((s) => s.list({ namespace: 'test' }, ['kind==committed'])).map(({ name }) => name);
    await t.import(busybox(), { name: 'first' });
    const [first] = chainIds();
    const source = await files(first!);
    // As the tree of a running container would be given.
    await t.import(t.export([{ type: 'bind', source, options: ['rbind', 'ro'] }]), { name: 'second' });
    const second = chainIds().find((name) => name !== first);
    const list = (place: string) =>
      execFileSync('find', ['.', '-printf', '%P %y %m %U %G %s %T@ %l\\n'], { cwd: place, encoding: 'utf8' })
        .split('\n')
        .filter((line) => !line.startsWith(' d'))
        .sort()
        .map((line) => line.replace(/ d (\d+ \d+ \d+) \d+/, ' d $1'));
    expect(list(await files(second!))).toEqual(list(source));
  });

  it('goes on after a kill -9 at any moment, and nothing is left over in the end', { timeout: 180_000 * SLOWNESS }, async () => {
    const place = mkdtempSync(join(folder, 'killed-'));
    const program = join(place, 'pull.mjs');
    const contents = `
      import { openContainerd } from './src/containerd/containerd.ts';
      import { storesOf } from './src/containerd/transfer/stores.ts';
      import { transfersOf } from './src/containerd/transfer/transfers.ts';
      const [root, name, snapshotter, delay] = process.argv.slice(2);
      const containerd = await openContainerd({ root: root + '/root', state: root + '/state', address: '', program: '', shimFolders: [], log() {}, writeLog() {}, debug: false });
      const pulling = transfersOf(storesOf(containerd.services, 'test', snapshotter)).pull(name);
      if (delay !== 'never') setTimeout(() => process.kill(process.pid, 'SIGKILL'), Number(delay));
      await pulling;
      await containerd.services.collector.collect();
      const { records } = containerd.services;
      console.log(JSON.stringify([records.images, records.content, records.snapshots, records.leases, records.ingests].map((table) => table.entries().length)));
      await containerd.close();`;
    symlinkSync(join(PROJECT, 'node_modules'), join(place, 'node_modules'));
    buildSync({
      stdin: { contents, resolveDir: PROJECT, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      outfile: program,
      absWorkingDir: PROJECT,
    });
    const { services } = await fresh();
    const snapshotter = services.snapshots.has('overlayfs') ? 'overlayfs' : 'native';
    const run = (delay: string) =>
      spawnSync(process.execPath, [program, join(place, 'c'), `${plain.host}/test/busybox:amd`, snapshotter, delay], { encoding: 'utf8' });
    const signals = new Set<string | null>();
    for (const delay of ['0', '5', '10', '20', '30', '40', '60', '80']) signals.add(run(delay).signal);
    expect([...signals]).toContain('SIGKILL');
    const last = run('never');
    expect(last.stderr).toBe('');
    // One image; manifest, config and layer; its snapshot; no lease that has not expired yet but those of the killed.
    const [images, content, snapshots, , ingests] = JSON.parse(last.stdout);
    expect([images, content, ingests]).toEqual([1, 3, 0]);
    expect(snapshots).toBeGreaterThanOrEqual(1);
  });

  it('leaves to the garbage collector what no image needs, and nothing else', async () => {
    const { transfers, services, blobs } = await fresh();
    const name = `${plain.host}/test/busybox:amd`;
    await transfers().pull(name);
    await services.collector.collect();
    expect(blobs()).toHaveLength(3);
    const again = await transfers().pull(name);
    expect(again.image.target.digest).toBe(inspect(`docker://${name}`).Digest);
    deleteImage(services.records, { namespace: 'test' }, name);
    await services.collector.collect();
    expect(blobs()).toEqual([]);
    for (const [, snapshots] of services.snapshots) expect(snapshots.list({ namespace: 'test' }, [])).toEqual([]);
    await expect(transfers().pull(`${plain.host}/test/busybox:none`)).rejects.toThrow(`${plain.host}/test/busybox:none: not found`);
  });
});
