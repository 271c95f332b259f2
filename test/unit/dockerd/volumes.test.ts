import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openVolumes } from '../../../src/dockerd/volume/open.ts';
import { pruneVolumes } from '../../../src/dockerd/volume/prune.ts';
import type { Volumes } from '../../../src/dockerd/volume/volumes.ts';

let dataRoot: string;
let told: string[];
let users: Record<string, string[]>;
let volumes: Volumes;

const open = () =>
  openVolumes({
    dataRoot,
    usedBy: (name) => users[name] ?? [],
    events: { publish: (type, action, id) => void told.push(`${type} ${action} ${id}`) },
    log: () => undefined,
  });

beforeEach(async () => {
  dataRoot = mkdtempSync(join(tmpdir(), 'minirun-volumes-'));
  told = [];
  users = {};
  volumes = await open();
});
afterEach(() => rmSync(dataRoot, { recursive: true, force: true }));

test('a volume is a folder that the next daemon finds, with labels and options', async () => {
  const made = await volumes.create({ name: 'data', labels: { a: 'b' }, options: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' } });
  expect(made).toMatchObject({ Name: 'data', Driver: 'local', Mountpoint: join(dataRoot, 'volumes/data/_data'), anonymous: false });
  expect(made.CreatedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(statSync(made.Mountpoint).mode & 0o777).toBe(0o755);
  expect((await open()).get('data')).toEqual(made);
  expect(told).toEqual(['volume create data']);
});

test('one that is there already is given back as it is, as Docker does', async () => {
  const made = await volumes.create({ name: 'data', labels: { a: 'b' } });
  expect(await volumes.create({ name: 'data', labels: { a: 'c' } })).toEqual(made);
  expect(told).toHaveLength(1);
});

test('without a name it gets one, and the label that says so', async () => {
  const made = await volumes.create({ labels: { a: 'b' } });
  expect(made).toMatchObject({ anonymous: true, Labels: { a: 'b', 'com.docker.volume.anonymous': '' } });
  expect(made.Name).toMatch(/^[0-9a-f]{64}$/);
});

test.each([
  [{ name: 'x' }, 400, 'create x: volume name is too short, names should be at least two alphanumeric characters'],
  [
    { name: '../y' },
    400,
    'create ../y: "../y" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
  ],
  [{ name: '.new-volume' }, 400, /invalid characters/],
  [{ name: 'a'.repeat(300) }, 400, /too long/],
  [{ name: 't1', driver: 'nfs' }, 404, 'create t1: error looking up volume plugin nfs: plugin "nfs" not found'],
  [{ name: 't1', options: { foo: 'bar' } }, 400, 'create t1: invalid option: "foo"'],
  [{ name: 't1', options: { constructor: 'bar' } }, 400, 'create t1: invalid option: "constructor"'],
  [{ name: 't1', options: { type: 'tmpfs' } }, 400, 'create t1: missing required option: "device"'],
  [{ name: 't1', options: { o: 'bind' } }, 400, 'create t1: missing required option: "device"'],
  [{ name: 't1', options: { size: '10m' } }, 400, 'create t1: quota size requested but no quota support'],
])('refused in the words of Docker: %j', async (request, status, message) => {
  await expect(volumes.create(request)).rejects.toMatchObject({
    status,
    message: message instanceof RegExp ? expect.stringMatching(message) : message,
  });
  expect(volumes.list()).toEqual([]);
  expect(readdirSync(join(dataRoot, 'volumes'))).toEqual([]);
});

test('a volume that is used is not removed, neither by its container nor while one is being made', async () => {
  await volumes.create({ name: 'data' });
  users.data = ['one', 'two'];
  await expect(volumes.remove('data', true)).rejects.toMatchObject({ status: 409, message: 'remove data: volume is in use - [one, two]' });
  users = {};
  await volumes.create({ name: 'data' }, 'three');
  await expect(volumes.remove('data', false)).rejects.toMatchObject({ message: 'remove data: volume is in use - [three]' });
  volumes.release('three');
  await volumes.remove('data', false);
  expect(readdirSync(join(dataRoot, 'volumes'))).toEqual([]);
  await expect(volumes.remove('data', false)).rejects.toMatchObject({ status: 404, message: 'get data: no such volume' });
  await volumes.remove('data', true);
  expect(told).toEqual(['volume create data', 'volume destroy data']);
});

test('what a killed daemon has begun is removed by the next, and a folder of Docker is a volume', async () => {
  const folder = join(dataRoot, 'volumes');
  mkdirSync(join(folder, '.old-1234', '_data', 'deep'), { recursive: true });
  mkdirSync(join(folder, '.new-1234'));
  mkdirSync(join(folder, 'brought', '_data'), { recursive: true });
  mkdirSync(join(folder, 'nothing'));
  const found = await open();
  expect(found.list()).toMatchObject([{ Name: 'brought', Labels: null, Options: null }]);
  expect(readdirSync(folder).sort()).toEqual(['brought', 'nothing']);
});

test('an empty volume is filled at once or not at all; one with files stays as it is', async () => {
  const { Mountpoint } = await volumes.create({ name: 'data' });
  const half = volumes.populate('data', 'me', async (folder) => {
    writeFileSync(join(folder, 'half'), '');
    throw new Error('stopped');
  });
  await expect(half).rejects.toThrow('stopped');
  expect(readdirSync(Mountpoint)).toEqual([]);
  await volumes.populate('data', 'me', async (folder) => writeFileSync(join(folder, 'file'), 'one'));
  await volumes.populate('data', 'me', async (folder) => writeFileSync(join(folder, 'file'), 'two'));
  expect(readFileSync(join(Mountpoint, 'file'), 'utf8')).toBe('one');
  expect(existsSync(join(dataRoot, 'volumes/data/.filling'))).toBe(false);
});

test('prune takes what nobody uses and what is wanted, and counts its bytes once', async () => {
  const { Mountpoint, Name } = await volumes.create({});
  writeFileSync(join(Mountpoint, 'file'), Buffer.alloc(1000));
  await volumes.create({ name: 'named' });
  await volumes.create({ name: 'used' });
  await volumes.create({ name: 'mounted', options: { type: 'tmpfs', device: 'tmpfs' } });
  users.used = ['me'];
  expect(await pruneVolumes(volumes, ({ anonymous }) => anonymous)).toEqual({ VolumesDeleted: [Name], SpaceReclaimed: 1000 });
  expect((await pruneVolumes(volumes, () => true)).VolumesDeleted).toEqual(['named']);
  expect(volumes.list().map((volume) => volume.Name)).toEqual(['used', 'mounted']);
});
