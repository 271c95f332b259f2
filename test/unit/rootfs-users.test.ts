import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readInside } from '../../src/runc/rootfs/read-inside.ts';
import { resolveUser } from '../../src/runc/rootfs/users.ts';

const passwd = 'root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/var/www:/bin/false\n1000:x:7:7::/odd:/bin/sh\nbroken line\n';
const group = 'root:x:0:\nwww:x:33:\naudio:x:29:www,other\nstaff:x:50:root\n';

describe('a user by the rules of the container', () => {
  test.each([
    ['', { uid: 0, gid: 0, additionalGids: [0, 50], home: '/root' }],
    ['www', { uid: 33, gid: 33, additionalGids: [33, 29], home: '/var/www' }],
    ['33', { uid: 33, gid: 33, additionalGids: [33, 29], home: '/var/www' }],
    ['www:staff', { uid: 33, gid: 50, additionalGids: [50], home: '/var/www' }],
    ['4711:4712', { uid: 4711, gid: 4712, additionalGids: [4712], home: '/' }],
    ['4711', { uid: 4711, gid: 0, additionalGids: [0], home: '/' }],
    ['1000', { uid: 7, gid: 7, additionalGids: [7], home: '/odd' }], // a name wins over a number
  ])('%j', (wanted, user) => {
    expect(resolveUser(wanted, passwd, group)).toEqual(user);
  });

  test.each([
    ['nobody', /no user "nobody".*root, www/],
    ['www:nogroup', /no group "nogroup"/],
    ['-1', /ids go from 0 to/],
    ['4294967295', /ids go from 0/],
    ['a:b:c', /NAME:GROUP/],
  ])('refused: %j', (wanted, message) => {
    expect(() => resolveUser(wanted, passwd, group)).toThrow(message);
  });
});

describe('files of a rootfs are read without leaving it', () => {
  const root = mkdtempSync(join(tmpdir(), 'minirun-inside-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'rootfs/etc'), { recursive: true });
  writeFileSync(join(root, 'outside'), 'of the host');
  writeFileSync(join(root, 'rootfs/inside'), 'of the rootfs');
  symlinkSync('/inside', join(root, 'rootfs/etc/absolute'));
  symlinkSync(join(root, 'outside'), join(root, 'rootfs/etc/escape'));
  symlinkSync('../../../../../../inside', join(root, 'rootfs/etc/up'));
  execFileSync('mkfifo', [join(root, 'rootfs/etc/pipe')]);
  const read = (path: string) => readInside(join(root, 'rootfs'), path);

  test('links are taken as the container would take them', () => {
    expect(read('/etc/absolute')).toBe('of the rootfs');
    expect(read('/etc/up')).toBe('of the rootfs');
    expect(read('/etc/escape')).toBeUndefined();
    expect(read('/../outside')).toBeUndefined();
  });

  test('pipes, folders and nothing are no files', () => {
    for (const path of ['/etc/pipe', '/etc', '/etc/none', '/inside/x']) expect(read(path)).toBeUndefined();
  });
});
