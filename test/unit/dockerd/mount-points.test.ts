import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { HostConfig } from '../../../src/dockerd/container/config.ts';
import { type MountsAsked, planMounts } from '../../../src/dockerd/container/mounts/mount-points.ts';
import { ociMounts } from '../../../src/dockerd/container/mounts/oci-mounts.ts';
import { copyFolder } from '../../../src/dockerd/container/mounts/populate.ts';
import type { ContainerRecord, MountPoint } from '../../../src/dockerd/container/record.ts';
import { notFound } from '../../../src/dockerd/http/api-error.ts';
import { parseMountTable } from '../../../src/dockerd/mount-table.ts';

const other = {
  Mounts: [
    {
      Type: 'volume',
      Name: 'theirs',
      Source: '/v/theirs/_data',
      Destination: '/data',
      Driver: 'local',
      Mode: 'z',
      RW: true,
      Propagation: '',
      CopyUp: true,
    },
    { Type: 'bind', Source: '/srv', Destination: '/srv', Mode: 'ro', RW: false, Propagation: 'rprivate' },
  ],
} as unknown as ContainerRecord;

const plan = (hostConfig: object, asked: Partial<MountsAsked> = {}) =>
  planMounts(
    { volumes: [], hostConfig: hostConfig as HostConfig, minor: 50, ...asked },
    {
      dataRoot: '/var/lib/minirun',
      exists: (path) => path !== '/nope',
      container: (reference) => {
        if (reference === 'other') return other;
        throw notFound(`No such container: ${reference}`);
      },
    },
  );
const points = (...args: Parameters<typeof plan>): MountPoint[] => plan(...args).map(({ point }) => point);
const mount = (of: object) => ({ Mounts: [of] });

test.each([
  ['/tmp:/x', { Type: 'bind', Source: '/tmp', Destination: '/x', Mode: '', RW: true, Propagation: 'rprivate', CreateSource: true }],
  ['/tmp/../etc/:/x/./y/:ro,z', { Type: 'bind', Source: '/etc', Destination: '/x/y', Mode: 'ro,z', RW: false }],
  ['/tmp:/x:rslave,cached', { Propagation: 'rslave', RW: true }],
  ['data:/x', { Type: 'volume', Name: 'data', Destination: '/x', Mode: 'z', RW: true, Propagation: '', CopyUp: true }],
  ['data:/x:nocopy,ro', { Type: 'volume', Mode: 'nocopy,ro', RW: false }],
  ['/x', { Type: 'volume', Name: '', Destination: '/x', Anonymous: true }],
  ['/:/host', { Source: '/', Propagation: 'rslave' }],
  ['/var/lib/minirun/x:/x:rshared', { Propagation: 'rshared' }],
])('-v %s', (text, expected) => {
  expect(points({ Binds: [text] })).toMatchObject([expected]);
});

test('nocopy is no copy', () => {
  expect(points({ Binds: ['data:/x:nocopy'] })[0]).not.toHaveProperty('CopyUp');
});

test.each([
  ['a:b:c:d', "invalid volume specification: 'a:b:c:d'"],
  [':/x', "invalid volume specification: ':/x'"],
  ['data:ro', "invalid volume specification: 'data:ro'"],
  [
    'data:x',
    `invalid volume specification: 'data:x': invalid mount config for type "volume": invalid mount path: 'x' mount path must be absolute`,
  ],
  [
    'data:/',
    `invalid volume specification: 'data:/': invalid mount config for type "volume": invalid specification: destination can't be '/'`,
  ],
  ['data:/x:bad', 'invalid mode: bad'],
  ['data:/x:constructor', 'invalid mode: constructor'],
  ['/tmp:/x:rslave,shared', 'invalid mode: rslave,shared'],
  [
    '/tmp:/x:nocopy',
    `invalid volume specification: '/tmp:/x:nocopy': invalid mount config for type "bind": field VolumeOptions must not be specified`,
  ],
  [
    '/:/host:private',
    /^invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root/,
  ],
])('-v %s is refused', (text, message) => {
  expect(() => plan({ Binds: [text] })).toThrow(message);
});

