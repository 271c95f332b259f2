import { expect, test } from 'vitest';
import { MOUNT_ATTR, MS } from '../../src/libc/flags.ts';
import { parseIdmapOption } from '../../src/runc/spec/idmap-option.ts';
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

test('idmap= holds mappings, relative ones to the user namespace of the container', () => {
  expect(parseMountOptions(['idmap=uids=0-1-10;gids=0-1-10', 'ro'])).toMatchObject({
    idmap: 'idmap',
    idmapText: 'uids=0-1-10;gids=0-1-10',
    data: '',
  });
  const container = {
    uids: [
      { containerID: 0, hostID: 0, size: 1 },
      { containerID: 1, hostID: 2, size: 1000 },
    ],
    gids: [],
  };
  expect(parseIdmapOption('uids=0-2-10#@1-3-10;gids=+5-6-7', container)).toEqual({
    uids: [
      { containerID: 0, hostID: 2, size: 10 },
      { containerID: 1, hostID: 4, size: 10 },
    ],
    gids: [{ containerID: 5, hostID: 6, size: 7 }],
  });
  for (const [text, why] of [
    ['uids=0-1-10', /both/],
    ['uids=0-1;gids=0-1-1', /DISK-HOST-COUNT.*"0-1"/],
    ['users=0-1-1', /not "users=0-1-1"/],
    ['uids=0-1-0;gids=0-1-1', /at least one/],
    ['uids=@2000-1-1;gids=0-1-1', /linux\.uidMappings/],
  ] as const)
    expect(() => parseIdmapOption(text, container), text).toThrow(why);
});

test('every word of the specification is known', () => {
  const words =
    'async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev nodiratime noexec noiversion nolazytime norelatime nostrictatime nosuid nosymfollow private ratime rbind rdev rdiratime relatime remount rexec rnoatime rnodev rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared silent slave strictatime suid symfollow sync tmpcopyup unbindable idmap ridmap';
  for (const word of words.split(' ')) expect(MOUNT_WORDS).toContain(word);
});

test('words that are properties of every object are data', () => {
  expect(parseMountOptions(['constructor', 'toString']).data).toBe('constructor,toString');
});
