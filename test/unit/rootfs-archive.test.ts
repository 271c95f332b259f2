import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { create, Header } from 'tar';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRootfs } from '../../src/runc/rootfs/open-rootfs.ts';

let scratch: string;
let serial = 0;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'minirun-rootfs-'));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type EntryType = 'File' | 'Directory' | 'SymbolicLink' | 'Link' | 'CharacterDevice' | 'FIFO';
interface Made {
  path: string;
  type?: EntryType;
  link?: string;
  text?: string;
  mode?: number;
  uid?: number;
  gid?: number;
}

/** A tar written block by block, so that it can hold what no tar program would write. */
function tarOf(entries: Made[], end = true): Buffer {
  const blocks: Buffer[] = [];
  for (const e of entries) {
    const body = Buffer.from(e.text ?? '');
    const header = Buffer.alloc(512);
    new Header({
      path: e.path,
      type: e.type ?? 'File',
      linkpath: e.link ?? '',
      size: body.length,
      mode: e.mode ?? 0o644,
      uid: e.uid ?? 0,
      gid: e.gid ?? 0,
      mtime: new Date(1_000_000_000_000),
      devmaj: 1,
      devmin: 3,
    }).encode(header, 0);
    blocks.push(header, body, Buffer.alloc((512 - (body.length % 512)) % 512));
  }
  if (end) blocks.push(Buffer.alloc(1024));
  return Buffer.concat(blocks);
}

function file(content: Buffer | string): string {
  const path = join(scratch, `archive-${++serial}.tar`);
  writeFileSync(path, content);
  return path;
}

async function extract(content: Buffer, privileged = false): Promise<string> {
  const into = join(scratch, 'out', `r${++serial}`);
  return (await openRootfs(file(content), { into, privileged })).path;
}

async function refusal(content: Buffer | string, privileged = false): Promise<string> {
  const into = join(scratch, 'refused', `r${++serial}`);
  const error = await openRootfs(file(content), { into, privileged }).then(
    () => new Error('was accepted'),
    (e: Error) => e,
  );
  expect(existsSync(into)).toBe(false);
  if (existsSync(join(scratch, 'refused'))) expect(readdirSync(join(scratch, 'refused'))).toEqual([]);
  expect(error.message).not.toContain('\n');
  return error.message;
}

describe('extracted', () => {
  test('files, folders, links, modes and times, plain and gzipped', async () => {
    const tar = tarOf([
      { path: './', type: 'Directory', mode: 0o755 },
      { path: './bin/', type: 'Directory', mode: 0o555 },
      { path: './bin/su', text: 'x', mode: 0o4755 },
      { path: './bin/sh', type: 'Link', link: './bin/su' },
      { path: './etc/deep/file with\nnewline und ö', text: 'y' },
      { path: './lib', type: 'SymbolicLink', link: '/usr/lib' },
      { path: './up', type: 'SymbolicLink', link: '../../../../etc/passwd' },
      { path: './pipe', type: 'FIFO' },
    ]);
    for (const content of [tar, gzipSync(tar)]) {
      const root = await extract(content);
      expect(readFileSync(join(root, 'bin/su'), 'utf8')).toBe('x');
      expect(statSync(join(root, 'bin/su')).mode & 0o7777).toBe(0o4755);
      expect(statSync(join(root, 'bin/su')).mtimeMs).toBe(1_000_000_000_000);
      expect(statSync(join(root, 'bin')).mtimeMs).toBe(1_000_000_000_000);
      expect(statSync(join(root, 'bin/sh')).ino).toBe(statSync(join(root, 'bin/su')).ino);
      expect(readlinkSync(join(root, 'lib'))).toBe('/usr/lib');
      expect(readlinkSync(join(root, 'up'))).toBe('../../../../etc/passwd');
      expect(readFileSync(join(root, 'etc/deep/file with\nnewline und ö'), 'utf8')).toBe('y');
      expect(lstatSync(join(root, 'pipe')).isFIFO()).toBe(true);
    }
  });

  test.runIf(process.getuid?.() === 0)('as root: owners, set-group-id after the change of owner, device nodes', async () => {
    const root = await extract(
      tarOf([
        { path: 'chage', text: 'x', mode: 0o2755, gid: 42 },
        { path: 'link', type: 'SymbolicLink', link: 'chage', uid: 7 },
        { path: 'null', type: 'CharacterDevice', mode: 0o666 },
      ]),
      true,
    );
    const chage = statSync(join(root, 'chage'));
    expect([chage.mode & 0o7777, chage.gid]).toEqual([0o2755, 42]);
    expect(lstatSync(join(root, 'link')).uid).toBe(7);
    const node = lstatSync(join(root, 'null'));
    expect([node.isCharacterDevice(), node.rdev]).toEqual([true, 0x103]);
  });

  test.runIf(process.getuid?.() === 0)('as root: ids are shifted into the range of a user namespace', async () => {
    const into = join(scratch, 'shifted', 'r');
    const shift = { uid: (n: number) => n + 100000, gid: (n: number) => n + 200000 };
    await openRootfs(file(tarOf([{ path: 'a/f', uid: 5, gid: 6 }])), { into, privileged: true, shift });
    const stat = statSync(join(into, 'a/f'));
    expect([stat.uid, stat.gid, statSync(join(into, 'a')).uid]).toEqual([100005, 200006, 100000]);
  });

  test('what a tar program writes of a folder comes out the same', async () => {
    const folder = join(scratch, 'source');
    mkdirSync(join(folder, 'd'), { recursive: true });
    writeFileSync(join(folder, 'd/large'), Buffer.alloc(3_000_000, 'abc'));
    writeFileSync(join(folder, 'd', 'n'.repeat(200)), 'long name');
    chmodSync(join(folder, 'd/large'), 0o600);
    linkSync(join(folder, 'd/large'), join(folder, 'again'));
    symlinkSync('/abs', join(folder, 's'));
    utimesSync(join(folder, 'd/large'), 1e9, 1e9);
    const tar = join(scratch, 'made.tgz');
    await create({ file: tar, cwd: folder, gzip: true, preservePaths: true }, ['.']);
    const { path } = await openRootfs(tar, { into: join(scratch, 'out', 'made'), privileged: false });
    expect(readFileSync(join(path, 'again')).equals(readFileSync(join(folder, 'd/large')))).toBe(true);
    expect(readFileSync(join(path, 'd', 'n'.repeat(200)), 'utf8')).toBe('long name');
    expect(readlinkSync(join(path, 's'))).toBe('/abs');
  });

  test('a later entry replaces an earlier file, without writing through a link', async () => {
    const root = await extract(
      tarOf([
        { path: 'a', text: 'secret' },
        { path: 'x', type: 'SymbolicLink', link: 'a' },
        { path: 'x', text: 'new' },
      ]),
    );
    expect([readFileSync(join(root, 'a'), 'utf8'), readFileSync(join(root, 'x'), 'utf8')]).toEqual(['secret', 'new']);
  });
});