test.each([
  [{ Type: 'bind', Source: '/nope', Target: '/x' }, 'invalid mount config for type "bind": bind source path does not exist: /nope'],
  [{ Type: 'bind', Target: '/x' }, 'invalid mount config for type "bind": field Source must not be empty'],
  [
    { Type: 'bind', Source: 'rel', Target: '/x' },
    `invalid mount config for type "bind": invalid mount path: 'rel' mount path must be absolute`,
  ],
  [{ Type: 'bind', Source: '/tmp' }, 'invalid mount config for type "bind": field Target must not be empty'],
  [
    { Type: 'bind', Source: '/tmp', Target: '/x', BindOptions: { Propagation: 'bad' } },
    'invalid mount config for type "bind": invalid propagation mode: bad',
  ],
  [{ Type: 'bogus', Source: '/tmp', Target: '/x' }, 'invalid mount config for type "bogus": mount type unknown'],
  [{ Type: 'tmpfs', Source: '/tmp', Target: '/x' }, 'invalid mount config for type "tmpfs": field Source must not be specified'],
  [{ Type: 'tmpfs', Target: '/x', TmpfsOptions: { Options: [['bad']] } }, 'invalid mount config for type "tmpfs": invalid option: bad'],
  [
    { Type: 'volume', Target: '/x', VolumeOptions: { Subpath: 'a' } },
    'invalid mount config for type "volume": must not set Subpath when using anonymous volumes',
  ],
  [
    { Type: 'volume', Source: 'v1', Target: '/x', VolumeOptions: { Subpath: 'a/../../b' } },
    'invalid mount config for type "volume": subpath must be a relative path within the volume',
  ],
  [{ Type: 'bind', Source: '/tmp', Target: '/x', VolumeOptions: {} }, 'VolumeOptions must not be specified on mount type "bind"'],
  [
    { Type: 'bind', Source: '/tmp', Target: '/x', BindOptions: { ReadOnlyForceRecursive: true } },
    'mount options conflict: !ReadOnly && BindOptions.ReadOnlyForceRecursive',
  ],
])('--mount %j is refused', (request, message) => {
  expect(() => plan(mount(request))).toThrow(message);
});

test('--mount in all types', () => {
  const Mounts = [
    { Type: 'bind', Source: '/nope', Target: '/b', ReadOnly: true, BindOptions: { NonRecursive: true, CreateMountpoint: true } },
    { Type: 'volume', Target: '/a' },
    { Type: 'volume', Source: 'v1', Target: '/v', ReadOnly: true, VolumeOptions: { NoCopy: true, Subpath: 'a/b', Labels: { a: 'b' } } },
    { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 64 << 20, Mode: 0o1777, Options: [['exec']] } },
    { Type: 'image', Source: 'busybox', Target: '/i' },
  ];
  const planned = plan({ Mounts });
  expect(planned.map(({ point }) => point)).toMatchObject([
    { Type: 'bind', Source: '/nope', RW: false, NonRecursive: true, CreateSource: true, Mode: '' },
    { Type: 'volume', Anonymous: true, CopyUp: true, Mode: 'z' },
    { Type: 'volume', Name: 'v1', RW: false, Subpath: 'a/b' },
    { Type: 'tmpfs', Source: '', Options: ['mode=1777', 'size=64m', 'exec'] },
    { Type: 'image', Name: 'busybox', RW: false },
  ]);
  expect(planned[2]?.volume).toMatchObject({ name: 'v1', labels: { a: 'b' } });
});

