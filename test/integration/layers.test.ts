import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AppliedLayer, applyLayer } from '../../src/containerd/layers/apply.ts';
import type { Mount } from '../../src/containerd/snapshots/mount.ts';
import { getXattrAt } from '../../src/libc/xattr.ts';
import { tarOf, type Written } from '../unit/containerd/support/layers.ts';

/** Everything lies in here: the layer's root, and, beside it, what no layer may reach. */
let folder: string;
let root: string;
let outside: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-layers-'));
  root = join(folder, 'root');
  outside = join(folder, 'outside');
  mkdirSync(root);
  mkdirSync(outside, { mode: 0o700 });
  writeFileSync(join(outside, 'secret'), 'untouched', { mode: 0o600 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bind = (): Mount[] => [{ type: 'bind', source: root, options: ['rw', 'rbind'] }];
const upper = (): Mount[] => {
  mkdirSync(join(folder, 'lower'), { recursive: true });
  return [{ type: 'overlay', source: 'overlay', options: [`workdir=${folder}/work`, `upperdir=${root}`, `lowerdir=${folder}/lower`] }];
};
const apply = (mounts: Mount[], ...entries: Written[]): Promise<AppliedLayer> => applyLayer(mounts, Readable.from([tarOf(...entries)]));
const at = (...path: string[]): string => join(root, ...path);
const xattr = (path: string, name: string): string | number => {
  const fd = openSync(dirname(path), 'r');
  try {
    return getXattrAt(fd, basename(path), name);
  } finally {
    closeSync(fd);
  }
};
const ENODATA = -61;
const asRoot = process.geteuid?.() === 0;

describe.runIf(asRoot)('a layer', () => {
  test('becomes files of all kinds, with owners, modes, times and attributes', async () => {
    await apply(
      bind(),
      { name: './', type: '5', mode: 0o700 },
      { name: 'dir', type: '5', mode: 0o1777, uid: 7, pax: { mtime: '1500000000.5' } },
      {
        name: 'dir/file',
        body: 'body',
        mode: 0o4755,
        uid: 1000,
        gid: 1001,
        pax: { mtime: '1600000000.123456789', 'SCHILY.xattr.user.a': 'b' },
      },
      { name: 'dir/again', type: '1', link: 'dir/file' },
      { name: 'sym', type: '2', link: '/etc/passwd', uid: 5, mtime: 1 },
      { name: 'null', type: '3', major: 1, minor: 3, mode: 0o666 },
      { name: 'big', type: '4', major: 259, minor: 70_000, mode: 0o600 },
      { name: 'pipe', type: '6', mode: 0o622 },
      { name: 'missing/parents/file', body: 'x' },
      { name: 'group', type: '5', mode: 0o2755, gid: 50 },
      { name: 'group/missing/file' },
      { name: 'sparse', body: 'abcd', pax: { 'GNU.sparse.map': '0,2,1000000,2', 'GNU.sparse.size': '3000000' } },
    );
    const file = lstatSync(at('dir/file'), { bigint: true });
    expect(file).toMatchObject({ mode: 0o104755n, uid: 1000n, gid: 1001n, nlink: 2n, mtimeNs: 1_600_000_000_123_456_789n });
    expect(lstatSync(at('dir/again'), { bigint: true }).ino).toBe(file.ino);
    expect(lstatSync(at('dir'), { bigint: true })).toMatchObject({ mode: 0o41777n, uid: 7n, mtimeNs: 1_500_000_000_500_000_000n });
    expect(xattr(at('dir/file'), 'user.a')).toBe('b');
    expect(readlinkSync(at('sym'))).toBe('/etc/passwd');
    expect(lstatSync(at('sym'))).toMatchObject({ uid: 5, mtimeMs: 1000 });
    expect(lstatSync(at('null'))).toMatchObject({ mode: 0o20666, rdev: (1 << 8) | 3 });
    expect(spawnSync('stat', ['-c', '%F %Hr %Lr', at('big')], { encoding: 'utf8' }).stdout).toBe('block special file 259 70000\n');
    expect(lstatSync(at('pipe')).mode).toBe(0o10622);
    expect(lstatSync(at('missing/parents')).mode).toBe(0o40755);
    expect(lstatSync(at('group/missing'))).toMatchObject({ mode: 0o40755, gid: 50 });
    const sparse = statSync(at('sparse'));
    expect(sparse.size).toBe(3_000_000);
    expect(sparse.blocks * 512).toBeLessThan(100_000);
    const bytes = readFileSync(at('sparse'));
    expect([bytes.toString('latin1', 0, 3), bytes.toString('latin1', 1_000_000, 1_000_003)]).toEqual(['ab\0', 'cd\0']);
  });

  test.each(['plain', 'gzip', 'zstd'])('%s is told by its first bytes; its diff ID is that of the plain archive', async (kind) => {
    const plain = tarOf({ name: 'a', body: 'x'.repeat(200_000) });
    const stored = kind === 'plain' ? plain : kind === 'gzip' ? gzipSync(plain) : spawnSync('zstd', ['-c'], { input: plain }).stdout;
    const single: Readable = Readable.from(
      stored
        .subarray(0, 3)
        .toString('latin1')
        .split('')
        .map((c) => Buffer.from(c, 'latin1'))
        .concat([Buffer.from(stored.subarray(3))]),
    );
    expect(await applyLayer(bind(), single)).toEqual({
      digest: `sha256:${createHash('sha256').update(plain).digest('hex')}`,
      size: plain.length,
      ignored: [],
    });
    expect(statSync(at('a')).size).toBe(200_000);
  });

  test('replaces files by folders and folders by files, and keeps folders', async () => {
    await apply(bind(), { name: 'a', body: '1' }, { name: 'b/c', body: '2' }, { name: 'd/e', body: '3' });
    await apply(bind(), { name: 'a/x', type: '5' }, { name: 'b', body: 'now a file' }, { name: 'd', type: '5', mode: 0o700 }).then(
      () => expect.unreachable(),
      (error) => expect(error.message).toMatch(/entry 1, "a\/x": .*not a directory \(ENOTDIR\)/),
    );
    await apply(bind(), { name: 'a', type: '5' }, { name: 'b', body: 'now a file' }, { name: 'd', type: '5', mode: 0o700 });
    expect(statSync(at('a')).isDirectory()).toBe(true);
    expect(readFileSync(at('b'), 'utf8')).toBe('now a file');
    expect(readFileSync(at('d/e'), 'utf8')).toBe('3');
    expect(statSync(at('d')).mode).toBe(0o40700);
  });

  test('that is cut or damaged is an error, and its file is closed', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const archive = tarOf({ name: 'a', body: 'x'.repeat(100_000) });
    await expect(applyLayer(bind(), Readable.from([archive.subarray(0, 50_000)]))).rejects.toThrow(/truncated/);
    await expect(applyLayer(bind(), Readable.from([gzipSync(archive).subarray(0, 150)]))).rejects.toThrow(/unexpected end of file/);
    await expect(applyLayer(bind(), Readable.from([Buffer.from('no archive at all'.repeat(99))]))).rejects.toThrow(/no tar archive/);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
});

describe.runIf(asRoot)('whiteouts', () => {
  const lower: Written[] = [
    { name: 'keep', body: 'k' },
    { name: 'gone', body: 'g' },
    { name: 'dir/one', body: '1' },
    { name: 'dir/two', body: '2' },
    { name: 'opaque/old', body: 'o' },
    { name: 'opaque/sub/old', body: 'o' },
    { name: 'mixed/old', body: 'o' },
  ];
  const layer: Written[] = [
    { name: '.wh.gone' },
    { name: 'dir/.wh.one' },
    { name: 'opaque/new', body: 'n' },
    { name: 'opaque/sub/new', body: 'n' },
    // After what it must not hide: the specification allows any order.
    { name: 'opaque/.wh..wh..opq' },
    { name: '.wh.mixed' },
    { name: 'mixed', type: '5', mode: 0o755 },
    { name: 'mixed/new', body: 'n' },
    { name: '.wh..wh.plnk', type: '5' },
  ];
  const seen = (path: string): string[] =>
    spawnSync('find', ['.', '!', '-type', 'd'], { cwd: path, encoding: 'utf8' }).stdout.split('\n').filter(Boolean).sort();
  const wanted = ['./dir/two', './keep', './mixed/new', './opaque/new', './opaque/sub/new'];

  test('remove on a tree, but nothing of their own layer', async () => {
    await apply(bind(), ...lower);
    const { ignored } = await apply(bind(), ...layer);
    expect(seen(root)).toEqual(wanted);
    expect(ignored).toEqual(['.wh..wh.plnk: it belongs to aufs']);
  });

  test('are overlayfs’s own in an upper folder, and the kernel shows the same', async () => {
    const mounts = upper();
    await apply([{ type: 'bind', source: join(folder, 'lower'), options: ['rw'] }], ...lower);
    await apply(mounts, ...layer);
    expect(lstatSync(at('gone'))).toMatchObject({ rdev: 0 });
    expect(lstatSync(at('gone')).isCharacterDevice()).toBe(true);
    expect(xattr(at('opaque'), 'trusted.overlay.opaque')).toBe('y');
    expect(xattr(at('mixed'), 'trusted.overlay.opaque')).toBe('y');
    mkdirSync(join(folder, 'work'));
    mkdirSync(join(folder, 'merged'));
    const script = `mount -t overlay overlay -o ${mounts[0]!.options.join(',')} merged && cd merged && find . ! -type d | sort`;
    const found = spawnSync('unshare', ['-m', 'sh', '-c', script], { cwd: folder, encoding: 'utf8' });
    expect(found.stdout.split('\n').filter(Boolean), found.stderr).toEqual(wanted);
  });

  test('in an upper folder, missing folders take the lower one’s owner and mode', async () => {
    const mounts = upper();
    await apply([{ type: 'bind', source: join(folder, 'lower'), options: ['rw'] }], {
      name: 'srv',
      type: '5',
      mode: 0o2750,
      uid: 33,
      gid: 34,
    });
    await apply(mounts, { name: 'srv/new', body: 'n' });
    expect(lstatSync(at('srv'))).toMatchObject({ mode: 0o42750, uid: 33, gid: 34 });
  });
});

describe.runIf(asRoot)('a malicious layer', () => {
  const attacks: [string, Written[], RegExp | undefined][] = [
    ['a name with .. (CVE-2014-9356)', [{ name: '../outside/secret', body: 'evil' }], /leads out of the layer's root/],
    ['a name with .. in the middle', [{ name: 'a/../../outside/secret', body: 'evil' }], /leads out of the layer's root/],
    ['a PAX name with ..', [{ name: 'x', body: 'evil', pax: { path: '../outside/secret' } }], /leads out/],
    [
      'a symbolic link to a folder outside, then a file in it (CVE-2014-6407)',
      [
        { name: 'l', type: '2', link: 'OUTSIDE' },
        { name: 'l/secret', body: 'evil' },
      ],
      undefined,
    ],
    [
      'the same with ..',
      [
        { name: 'l', type: '2', link: '../outside' },
        { name: 'l/secret', body: 'evil' },
      ],
      undefined,
    ],
    [
      'two links, one through the other',
      [
        { name: 'a', type: '2', link: '..' },
        { name: 'b', type: '2', link: 'a/outside' },
        { name: 'b/secret', body: 'evil' },
      ],
      undefined,
    ],
    [
      'a symbolic link to a file outside, then that file',
      [
        { name: 'l', type: '2', link: 'OUTSIDE/secret' },
        { name: 'l', body: 'evil' },
      ],
      undefined,
    ],
    [
      'a hard link to a file outside (CVE-2014-6407)',
      [
        { name: 'h', type: '1', link: '../outside/secret' },
        { name: 'h', body: 'evil' },
      ],
      /leads out/,
    ],
    ['an absolute hard link', [{ name: 'h', type: '1', link: 'OUTSIDE/secret' }], /ENOENT/],
    [
      'a hard link through a symbolic one',
      [
        { name: 'l', type: '2', link: 'OUTSIDE' },
        { name: 'h', type: '1', link: 'l/secret' },
      ],
      /ENOENT/,
    ],
    [
      'a hard link to a symbolic one, then its mode (CVE-2021-32760)',
      [
        { name: 'l', type: '2', link: 'OUTSIDE/secret' },
        { name: 'h', type: '1', link: 'l', mode: 0o777 },
      ],
      undefined,
    ],
    [
      'a folder in place of a link to one outside',
      [
        { name: 'l', type: '2', link: 'OUTSIDE' },
        { name: 'l', type: '5', mode: 0o777 },
      ],
      undefined,
    ],
    ['a whiteout of a file outside', [{ name: 'l', type: '2', link: 'OUTSIDE' }, { name: 'l/.wh.secret' }], undefined],
    ['a whiteout with ..', [{ name: '.wh...' }], /names no file/],
    ['a whiteout of the folder itself', [{ name: 'a/.wh..' }], /names no file/],
    ['an opaque folder outside', [{ name: 'l', type: '2', link: 'OUTSIDE' }, { name: 'l/.wh..wh..opq' }], undefined],
    [
      'a link in place of the root (CVE-2021-29136)',
      [
        { name: '.', type: '2', link: 'OUTSIDE' },
        { name: 'secret', body: 'evil' },
      ],
      undefined,
    ],
    [
      'a link of /proc',
      [
        { name: 'l', type: '2', link: '/proc/self/root' },
        { name: 'l/OUTSIDE/secret', body: 'evil' },
      ],
      undefined,
    ],
    [
      'a loop of links',
      [
        { name: 'a', type: '2', link: 'b' },
        { name: 'b', type: '2', link: 'a' },
        { name: 'a/x', body: 'evil' },
      ],
      /ELOOP/,
    ],
    ['attributes of overlayfs', [{ name: 'd', type: '5', pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/outside' } }], undefined],
  ];
  const filled = (entries: Written[]): Written[] =>
    entries.map((e) => ({ ...e, name: e.name.replace('OUTSIDE', outside.slice(1)), link: e.link?.replace('OUTSIDE', outside) }));
  const expectUntouched = (): void => {
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('untouched');
    expect(lstatSync(join(outside, 'secret'))).toMatchObject({ mode: 0o100600, nlink: 1 });
    expect(readdirSync(outside)).toEqual(['secret']);
    expect(lstatSync(outside).mode).toBe(0o40700);
    expect(readdirSync(folder).sort()).toEqual(expect.arrayContaining(['outside', 'root']));
    expect(lstatSync(root).isDirectory()).toBe(true);
  };

  describe.each([
    ['a tree', bind],
    ['an upper folder', upper],
  ])('on %s', (_, mounts) => {
    test.each(attacks)('%s', async (_name, entries, words) => {
      const applied = apply(mounts(), ...filled(entries));
      if (words) await expect(applied).rejects.toThrow(words);
      else await applied;
      expectUntouched();
    });

    test.each(attacks)('%s: the link or folder comes from an earlier layer', async (_name, entries) => {
      const [first, ...rest] = filled(entries);
      await apply(mounts(), first!).catch(() => {});
      await apply(mounts(), ...rest).catch(() => {});
      expectUntouched();
    });
  });

  test('a layer brings no attribute of overlayfs', async () => {
    const { ignored } = await apply(bind(), {
      name: 'd',
      type: '5',
      pax: { 'SCHILY.xattr.trusted.overlay.redirect': '/x', 'SCHILY.xattr.user.ok': 'y' },
    });
    expect(ignored).toEqual(['the attribute trusted.overlay.redirect: it belongs to the host']);
    expect(xattr(at('d'), 'trusted.overlay.redirect')).toBe(ENODATA);
    expect(xattr(at('d'), 'user.ok')).toBe('y');
  });

  test('links that were in the tree before lead nowhere else', async () => {
    symlinkSync(outside, at('old'));
    linkSync(join(outside, 'secret'), at('hard'));
    await apply(bind(), { name: 'old/secret', body: 'evil' }, { name: 'hard', body: 'new' });
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('untouched');
    expect(readFileSync(at('hard'), 'utf8')).toBe('new');
    expect(existsSync(at(outside.slice(1), 'secret'))).toBe(true);
  });
});
