import { expect, it } from 'vitest';
import { compare, showChange } from '../../src/explain/changes.ts';
import { parseMountinfo, rootMount, showMount } from '../../src/explain/mount-table.ts';

const HOST = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:5 - proc proc rw
24 22 254:0 /srv/a\\040b /mnt ro,relatime master:3 - ext4 /dev/vda rw
`;
const texts = (call: string, before: string, after: string): string[] =>
  compare(call, { mounts: parseMountinfo(before) }, { mounts: parseMountinfo(after) }).map(showChange);

it('reads mountinfo, escapes included', () => {
  const table = parseMountinfo(HOST);
  expect([...table.keys()]).toEqual([22, 23, 24]);
  expect([...table.values()].map(showMount)).toEqual([
    'ext4 /dev/vda on /',
    'proc on /proc (nosuid,nodev,noexec)',
    '/srv/a b of ext4 /dev/vda on /mnt (ro)',
  ]);
  expect(rootMount(table)?.id).toBe(22);
  expect(parseMountinfo('rubbish\n\n1 2 3\n').size).toBe(0);
});

it('tells mounts that came, went and changed', () => {
  const added = `${HOST}30 22 0:40 / /tmp rw,nosuid - tmpfs tmpfs rw,size=1k\n`;
  expect(texts('mount', HOST, added)).toEqual(['mounted: tmpfs on /tmp (nosuid)']);
  expect(texts('umount2', added, HOST)).toEqual(['unmounted: tmpfs on /tmp (nosuid)']);
  expect(texts('mount', HOST, HOST.replaceAll('shared:1', '').replaceAll('shared:5', ''))).toEqual([
    'propagation of 2 mounts: shared → private',
  ]);
  expect(texts('mount_setattr', HOST, HOST.replace('rw,nosuid', 'ro,nosuid'))).toEqual([
    'options of /proc: rw,nosuid,nodev,noexec,relatime → ro,nosuid,nodev,noexec,relatime',
  ]);
});

it('tells the new root after pivot_root, not the whole table', () => {
  const inside = '40 9 254:0 /srv/rootfs / rw - ext4 /dev/vda rw\n22 40 254:0 / / rw - ext4 /dev/vda rw\n';
  expect(texts('pivot_root', HOST, inside)).toEqual(['root directory: ext4 /dev/vda → /srv/rootfs of ext4 /dev/vda']);
});

it("tells namespaces in the kernel's notation, and those of children", () => {
  const before = new Map([
    ['mnt', 'mnt:[1]'],
    ['pid', 'pid:[2]'],
    ['pid_for_children', 'pid:[2]'],
  ]);
  const after = new Map([
    ['mnt', 'mnt:[9]'],
    ['pid', 'pid:[2]'],
    ['pid_for_children', ''],
  ]);
  expect(compare('unshare', { namespaces: before }, { namespaces: after }).map(showChange)).toEqual([
    'mnt:[1] → mnt:[9]',
    'namespace of children: pid:[2] → a new pid namespace, made with the first child',
  ]);
});

it('tells ids and capabilities', () => {
  const status = (uid: string, sets: string) =>
    new Map([
      ['Uid', uid],
      ['CapEff', sets],
      ['CapPrm', sets],
      ['CapBnd', '3'],
      ['NoNewPrivs', '0'],
    ]);
  const changes = compare(
    'setresuid',
    { status: status('1000\t1000\t1000\t1000', '0') },
    { status: status('0\t0\t0\t0', '000001ffffffffff') },
  );
  expect(changes.map(showChange)).toEqual(['user id: 1000 → 0', 'effective and permitted capabilities: none → 41']);
  const dropped = compare('prctl', { status: new Map([['CapBnd', '3']]) }, { status: new Map([['CapBnd', '2']]) });
  expect(dropped.map(showChange)).toEqual(['bounding capabilities: −CAP_CHOWN']);
});

it('compares only what both looks could see', () => {
  expect(compare('mount', {}, { mounts: parseMountinfo(HOST) })).toEqual([]);
  expect(compare('setresuid', { status: new Map() }, {})).toEqual([]);
});
