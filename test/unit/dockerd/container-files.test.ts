import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync as readlink,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changes } from '../../../src/containerd/diff/changes.ts';
import { END_OF_ARCHIVE, encodeHeader, paddingOf, type TarWritten } from '../../../src/containerd/layers/tar-writer.ts';
import { archiveOf } from '../../../src/dockerd/container/files/archive.ts';
import { readonlyMounts } from '../../../src/dockerd/container/files/export.ts';
import { type ExtractOptions, extractInto } from '../../../src/dockerd/container/files/extract.ts';
import { ownChanges } from '../../../src/dockerd/container/files/own-changes.ts';
import { goMode, pathStat, statHeader } from '../../../src/dockerd/container/files/path-stat.ts';
import { type Place, withPlace } from '../../../src/dockerd/container/files/place.ts';
import type { FileRoot } from '../../../src/dockerd/container/files/root.ts';
import type { ContainerRecord } from '../../../src/dockerd/container/record.ts';

let folder: string;
let root: FileRoot;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-files-'));
  for (const path of ['root/d/sub', 'root/etc', 'outside']) mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, 'root/d/f'), 'text');
  symlinkSync('/d', join(folder, 'root/l'));
  symlinkSync('/nope/../q', join(folder, 'root/broken'));
  symlinkSync(join(folder, 'outside'), join(folder, 'root/out'));
  const fd = openSync(join(folder, 'root'), 'r');
  const top = join(folder, 'root');
  root = { fd, live: false, pathOf: (other) => fdPath(other).slice(top.length) || '/' };
});
afterEach(() => {
  closeSync(root.fd);
  rmSync(folder, { recursive: true, force: true });
});

const fdPath = (fd: number): string => readlink(`/proc/self/fd/${fd}`);

const look = (path: string): Promise<Place> => withPlace(root, path, 'c', async (place) => place);

test('Go has other bits for what a file is', () => {
  expect(goMode({ type: 'folder', mode: 0o755 })).toBe(2147484141);
  expect(goMode({ type: 'symlink', mode: 0o777 })).toBe(134218239);
  expect(goMode({ type: 'folder', mode: 0o1777 })).toBe(2148532735);
  expect(goMode({ type: 'file', mode: 0o4750 })).toBe(8389096);
  expect(goMode({ type: 'character', mode: 0o666 })).toBe(2 ** 26 + 2 ** 21 + 0o666);
});

test('a path is found as Docker finds it', async () => {
  utimesSync(join(folder, 'root/d/f'), 1, 1.25);
  expect(await look('/d/f')).toMatchObject({ name: 'f', size: 4, linkTarget: '', node: { type: 'file' } });
  expect(await look('../../d/./f')).toMatchObject({ name: 'f' });
  expect(await look('/')).toMatchObject({ name: '/', node: { type: 'folder' } });
  expect(await look('/d')).toMatchObject({ name: 'd', node: { type: 'folder' } });
  expect(await look('/l')).toMatchObject({ name: 'l', size: 2, linkTarget: '/d', node: { type: 'symlink' } });
  expect(await look('/l/')).toMatchObject({ name: 'l', linkTarget: '', node: { type: 'folder' } });
  expect(await look('/l/.')).toMatchObject({ name: '.', node: { type: 'folder' } });
  expect(await look('/broken')).toMatchObject({ linkTarget: '/q', size: 10 });
  await expect(look('/nope')).rejects.toMatchObject({ status: 404, message: 'Could not find the file /nope in container c' });
  await expect(look('/nope/x')).rejects.toMatchObject({ status: 404 });
  await expect(look('/out/')).rejects.toMatchObject({ status: 404 });
  await expect(look('/d/f/')).rejects.toMatchObject({ status: 400, message: 'lstat /d/f/: not a directory' });
  const { node, size } = await look('/d/f');
  expect(JSON.parse(Buffer.from(statHeader(pathStat('f', node, size, '')), 'base64').toString())).toMatchObject({
    name: 'f',
    size: 4,
    mtime: '1970-01-01T00:00:01.25Z',
    linkTarget: '',
  });
});

test('an archive has the names that docker cp expects', async () => {
  const names = (path: string): Promise<string[]> =>
    withPlace(root, path, 'c', async (place) => {
      const bytes = Buffer.concat(await archiveOf(place, root, new Set()).toArray());
      const found: string[] = [];
      for (let at = 0; at < bytes.length; at += 512)
        if (bytes.toString('latin1', at + 257, at + 262) === 'ustar') found.push(bytes.toString('latin1', at, bytes.indexOf(0, at)));
      return found.filter((name) => !name.startsWith('PaxHeaders'));
    });
  expect(await names('/d')).toEqual(['d/', 'd/f', 'd/sub/']);
  expect(await names('/d/.')).toEqual(['./', './f', './sub/']);
  expect(await names('/l/')).toEqual(['l/', 'l/f', 'l/sub/']);
  expect(await names('/l')).toEqual(['l']);
  expect((await names('/')).slice(0, 4)).toEqual(['/', '/broken', '/d/', '/d/f']);
});

const tarOf = (...entries: (TarWritten & { text?: string })[]): Readable =>
  Readable.from([
    Buffer.concat([
      ...entries.flatMap(({ text = '', ...entry }) => {
        const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
        return [encodeHeader({ mode: 0o644, ...owner, ...entry, size: text.length }), Buffer.from(text), paddingOf(text.length)];
      }),
      END_OF_ARCHIVE,
    ]),
  ]);
