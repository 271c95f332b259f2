/** Images in the daemon: found, listed, named, taken away; over stores in memory and a registry in a few lines. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filters } from '../../../src/dockerd/http/query.ts';
import { inspectImage } from '../../../src/dockerd/image/inspect.ts';
import { LIST_FILTERS, listImages } from '../../../src/dockerd/image/list.ts';
import { manifestsOf } from '../../../src/dockerd/image/manifests.ts';
import { PRUNE_FILTERS, pruneImages } from '../../../src/dockerd/image/prune.ts';
import { pullImage } from '../../../src/dockerd/image/pull.ts';
import { pushImage } from '../../../src/dockerd/image/push.ts';
import { repositoryTag, withTagOrDigest } from '../../../src/dockerd/image/reference.ts';
import { removeImage } from '../../../src/dockerd/image/remove.ts';
import { saveImages } from '../../../src/dockerd/image/save.ts';
import { tagImage } from '../../../src/dockerd/image/tag.ts';
import { addImage, INDEX, MANIFEST } from '../containerd/support/tiny-image.ts';
import { type TinyRegistry, tinyRegistry } from '../containerd/support/tiny-registry.ts';
import { collected, type ImageParts, imageParts } from './image-parts.ts';

const FAST = { attempts: 2, delay: 1, longest: 20 };
const AMD64 = { os: 'linux', architecture: 'amd64' };
const ARM64 = { os: 'linux', architecture: 'arm64' };

describe('images', () => {
  let folder: string;
  let tiny: TinyRegistry;
  let parts: ImageParts;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'minirun-images-'));
    tiny = await tinyRegistry();
    parts = imageParts(folder);
  });
  afterEach(async () => {
    await tiny.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const pull = async (name: string, more: object = {}) => {
    const messages = collected();
    const reference = withTagOrDigest(`${tiny.host}/${name}`, null);
    const request = { reference, platform: AMD64, settings: { retry: FAST }, signal: new AbortController().signal, ...more };
    await pullImage(parts.daemon, request, messages);
    return messages.lines.map(({ id, status }) => (id ? `${id}: ${status}` : status));
  };
  const tag = async (from: string, to: string) =>
    tagImage(parts.daemon, await parts.daemon.images.get(from), repositoryTag(to, null) as never);
  const list = async (given: Record<string, string[]> = {}) => {
    const query = new URLSearchParams({ filters: JSON.stringify(given) });
    const all = await listImages(
      { images: parts.daemon.images, content: parts.stores.content },
      { filters: filters(query, LIST_FILTERS), sharedSize: true },
    );
    return all.map(({ RepoTags, RepoDigests, Size, SharedSize }) => ({ RepoTags, RepoDigests, Size, SharedSize }));
  };
  const remove = (name: string, force = false) => removeImage(parts.daemon, name, force);

  it('finds them by name, by id and its beginning, by digest; a name costs no look at the others', async () => {
    const { target, config } = addImage(tiny, 'a/b', '1', ['one', 'two']);
    await pull('a/b:1');
    const { images } = parts.daemon;
    const before = parts.lists();
    const byName = await images.get(`${tiny.host}/a/b:1`);
    expect(parts.lists()).toBe(before);
    expect(byName).toMatchObject({ id: config.digest, target: { digest: target.digest }, names: [`${tiny.host}/a/b:1`] });
    for (const text of [config.digest, config.digest.slice(7), config.digest.slice(0, 15), config.digest.slice(7, 12), target.digest])
      expect((await images.get(text)).id).toBe(config.digest);
    expect((await images.get(`${tiny.host}/a/b@${target.digest}`)).id).toBe(config.digest);
    expect((await images.get(`${tiny.host}/a/b:9@${target.digest}`)).id).toBe(config.digest);
    await expect(images.get('nope')).rejects.toMatchObject({ status: 404, message: 'No such image: nope:latest' });
    await expect(images.get('0'.repeat(64))).rejects.toMatchObject({ status: 404, message: `No such image: sha256:${'0'.repeat(64)}` });
    await expect(images.get('A')).rejects.toMatchObject({ status: 400 });
    await expect(images.get('a b')).rejects.toThrow('invalid reference format');
  });

  it('tells how a pull goes, and says nothing of layers when all was here', async () => {
    const { target, layers } = addImage(tiny, 'a/b', '1', ['one', 'two']);
    const ids = layers.map(({ digest }) => digest.slice(7, 19));
    const lines = await pull('a/b:1');
    expect(lines[0]).toBe('1: Pulling from a/b');
    for (const id of ids) {
      const own = lines.filter((line) => line?.startsWith(id)).map((line) => line?.slice(14));
      expect(own).toEqual(['Pulling fs layer', 'Verifying Checksum', 'Download complete', 'Extracting', 'Pull complete']);
    }
    expect(lines.slice(-2)).toEqual([`Digest: ${target.digest}`, `Status: Downloaded newer image for ${tiny.host}/a/b:1`]);
    expect(await pull('a/b:1')).toEqual([
      '1: Pulling from a/b',
      `Digest: ${target.digest}`,
      `Status: Image is up to date for ${tiny.host}/a/b:1`,
    ]);
    addImage(tiny, 'a/b', '2', ['one', 'three']);
    expect(await pull('a/b:2')).toContain(`${ids[0]}: Already exists`);
    expect(parts.events().map(({ Action, Actor }) => [Action, Actor.ID, Actor.Attributes.name])).toEqual(
      ['1', '1', '2'].map((name) => ['pull', `${tiny.host}/a/b:${name}`, `${tiny.host}/a/b`]),
    );
  });

  it('refuses in the words that Docker has', async () => {
    addImage(tiny, 'a/b', '1', ['one']);
    await expect(pull('a/b:2')).rejects.toMatchObject({
      status: 404,
      message: `manifest for ${tiny.host}/a/b:2 not found: manifest unknown: manifest unknown`,
    });
    tiny.mischief = ({ path }, answer) => path.includes('/manifests/') && Boolean(answer.writeHead(403).end());
    await expect(pull('a/b:1')).rejects.toMatchObject({
      status: 404,
      message: `pull access denied for ${tiny.host}/a/b, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
    });
    const { host } = tiny;
    await tiny.close();
    await expect(pull('a/b:1')).rejects.toMatchObject({
      status: 500,
      message: `Get "http://${host}/v2/": dial tcp ${host}: connect: connection refused`,
    });
    tiny = await tinyRegistry();
  });

  it('ends a pull from a registry that lies or stalls with a reason, and leaves nothing but a good start', async () => {
    const { layers } = addImage(tiny, 'a/b', '1', ['one', 'two']);
    const [first, second] = layers.map(({ digest }) => digest) as [string, string];
    const good = tiny.blobs.get(second) as Buffer;
    tiny.blobs.set(second, Buffer.from(good.map((byte) => byte ^ 1)));
    await expect(pull('a/b:1')).rejects.toMatchObject({ message: expect.stringContaining(`unexpected commit digest`) });
    tiny.blobs.set(second, good);
    tiny.mischief = ({ path, method }, answer) => {
      if (method !== 'GET' || !path.includes(second)) return false;
      answer.writeHead(200, { 'content-length': good.length }).flushHeaders();
      return true;
    };
    await expect(pull('a/b:1', { settings: { retry: FAST, patience: { asking: 700, sending: 700 } } })).rejects.toMatchObject({
      message: `blob ${second}: no byte for 0.7 s; 0 of ${good.length} bytes are here`,
    });
    expect(await list()).toEqual([]);
    expect(parts.stores.active.size).toBe(0);
    expect(parts.stores.leases.now).toBe(0);
    expect(parts.stores.store.statuses().filter(({ offset }) => offset > 0)).toEqual([]);
    tiny.mischief = undefined;
    const lines = await pull('a/b:1');
    expect(lines).toContain(`${first.slice(7, 19)}: Already exists`);
    expect(await list()).toHaveLength(1);
  });

  it('stops with the client that goes away', async () => {
    addImage(tiny, 'a/b', '1', ['one']);
    const client = new AbortController();
    tiny.mischief = ({ path, method }) => {
      if (method !== 'GET' || !path.includes('/blobs/')) return false;
      client.abort(new Error('the client went away'));
      return true;
    };
    await expect(pull('a/b:1', { signal: client.signal })).rejects.toThrow('the client went away');
    expect(await list()).toEqual([]);
  });

  it('keeps an image whose tag moves on: by its digest where it came from, else without a name', async () => {
    const old = addImage(tiny, 'a/b', '1', ['one']);
    await pull('a/b:1');
    const name = `${tiny.host}/a/b`;
    expect(await list()).toMatchObject([{ RepoTags: [`${name}:1`], RepoDigests: [`${name}@${old.target.digest}`] }]);
    const young = addImage(tiny, 'a/b', '1', ['two']);
    await pull('a/b:1');
    expect(await list({ dangling: ['true'] })).toMatchObject([{ RepoTags: [], RepoDigests: [`${name}@${old.target.digest}`] }]);
    expect(await list({ dangling: ['false'] })).toMatchObject([{ RepoTags: [`${name}:1`] }]);
    await tag(old.config.digest, 'own:1');
    await tag(young.config.digest, 'own:2');
    await tag(young.config.digest, 'own:1');
    // It has another name, its digest.
    expect([...parts.stores.named.keys()].filter((key) => key.startsWith('moby-dangling@'))).toEqual([]);
    await remove(`${name}@${old.target.digest}`).then((removed) => expect(removed.map((r) => Object.keys(r)[0])).toContain('Deleted'));
    expect(await list()).toHaveLength(1);
  });

  it('keeps what was never in a registry as well, when its name is given to another', async () => {
    addImage(tiny, 'a/b', '1', ['one']);
    addImage(tiny, 'a/b', '2', ['two']);
    await pull('a/b:1');
    await pull('a/b:2');
    await tag(`${tiny.host}/a/b:1`, 'own');
    const { id } = await parts.daemon.images.get('own');
    await remove(`${tiny.host}/a/b:1`);
    await tag(`${tiny.host}/a/b:2`, 'own');
    expect(await list({ dangling: ['1'] })).toMatchObject([{ RepoTags: [], RepoDigests: [] }]);
    expect((await parts.daemon.images.get(id)).names).toEqual([]);
    expect(await remove(id.slice(7, 19))).toMatchObject([{ Deleted: id }, {}]);
  });

  it('lists with filters', async () => {
    addImage(tiny, 'a/b', '1', ['one', 'two']);
    addImage(tiny, 'a/c', 'x', ['one', 'three']);
    await pull('a/b:1');
    await pull('a/c:x');
    const [b, c] = [`${tiny.host}/a/b:1`, `${tiny.host}/a/c:x`];
    const tags = async (given: Record<string, string[]>) => (await list(given)).flatMap(({ RepoTags }) => RepoTags).sort();
    expect(await tags({})).toEqual([b, c]);
    expect(await tags({ reference: ['127*/a/*'] })).toEqual([b, c]);
    expect(await tags({ reference: ['127*/*/*:x'] })).toEqual([c]);
    expect(await tags({ reference: ['*'] })).toEqual([]);
    expect(await tags({ reference: [b.slice(0, -2), 'nope'] })).toEqual([b]);
    expect(await tags({ label: ['no'] })).toEqual([]);
    expect(await tags({ until: ['1h'] })).toEqual([b, c]);
    expect(await tags({ before: [b] })).toEqual([]);
    await expect(list({ reference: ['['] })).rejects.toMatchObject({ status: 400 });
    await expect(list({ since: ['nope'] })).rejects.toMatchObject({ status: 404 });
    await expect(list({ nope: ['1'] })).rejects.toMatchObject({ status: 400 });
    await expect(list({ dangling: ['maybe'] })).rejects.toMatchObject({ status: 400 });
    expect((await list())[0]).toMatchObject({ Size: 200, SharedSize: 100 });
  });

  it('takes names away, then the image with the layers that nobody else has', async () => {
    const { diffIds, config } = addImage(tiny, 'a/b', '1', ['one', 'two']);
    addImage(tiny, 'a/c', '1', ['one', 'three']);
    await pull('a/b:1');
    await pull('a/c:1');
    const name = `${tiny.host}/a/b`;
    await tag(`${name}:1`, `${name}:2`);
    expect(await remove(`${name}:2`)).toEqual([{ Untagged: `${name}:2` }]);
    const [, , deleted, layer, ...rest] = await remove(`${name}:1`);
    expect(rest).toEqual([]);
    expect(deleted).toEqual({ Deleted: config.digest });
    expect(layer).not.toEqual({ Deleted: diffIds[0] });
    await expect(remove(`${name}:1`)).rejects.toMatchObject({ status: 404 });
    await expect(remove('  ')).rejects.toMatchObject({ status: 400 });
    const told = parts
      .events()
      .slice(2)
      .map(({ Action }) => Action);
    expect(told).toEqual(['tag', 'untag', 'untag', 'untag', 'delete']);
  });

  it('does not take from a container what it needs, unless it is forced', async () => {
    const { config } = addImage(tiny, 'a/b', '1', ['one']);
    await pull('a/b:1');
    const name = `${tiny.host}/a/b:1`;
    parts.use(config.digest, 'c'.repeat(64));
    const [short, image] = ['c'.repeat(12), config.digest.slice(7, 19)];
    await expect(remove(name)).rejects.toMatchObject({
      status: 409,
      message: `conflict: unable to remove repository reference "${name}" (must force) - container ${short} is using its referenced image ${image}`,
    });
    await expect(remove(image)).rejects.toMatchObject({
      status: 409,
      message: `conflict: unable to delete ${image} (must be forced) - image is being used by stopped container ${short}`,
    });
    expect(
      (await pruneImages(parts.daemon, filters(new URLSearchParams({ filters: '{"dangling":["0"]}' }), PRUNE_FILTERS))).ImagesDeleted,
    ).toBe(null);
    expect((await remove(name, true)).map((entry) => Object.keys(entry)[0])).toEqual(['Untagged', 'Untagged']);
    expect(await list({ dangling: ['true'] })).toHaveLength(1);
    parts.use(config.digest, 'd'.repeat(64), true);
    await expect(remove(image, true)).rejects.toMatchObject({
      status: 409,
      message: `conflict: unable to delete ${image} (cannot be forced) - image is being used by running container ${'d'.repeat(12)}`,
    });
  });

  it('an id that stands for several names must be forced', async () => {
    const { config } = addImage(tiny, 'a/b', '1', ['one']);
    await pull('a/b:1');
    await tag(`${tiny.host}/a/b:1`, 'other');
    const image = config.digest.slice(7, 19);
    await expect(remove(image)).rejects.toMatchObject({
      status: 409,
      message: `conflict: unable to delete ${image} (must be forced) - image is referenced in multiple repositories`,
    });
    expect((await remove(image, true)).at(-2)).toEqual({ Deleted: config.digest });
    expect(parts.stores.named.size).toBe(0);
  });

  it('prunes: without a tag, or all; by label and age', async () => {
    addImage(tiny, 'a/b', '1', ['one']);
    await pull('a/b:1');
    addImage(tiny, 'a/b', '1', ['two']);
    await pull('a/b:1');
    const prune = (given: Record<string, string[]>) =>
      pruneImages(parts.daemon, filters(new URLSearchParams({ filters: JSON.stringify(given) }), PRUNE_FILTERS));
    expect(await prune({ label: ['x'] })).toEqual({ ImagesDeleted: null, SpaceReclaimed: 0 });
    const { ImagesDeleted, SpaceReclaimed } = await prune({});
    expect(ImagesDeleted?.map((entry) => Object.keys(entry)[0])).toEqual(['Untagged', 'Deleted', 'Deleted']);
    expect(SpaceReclaimed).toBe(100);
    expect((await prune({ dangling: ['false'] })).ImagesDeleted).toHaveLength(4);
    expect(await list()).toEqual([]);
  });

  it('an image of several platforms: this machine’s first, another one if it is the only one here', async () => {
    const arm = addImage(tiny, 'a/b', undefined, ['arm'], 'arm64');
    const amd = addImage(tiny, 'a/b', undefined, ['amd'], 'amd64');
    const manifests = [
      { ...arm.target, platform: ARM64 },
      { ...amd.target, platform: AMD64 },
    ];
    tiny.addManifest('a/b', '1', INDEX, { schemaVersion: 2, mediaType: INDEX, manifests });
    const name = `${tiny.host}/a/b:1`;
    const [own, foreign, ownImage, foreignImage] =
      process.arch === 'arm64' ? ([ARM64, AMD64, arm, amd] as const) : ([AMD64, ARM64, amd, arm] as const);
    await pull('a/b:1', { platform: foreign });
    const { images } = parts.daemon;
    expect((await images.get(name)).id).toBe(foreignImage.config.digest);
    await expect(images.get(name, own)).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('does not match the specified platform'),
    });
    await pull('a/b:1', { platform: own });
    expect((await images.get(name)).id).toBe(ownImage.config.digest);
    expect((await images.get(name, foreign)).id).toBe(foreignImage.config.digest);
    const all = await manifestsOf({ images, content: parts.stores.content }, await images.get(name));
    expect(all.map(({ Available, Kind }) => [Available, Kind])).toEqual([
      [true, 'image'],
      [true, 'image'],
    ]);
  });

  it('inspects as the version of the API has it', async () => {
    const { target } = addImage(tiny, 'a/b', '1', ['one']);
    await pull('a/b:1');
    const { images } = parts.daemon;
    const image = await images.withNames(await images.get(`${tiny.host}/a/b:1`));
    const at = (minor: number) => inspectImage(parts.stores.content, image, { minor, size: 100, snapshotter: 'overlayfs' });
    expect(await at(41)).toMatchObject({
      VirtualSize: 100,
      Container: '',
      Config: { Hostname: '', Cmd: ['sh'] },
      Created: '0001-01-01T00:00:00Z',
    });
    const newest = await at(50);
    for (const key of ['VirtualSize', 'Container', 'ContainerConfig', 'Created']) expect(newest).not.toHaveProperty(key);
    expect(newest.Config).toEqual({
      User: '',
      Env: null,
      Cmd: ['sh'],
      Volumes: null,
      WorkingDir: '',
      Entrypoint: null,
      OnBuild: null,
      Labels: null,
    });
    expect(newest).toMatchObject({ Descriptor: target, RepoDigests: [`${tiny.host}/a/b@${target.digest}`] });
    expect(await at(47)).not.toHaveProperty('Descriptor');
  });

  it('pushes what is here, and says what is not', async () => {
    addImage(tiny, 'a/b', '1', ['one']);
    await pull('a/b:1');
    const push = async (name: string) => {
      const messages = collected();
      const request = { reference: withTagOrDigest(name, null), settings: { retry: FAST }, signal: new AbortController().signal };
      await pushImage(parts.daemon, request, messages);
      return messages.lines;
    };
    await tag(`${tiny.host}/a/b:1`, `${tiny.host}/new:2`);
    const lines = await push(`${tiny.host}/new:2`);
    expect(lines[0]).toEqual({ status: `The push refers to repository [${tiny.host}/new]` });
    const [aux] = lines.flatMap((line) => (line.aux ? [line.aux] : []));
    const { Tag, Digest } = aux as { Tag: string; Digest: string };
    expect(Tag).toBe('2');
    const { RepoDigests } = (await list())[0] as { RepoDigests: string[] };
    expect(RepoDigests).toContain(`${tiny.host}/new@${Digest}`);
    await expect(push(`${tiny.host}/new:3`)).rejects.toThrow(`tag does not exist: ${tiny.host}/new:3`);
    await expect(push(`${tiny.host}/newer:3`)).rejects.toThrow(`An image does not exist locally with the tag: ${tiny.host}/newer`);
    expect(tiny.manifests.get('new:2')?.type).toBe(MANIFEST);
  });

  it('saves a repository with all its tags, or an id without a name', async () => {
    addImage(tiny, 'a/b', '1', ['one']);
    await pull('a/b:1');
    await tag(`${tiny.host}/a/b:1`, 'x:1');
    await tag(`${tiny.host}/a/b:1`, 'x:2');
    const text = async (name: string) => {
      const chunks: Buffer[] = [];
      for await (const chunk of (await saveImages(parts.daemon, [name], undefined)) as AsyncIterable<Buffer>) chunks.push(chunk);
      return Buffer.concat(chunks).toString('latin1');
    };
    expect(await text('x')).toContain('"RepoTags":["x:1","x:2"]');
    expect(await text('x:2')).toContain('"RepoTags":["x:2"]');
    expect(await text((await parts.daemon.images.get('x:1')).id)).toContain('"RepoTags":[]');
    await expect(text('nope')).rejects.toMatchObject({ status: 404 });
  });
});
