import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readable, type TarEntry, TarError } from '../../../src/containerd/layers/tar-header.ts';
import { tarReader } from '../../../src/containerd/layers/tar-reader.ts';
import { header, paxHeader, summed, tarOf } from './support/layers.ts';

interface Read {
  entry: TarEntry;
  body: Buffer;
}

/** Reads it in chunks of a length. */
function read(archive: Buffer, step = archive.length): Read[] {
  const all: Read[] = [];
  const reader = tarReader({
    entry: (entry) => void all.push({ entry, body: Buffer.alloc(Math.min(entry.size, 1 << 24)) }),
    data: (bytes, at) => void bytes.copy(all.at(-1)!.body, at),
    end: () => {},
  });
  for (let at = 0; at < archive.length; at += step) reader.push(archive.subarray(at, at + step));
  reader.finish();
  return all;
}

const END = Buffer.alloc(1024);
const names = (all: Read[]): string[] => all.map(({ entry }) => entry.name);

describe('a tar archive', () => {
  test('reads the same in chunks of any size', () => {
    const archive = tarOf(
      { name: 'dir/', type: '5', mode: 0o755 },
      { name: 'dir/file', body: 'x'.repeat(1500), uid: 1000, gid: 1001, mode: 0o4755 },
      { name: 'empty' },
      { name: 'link', type: '2', link: 'dir/file' },
      { name: 'null', type: '3', major: 1, minor: 3 },
    );
    const whole = read(archive);
    expect(whole.map(({ entry }) => entry.type)).toEqual(['folder', 'file', 'file', 'symlink', 'character']);
    expect(whole[1]!.entry).toMatchObject({ size: 1500, uid: 1000, gid: 1001, mode: 0o4755, modified: { seconds: 1_600_000_000 } });
    expect(whole[4]!.entry).toMatchObject({ deviceMajor: 1, deviceMinor: 3 });
    for (const step of [1, 7, 511, 512, 513, 4096]) expect(read(archive, step)).toEqual(whole);
  });

  test('has in PAX records what its header cannot hold', () => {
    const long = `${'d'.repeat(120)}/${'f'.repeat(150)}`;
    const [{ entry }] = read(
      tarOf({
        name: 'short',
        pax: {
          path: long,
          mtime: '1600000000.123456789',
          atime: '-1.5',
          uid: '3000000000',
          'SCHILY.xattr.user.a': 'b\0c',
          'LIBARCHIVE.xattr.user.d%25e': Buffer.from('f').toString('base64'),
        },
      }),
    ) as [Read];
    expect(entry.name).toBe(long);
    expect(entry.modified).toEqual({ seconds: 1_600_000_000, nanoseconds: 123_456_789 });
    expect(entry.accessed).toEqual({ seconds: -2, nanoseconds: 500_000_000 });
    expect(entry.uid).toBe(3_000_000_000);
    expect([...entry.xattrs]).toEqual([
      ['user.a', 'b\0c'],
      ['user.d%e', 'f'],
    ]);
  });

  test('global records hold for all entries after them, and give way to an entry’s own', () => {
    const archive = Buffer.concat([
      paxHeader({ uname: 'all', comment: 'x' }, 'g'),
      tarOf({ name: 'a' }, { name: 'b', pax: { uname: 'own' } }, { name: 'c' }),
    ]);
    expect(read(archive).map(({ entry }) => entry.userName)).toEqual(['all', 'own', 'all']);
  });

  test('has long names in the way of GNU', () => {
    const long = 'n'.repeat(300);
    const archive = tarOf(
      { name: '././@LongLink', type: 'L', body: `${long}\0` },
      { name: '././@LongLink', type: 'K', body: `${long}2\0` },
      { name: 'x', type: '2', link: 'y' },
    ).subarray(0);
    expect(read(archive)[0]!.entry).toMatchObject({ name: long, linkName: `${long}2` });
  });

  test('has large numbers in base 256, negative ones too', () => {
    const block = header({ name: 'x' }, 0);
    block.set([0x80, 0, 0, 0, 0, 0xff, 0xff, 0xff], 108);
    block.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe], 136);
    expect(read(Buffer.concat([summed(block), END]))[0]!.entry).toMatchObject({ uid: 0xffffff, modified: { seconds: -2 } });
  });

  test('keeps names that are not UTF-8 byte by byte', () => {
    const [{ entry }] = read(tarOf({ name: 'caf\xe9' })) as [Read];
    expect(Buffer.from(entry.name, 'latin1')).toEqual(Buffer.from([0x63, 0x61, 0x66, 0xe9]));
    expect(readable('\xc3\xa9')).toBe('é');
  });

  test('without the zeros at its end is taken; cut anywhere else it is an error', () => {
    const archive = tarOf({ name: 'a', body: 'x'.repeat(600) }, { name: 'b', pax: { path: 'c' } });
    expect(names(read(archive.subarray(0, archive.length - 1024)))).toEqual(['a', 'c']);
    for (const end of [1, 511, 513, 1100, 1535, 1600, 2048 + 300, 2048 + 512]) {
      expect(() => read(archive.subarray(0, end)), `${end} bytes`).toThrow(/truncated/);
    }
  });

  test.each<[string, Buffer, RegExp]>([
    ['a wrong checksum', Buffer.concat([header({ name: 'a' }, 0).fill(0x41, 0, 3), END]), /checksum of a header is wrong.*at byte 0/],
    ['text', Buffer.alloc(1024, 'hello'), /no tar archive/],
    ['an unknown type', tarOf({ name: 'a', type: 'M' }), /"a": an entry of the unknown type "M"/],
    [
      'a size that is none',
      Buffer.concat([summed(Buffer.from(header({ name: 'a' }, 0).fill('9', 124, 135))), END]),
      /the size is no number/,
    ],
    ['a huge extended header', tarOf({ name: 'x', type: 'x', size: 2 ** 32 - 1 }), /extended header of 4294967295 bytes/],
    [
      'global headers without end',
      Buffer.concat(Array.from({ length: 20 }, (_, i) => paxHeader({ [`key${i}`]: 'x'.repeat(100_000) }, 'g'))),
      /global headers of more than 1048576 bytes/,
    ],
    ['a record without an end', tarOf({ name: 'x', type: 'x', body: '30 path=a\n' }, { name: 'a' }), /malformed/],
    ['a record of length 0', tarOf({ name: 'x', type: 'x', body: '0 path=a\n' }, { name: 'a' }), /malformed/],
    ['a NUL in a name', tarOf({ name: 'a', pax: { path: 'a\0b' } }), /NUL/],
    ['something after a block of zeros', Buffer.concat([Buffer.alloc(512), tarOf({ name: 'a' })]), /followed by something/],
    ['holes that overlap', tarOf({ name: 'a', body: 'xx', pax: { 'GNU.sparse.map': '0,1,0,1', 'GNU.sparse.size': '10' } }), /not in order/],
    [
      'holes past the end',
      tarOf({ name: 'a', body: 'x', pax: { 'GNU.sparse.map': '10,1', 'GNU.sparse.size': '10' } }),
      /not in a file of 10/,
    ],
    [
      'a map of other bytes',
      tarOf({ name: 'a', body: 'xx', pax: { 'GNU.sparse.map': '0,1', 'GNU.sparse.size': '10' } }),
      /has 1 bytes, 2 are stored/,
    ],
  ])('with %s is refused', (_, archive, words) => {
    expect(() => read(archive)).toThrow(words);
  });

  test('of whatever bytes either reads or says what is wrong', () => {
    const good = tarOf(
      { name: 'dir', type: '5' },
      { name: 'f', body: 'x'.repeat(700), pax: { path: 'long', 'SCHILY.xattr.user.a': 'b', mtime: '1.5' } },
      { name: 's', body: 'abcd', pax: { 'GNU.sparse.map': '0,2,8,2', 'GNU.sparse.size': '16' } },
      { name: 'l', type: '1', link: 'f' },
    );
    let seed = 20;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    let read_ = 0;
    for (let round = 0; round < 3000; round++) {
      const bad = Buffer.from(good);
      for (let n = random(4) + 1; n > 0; n--) bad[random(bad.length)] = random(256);
      // Half of them with checksums that are right, or nothing behind those would be tried.
      if (round % 2)
        for (let at = 0; at + 512 <= bad.length; at += 512)
          if (bad.toString('latin1', at + 257, at + 262) === 'ustar') summed(bad.subarray(at, at + 512));
      try {
        read(round % 3 ? bad : bad.subarray(0, random(bad.length)), 1 + random(2000));
        read_++;
      } catch (error) {
        expect(error).toBeInstanceOf(TarError);
      }
    }
    expect(read_).toBeGreaterThan(100);
  });
});