test('what older clients mean', () => {
  const bind = { Type: 'bind', Source: '/nope', Target: '/x', BindOptions: { CreateMountpoint: true } };
  expect(() => plan(mount(bind), { minor: 41 })).toThrow('bind source path does not exist');
  const readonly = { Type: 'bind', Source: '/tmp', Target: '/x', ReadOnly: true };
  expect(points(mount(readonly), { minor: 43 })).toMatchObject([{ RecursiveReadOnly: 'no' }]);
  expect(points({ Binds: ['/tmp:/x:ro'] }, { minor: 43 })).toMatchObject([{ RecursiveReadOnly: 'no' }]);
  expect(points(mount(readonly))[0]).not.toHaveProperty('RecursiveReadOnly');
  expect(points(mount({ Type: 'bind', Source: '/tmp', Target: '/x', VolumeOptions: {} }), { minor: 41 })).toHaveLength(1);
  expect(() => plan(mount({ Type: 'image', Source: 'a', Target: '/x' }), { minor: 47 })).toThrow(
    'Mount type "Image" needs API v1.48 or newer',
  );
  const subpath = { Type: 'volume', Source: 'v1', Target: '/x', VolumeOptions: { Subpath: 'a' } };
  expect(() => plan(mount(subpath), { minor: 44 })).toThrow('VolumeOptions.Subpath needs API v1.45 or newer');
});

test.each([
  [{ Binds: ['/tmp:/x', 'data:/x/'] }],
  [{ Binds: ['/tmp:/x'], Tmpfs: { '/x': '' } }],
  [{ Binds: ['/tmp:/x'], Mounts: [{ Type: 'tmpfs', Target: '/x' }] }],
  [{ Tmpfs: { '/x': '' }, Mounts: [{ Type: 'tmpfs', Target: '/x' }] }],
])('one place, two mounts: %j', (hostConfig) => {
  expect(() => plan(hostConfig)).toThrow('Duplicate mount point: /x');
});

test('tmpfs is checked as the rest is', () => {
  expect(() => plan({ Tmpfs: { x: '' } })).toThrow("invalid mount path: 'x' mount path must be absolute");
  expect(() => plan({ Tmpfs: { '/': '' } })).toThrow("invalid specification: destination can't be '/'");
  expect(() => plan({ Tmpfs: { '/x': 'bogus' } })).toThrow('invalid tmpfs option "bogus"');
});

test("volumes of the image take the places that are left, also of other containers' mounts", () => {
  const planned = points(
    { Binds: ['/tmp:/a'], Tmpfs: { '/t': '' }, VolumesFrom: ['other'] },
    { volumes: ['/a', '/t', '/data', '/free', 'relative/'] },
  );
  expect(planned.map(({ Destination, Type }) => `${Type} ${Destination}`)).toEqual([
    'volume /data',
    'bind /srv',
    'bind /a',
    'volume /free',
    'volume /relative',
  ]);
  expect(() => plan({}, { volumes: ['/'] })).toThrow("destination can't be '/'");
});

test('--volumes-from: read-only when either says so, without copying, and covered by what is nearer', () => {
  expect(points({ VolumesFrom: ['other:ro'] })).toMatchObject([{ Name: 'theirs', RW: false, Mode: '' }, { RW: false }]);
  expect(points({ VolumesFrom: ['other'] })[0]).not.toHaveProperty('CopyUp');
  expect(points({ VolumesFrom: ['other:rw'], Binds: ['/tmp:/data'] })).toMatchObject([
    { Type: 'bind', Source: '/tmp' },
    { Type: 'bind', RW: false },
  ]);
  for (const [text, message] of [
    ['', 'volumes-from specification cannot be an empty string'],
    ['other:bad', 'invalid mode: bad'],
    ['other:nocopy', 'invalid mode: nocopy'],
    ['nobody', 'No such container: nobody'],
  ] as const) {
    const refused = () => plan({ VolumesFrom: [text] });
    expect(refused).toThrow(message);
    expect(refused).toThrow(expect.objectContaining({ status: 400 }));
  }
});

