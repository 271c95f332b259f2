import { expect, test } from 'vitest';
import { MOUNT_ATTR, MS } from '../../src/libc/flags.ts';
import { MOUNT_WORDS, parseMountOptions } from '../../src/runc/spec/mount-options.ts';

test('flags are or-ed and what the file system understands is passed on', () => {
  const parsed = parseMountOptions(['nosuid', 'strictatime', 'mode=755', 'size=65536k']);
  expect(parsed).toEqual({
    flags: MS.MS_NOSUID | MS.MS_STRICTATIME,
    clear: 0,
    propagation: [],
    recursive: { set: 0, clear: 0 },
    bind: false,
    data: 'mode=755,size=65536k',
  });
});

test('the last word wins, and what was turned off is remembered', () => {
  expect(parseMountOptions(['ro', 'rw'])).toMatchObject({ flags: 0, clear: MS.MS_RDONLY });
  expect(parseMountOptions(['rw', 'ro'])).toMatchObject({ flags: MS.MS_RDONLY, clear: 0 });
});

test('bind and rbind', () => {
  expect(parseMountOptions(['bind'])).toMatchObject({ bind: true, flags: MS.MS_BIND });
  expect(parseMountOptions(['rbind'])).toMatchObject({ bind: true, flags: MS.MS_BIND | MS.MS_REC });
});

test('each propagation word is a mount call of its own, in order', () => {
  expect(parseMountOptions(['rslave', 'shared']).propagation).toEqual([MS.MS_SLAVE | MS.MS_REC, MS.MS_SHARED]);
});

test('recursive words become mount_setattr attributes, the access time as a whole', () => {
  expect(parseMountOptions(['rro', 'rnosuid']).recursive).toEqual({
    set: MOUNT_ATTR.MOUNT_ATTR_RDONLY | MOUNT_ATTR.MOUNT_ATTR_NOSUID,
    clear: 0,
  });
  const { set, clear } = parseMountOptions(['rnoatime']).recursive;
  expect([set, clear & MOUNT_ATTR.MOUNT_ATTR__ATIME]).toEqual([MOUNT_ATTR.MOUNT_ATTR_NOATIME, MOUNT_ATTR.MOUNT_ATTR__ATIME]);
  expect(parseMountOptions(['rro', 'rrw']).recursive).toEqual({ set: 0, clear: MOUNT_ATTR.MOUNT_ATTR_RDONLY });
});

test('idmap, ridmap and tmpcopyup are no data', () => {
  expect(parseMountOptions(['ridmap', 'tmpcopyup', 'defaults'])).toMatchObject({ idmap: 'ridmap', tmpcopyup: true, data: '' });
});

test('every word of the specification is known', () => {
  const words =
    'async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime noexec noiversion nolazytime norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime remount rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync tmpcopyup unbindable idmap ridmap';
  for (const word of words.split(' ')) expect(MOUNT_WORDS).toContain(word);
});

test('words that are properties of every object are data', () => {
  expect(parseMountOptions(['constructor', 'toString']).data).toBe('constructor,toString');
});