describe('GNU tar', () => {
  const gnu = (...args: string[]): Buffer => {
    const folder = mkdtempSync(join(tmpdir(), 'minirun-tar-'));
    try {
      mkdirSync(join(folder, 'dir'));
      writeFileSync(join(folder, 'dir', 'é'.repeat(90)), 'data');
      symlinkSync('x'.repeat(150), join(folder, 'link'));
      const fd = openSync(join(folder, 'sparse'), 'w');
      for (let i = 0; i < 30; i++) writeSync(fd, `part${i}`.padEnd(4096, '.'), i * 65_536);
      truncateSync(join(folder, 'sparse'), 3_000_000);
      utimesSync(join(folder, 'sparse'), 1.5, 1.25);
      const done = spawnSync('tar', ['-C', folder, '--sort=name', ...args, '-c', 'dir', 'link', 'sparse'], { maxBuffer: 1 << 26 });
      expect(done.status, done.stderr.toString()).toBe(0);
      return done.stdout;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

  test.each([
    ['GNU', ['--format=gnu']],
    ['GNU with holes', ['--format=gnu', '-S']],
    ['PAX', ['--format=pax']],
    ['PAX with holes 0.0', ['--format=pax', '-S', '--sparse-version=0.0']],
    ['PAX with holes 0.1', ['--format=pax', '-S', '--sparse-version=0.1']],
    ['PAX with holes 1.0', ['--format=pax', '-S', '--sparse-version=1.0']],
  ])('%s is read', (name, options) => {
    const archive = gnu(...options);
    const all = read(archive, 10_000);
    expect(names(all).map(readable)).toEqual(['dir/', `dir/${'é'.repeat(90)}`, 'link', 'sparse']);
    const [, long, link, sparse] = all as [Read, Read, Read, Read];
    expect(long.body.toString()).toBe('data');
    expect(link.entry.linkName).toBe('x'.repeat(150));
    expect(sparse.entry.size).toBe(3_000_000);
    expect(sparse.entry.sparse !== undefined).toBe(name.includes('holes'));
    if (name.startsWith('PAX')) expect(sparse.entry.modified).toEqual({ seconds: 1, nanoseconds: 250_000_000 });
    const wanted = Buffer.alloc(3_000_000);
    for (let i = 0; i < 30; i++) wanted.write(`part${i}`.padEnd(4096, '.'), i * 65_536);
    expect(sparse.body.equals(wanted)).toBe(true);
  });
});