const table = parseMountTable(
  [
    '1 0 8:1 / / rw,relatime - ext4 /dev/vda rw',
    '2 1 0:5 / /shared rw shared:7 - tmpfs t rw',
    '3 1 0:6 / /with\\040space rw master:7 - tmpfs t rw',
  ].join('\n'),
);
const facts = { kernel: [6, 1] as const, dataRoot: '/var/lib/minirun', table };
const source = (point: object, path: string) => ({ point: { Destination: '/x', RW: true, Propagation: '', ...point } as MountPoint, path });

test('the OCI config has parents first, and read-only as far as the kernel can', () => {
  const sources = [
    source({ Type: 'bind', Destination: '/x/y/z', RW: false, Propagation: 'rprivate' }, '/tmp'),
    source({ Type: 'volume', Destination: '/x' }, '/v'),
    source({ Type: 'tmpfs', Destination: '/x/y', RW: false, Options: ['size=1m', 'exec'] }, ''),
  ];
  expect(ociMounts(sources, facts)).toEqual([
    { destination: '/x', type: 'bind', source: '/v', options: ['rbind'] },
    { destination: '/x/y', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'rprivate', 'ro', 'size=1m', 'exec'] },
    { destination: '/x/y/z', type: 'bind', source: '/tmp', options: ['rbind', 'rro', 'rprivate'] },
  ]);
  const options = (point: object, kernel: readonly [number, number]) =>
    ociMounts([source({ Type: 'bind', RW: false, ...point }, '/tmp')], { ...facts, kernel })[0]?.options;
  expect(options({}, [5, 10])).toEqual(['rbind', 'ro']);
  expect(options({ RecursiveReadOnly: 'no', NonRecursive: true }, [6, 1])).toEqual(['bind', 'ro']);
  expect(() => options({ RecursiveReadOnly: 'must' }, [5, 10])).toThrow('from Linux 5.12 on');
});

test('mounts spread only from where they are shared', () => {
  const options = (Propagation: string, path: string) => ociMounts([source({ Type: 'bind', Propagation }, path)], facts)[0]?.options;
  expect(options('rshared', '/shared/a')).toEqual(['rbind', 'rshared']);
  expect(options('rslave', '/with space/a')).toEqual(['rbind', 'rslave']);
  expect(options('rslave', '/')).toEqual(['rbind']);
  expect(() => options('rshared', '/with space')).toThrow('path /with space is mounted on /with space but it is not a shared mount');
  expect(() => options('slave', '/home')).toThrow('path /home is mounted on / but it is not a shared or slave mount');
});

test('an image is mounted as its snapshot is, to be read', () => {
  const image = [{ type: 'overlay', source: 'overlay', options: ['lowerdir=/a:/b'] }];
  expect(ociMounts([{ ...source({ Type: 'image', RW: false }, ''), image }], facts)).toEqual([
    { destination: '/x', type: 'overlay', source: 'overlay', options: ['lowerdir=/a:/b', 'ro'] },
  ]);
});

test('copy-up takes links as they are, names as they are, and the mode of the folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'minirun-copy-'));
  try {
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    mkdirSync(join(from, 'deep'), { recursive: true, mode: 0o750 });
    mkdirSync(to);
    writeFileSync(join(from, 'deep/file'), 'text', { mode: 0o640 });
    writeFileSync(join(from, '.wh.file'), 'no whiteout');
    symlinkSync('/etc/passwd', join(from, 'link'));
    const fd = openSync(from, 'r');
    await copyFolder(fd, to);
    closeSync(fd);
    expect(readFileSync(join(to, 'deep/file'), 'utf8')).toBe('text');
    expect(readFileSync(join(to, '.wh.file'), 'utf8')).toBe('no whiteout');
    expect(readlinkSync(join(to, 'link'))).toBe('/etc/passwd');
    expect(statSync(to).mode & 0o777).toBe(0o750);
    expect(statSync(join(to, 'deep/file')).mode & 0o777).toBe(0o640);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