const RECORD = { Mounts: [], HostConfig: {} } as unknown as ContainerRecord;
const put = (path: string, tar: Readable, options: Partial<ExtractOptions> = {}, record = RECORD): Promise<void> =>
  extractInto(root, record, 'c', tar, { path, noOverwriteDirNonDir: true, ...options });

test('a tar is put into a folder, through the links of the container and never out of it', async () => {
  const read = (path: string) => readFileSync(join(folder, path), 'utf8');
  await put('/l', tarOf({ name: 'new/file', type: 'file', text: 'one' }, { name: './', type: 'folder', mode: 0o700 }));
  expect(read('root/d/new/file')).toBe('one');
  await put('/d', tarOf({ name: 'to', type: 'symlink', linkName: '/etc' }, { name: 'to/file', type: 'file', text: 'two' }));
  expect(read('root/etc/file')).toBe('two');
  await put('/', tarOf({ name: 'out/evil', type: 'file', text: 'three' }));
  expect(existsSync(join(folder, 'outside/evil'))).toBe(false);
  await put('/d', tarOf({ name: 'hard', type: 'link', linkName: 'f' }));
  expect(read('root/d/hard')).toBe('text');
  await put('/d', tarOf({ name: '.wh.f', type: 'file', text: '' }));
  expect(read('root/d/f')).toBe('text');
});

test.each([
  ['/nope', [{ name: 'a', type: 'file' }], 404, 'Could not find the file /nope in container c'],
  ['/d/f', [{ name: 'a', type: 'file' }], 400, 'extraction point is not a directory'],
  ['/d', [{ name: '../evil', type: 'file' }], 400, '"../evil" is outside of "/d"'],
  ['/d', [{ name: 'hard', type: 'link', linkName: '../../etc/passwd' }], 400, '"../../etc/passwd" is outside of "/d"'],
  ['/d', [{ name: 'sub', type: 'file' }], 400, 'cannot overwrite directory "/d/sub" with non-directory "/d"'],
  ['/d', [{ name: 'f', type: 'folder' }], 400, 'cannot overwrite non-directory "/d/f" with directory "f"'],
] as const)('a tar for %s with %j is refused', async (path, entries, status, message) => {
  await expect(put(path, tarOf(...(entries as readonly TarWritten[])))).rejects.toMatchObject({ status, message });
});

test('what is no tar, and what is cut off, is the fault of the client', async () => {
  await expect(put('/d', Readable.from([Buffer.from('x'.repeat(1024))]))).rejects.toMatchObject({ status: 400 });
  const cut = new Readable({ read() {} });
  const putting = put('/d', cut);
  cut.push(Buffer.alloc(100));
  cut.destroy();
  await expect(putting).rejects.toThrow('the client went away');
});

test('what the container may not write to, nobody writes to for it', async () => {
  const record = (mounts: object[]) => ({ Mounts: mounts, HostConfig: { ReadonlyRootfs: true } }) as unknown as ContainerRecord;
  const file = () => tarOf({ name: 'a', type: 'file' });
  await expect(put('/d', file(), {}, record([]))).rejects.toThrow('container rootfs is marked read-only');
  await expect(put('/d', file(), {}, record([{ Destination: '/d', RW: false }]))).rejects.toThrow('mounted volume is marked read-only');
  await put('/d', file(), {}, record([{ Destination: '/d', RW: true }]));
  await expect(
    put(
      '/d/sub',
      file(),
      {},
      record([
        { Destination: '/d', RW: true },
        { Destination: '/d/sub', RW: false },
      ]),
    ),
  ).rejects.toThrow('marked read-only');
});

test('changes are those of the container, not those of the runtime', () => {
  for (const path of ['dev/pts', 'proc', 'd/new', 'etc']) mkdirSync(join(folder, 'upper', path), { recursive: true });
  mkdirSync(join(folder, 'upper/sbin'));
  for (const path of ['dev/console', 'etc/hosts', 'sbin/docker-init']) writeFileSync(join(folder, 'upper', path), '');
  writeFileSync(join(folder, 'upper/d/new/file'), 'x');
  const upper = openSync(join(folder, 'upper'), 'r');
  try {
    const found = [...ownChanges(changes(undefined, upper), root.fd)].map(({ change, old }) => `${old ? 'C' : 'A'} ${change.path}`);
    // /sbin is not in the image: somebody has made it.
    expect(found).toEqual(['C d', 'A d/new', 'A d/new/file', 'A sbin']);
  } finally {
    closeSync(upper);
  }
});

test('a tree that a container writes to is read from below another overlay', () => {
  const overlay = {
    type: 'overlay',
    source: 'overlay',
    options: ['index=off', 'workdir=/w', 'upperdir=/u', 'lowerdir=/a:/b', 'userxattr'],
  };
  expect(readonlyMounts([overlay])).toEqual([{ ...overlay, options: ['userxattr', 'lowerdir=/u:/a:/b'] }]);
  const bind = { type: 'bind', source: '/s', options: ['rbind', 'rw'] };
  expect(readonlyMounts([bind])).toEqual([bind]);
});