describe('refused before anything is written', () => {
  const fine = { path: 'ok', text: 'x' };
  test.each<[string, Made[], RegExp]>([
    ['an absolute path', [fine, { path: '/etc/passwd' }], /"\/etc\/passwd" is absolute/],
    ['..', [fine, { path: 'a/../../x' }], /contains "\.\."/],
    ['an entry below a symbolic link', [{ path: 'x', type: 'SymbolicLink', link: '/etc' }, { path: 'x/passwd' }], /below "x"/],
    ['an entry below a file', [fine, { path: 'ok/x' }], /is no folder/],
    ['a hard link out of the tree', [{ path: 'x', type: 'Link', link: '../../etc/shadow' }], /hard link/],
    ['an absolute hard link', [{ path: 'x', type: 'Link', link: '/etc/shadow' }], /hard link/],
    ['a hard link to what is not there', [{ path: 'x', type: 'Link', link: 'y' }], /not made before/],
    [
      'a hard link through a symbolic link',
      [
        { path: 's', type: 'SymbolicLink', link: '/etc' },
        { path: 'x', type: 'Link', link: 's/shadow' },
      ],
      /below "s"/,
    ],
    [
      'a folder replaced by a link',
      [
        { path: 'd', type: 'Directory' },
        { path: 'd', type: 'SymbolicLink', link: '/etc' },
      ],
      /replace a folder/,
    ],
    ['the root replaced', [{ path: '.', type: 'SymbolicLink', link: '/etc' }], /itself/],
    ['a device node for an ordinary user', [fine, { path: 'dev/null', type: 'CharacterDevice' }], /only root can make/],
    ['an image of docker save', [{ path: 'manifest.json' }, { path: 'oci-layout' }], /docker export/],
  ])('%s', async (_name, entries, message) => {
    expect(await refusal(tarOf(entries))).toMatch(message);
  });

  test('truncated: in an entry, between entries, in the gzip stream', async () => {
    const tar = tarOf([
      { path: 'a', text: 'x'.repeat(5000) },
      { path: 'b', text: 'y' },
    ]);
    expect(await refusal(tar.subarray(0, 2000))).toMatch(/truncated/);
    expect(await refusal(tarOf([{ path: 'a', text: 'x' }], false))).toMatch(/truncated/);
    expect(await refusal(gzipSync(tar).subarray(0, 60))).toMatch(/truncated/);
  });

  test('no tar, empty, no entries, other compressions', async () => {
    expect(await refusal('just a text\n'.repeat(200))).toMatch(/no tar archive/);
    expect(await refusal('#!/bin/sh\n')).toMatch(/no tar archive/);
    expect(await refusal('')).toMatch(/is empty/);
    expect(await refusal(Buffer.alloc(1024))).toMatch(/without any entry|no tar/);
    expect(await refusal(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0]))).toMatch(/xz -d/);
    expect(await refusal(gzipSync('hello'))).toMatch(/no tar archive/);
  });

  test('a damaged header', async () => {
    const tar = tarOf([
      { path: 'a', text: 'x' },
      { path: 'b', text: 'y' },
    ]);
    tar[1024 + 150] = 0x39;
    expect(await refusal(tar)).toMatch(/damaged after 1/);
  });
});

test('nothing there, an empty folder, a special file', async () => {
  const options = { into: join(scratch, 'never'), privileged: false };
  const empty = join(scratch, 'empty');
  mkdirSync(empty);
  await expect(openRootfs(join(scratch, 'nowhere'), options)).rejects.toThrow(/no root filesystem at/);
  await expect(openRootfs(empty, options)).rejects.toThrow(/empty folder/);
  await expect(openRootfs('/dev/null', options)).rejects.toThrow(/neither a folder nor/);
});
