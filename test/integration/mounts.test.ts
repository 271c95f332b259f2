/** Mounts, root and devices as a container sees them; beside the real runc where it does the same. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { compile } from '../../src/runc/compile/compile.ts';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import { readMountFacts } from '../../src/runc/host/mount-facts.ts';
import { probeHost } from '../../src/runc/host/probe.ts';
import type { Program } from '../../src/runc/program/step.ts';
import type { Config, Mount } from '../../src/runc/spec/config.ts';
import { newId, plainConfig, run } from './support/box.ts';
import { type Answer, BUSYBOX, scratch, skipReason } from './support/minirun.ts';
import { bundleConfig, MINIRUN_RUNC, type Runtime, runtimeIn, writeBundle } from './support/runtime.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`mounts: skipped, ${reason}`);
const noRunc = skipReason({ program: 'runc' });
if (noRunc) console.log(`mounts: not compared with runc, ${noRunc}`);

const MAPS = [{ containerID: 0, hostID: 100000, size: 65536 }];
const userNamespace = (config: Config): void => {
  config.linux?.namespaces?.push({ type: 'user' });
  Object.assign(config.linux ?? {}, { uidMappings: MAPS, gidMappings: MAPS });
};

describe.skipIf(reason)('mounts', () => {
  const folder = scratch('mounts');
  const ours = runtimeIn(join(folder, 'ours'));
  const theirs = runtimeIn(join(folder, 'theirs'), ['runc']);
  const source = join(folder, 'source');
  const file = join(folder, 'file');
  mkdirSync(join(source, 'sub'), { recursive: true });
  writeFileSync(join(source, 'f'), 'of the host\n');
  writeFileSync(file, 'a file\n');
  symlinkSync('source', join(folder, 'link'));

  /** A root file system of one test's own. */
  const rootfs = (uid = 0): string => {
    const copy = join(folder, `rootfs-${newId().slice(0, 8)}`);
    cpSync(BUSYBOX, copy, { recursive: true, verbatimSymlinks: true });
    if (uid) spawnSync('chown', ['-R', `${uid}:${uid}`, copy]);
    return copy;
  };
  const start = (script: string, change: (config: Config) => void, runtime: Runtime = ours, options: string[] = []): Answer => {
    const id = newId();
    const bundle = writeBundle(join(folder, id), id, bundleConfig(['/bin/sh', '-c', script], change));
    try {
      return runtime(['run', ...options, id], { cwd: bundle });
    } finally {
      runtime(['delete', '--force', id]);
      expect(tracesOf(id)).toEqual([]);
      rmSync(bundle, { recursive: true, force: true });
    }
  };
  const out = (script: string, change: (config: Config) => void, runtime?: Runtime, options?: string[]): string => {
    const answer = start(script, change, runtime, options);
    expect(answer.code, answer.err).toBe(0);
    return answer.out.trimEnd();
  };
  const mounts =
    (...list: Mount[]) =>
    (config: Config): void =>
      void config.mounts?.push(...list);
  /** Mount point and restrictions of each mount below /m. */
  const OPTIONS = `awk '$5 ~ "^/m" { print $5, $6 }' /proc/self/mountinfo`;
  const PROPAGATION = `awk '$5 ~ "^/[mv]?[0-9]?$" { sub(":.*", "", $7); print $5, $7 }' /proc/self/mountinfo`;
  const withCapabilities = (c: Config, ...names: string[]): void =>
    void Object.assign(c.process ?? {}, { capabilities: { bounding: names, effective: names, permitted: names } });

  /** Nothing of a container may appear on the host; others may mount what they like beside. */
  afterEach(() => {
    const here = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    expect(here.filter((line) => line.includes(folder) || line.includes(BUSYBOX))).toEqual([]);
  });

  describe('the words of the specification', () => {
    const binds: [options: string[], expected: string][] = [
      [['bind'], '/m rw,relatime'],
      [['rbind', 'ro', 'nosuid', 'nodev', 'noexec'], '/m ro,nosuid,nodev,noexec,relatime'],
      [['bind', 'noatime', 'nosymfollow'], '/m rw,noatime,nosymfollow'],
      [['bind', 'strictatime', 'nodiratime'], '/m rw,nodiratime'],
      [['bind', 'sync', 'dirsync', 'silent', 'lazytime', 'nomand', 'defaults', 'async', 'loud'], '/m rw,relatime'],
      [['rbind', 'rro', 'rnosuid', 'rnodev', 'rnoexec', 'rnosymfollow', 'rnoatime'], '/m ro,nosuid,nodev,noexec,noatime,nosymfollow'],
      [['rbind', 'ro', 'rrw', 'nosuid', 'rsuid', 'rdev', 'rexec', 'rsymfollow'], '/m rw,relatime'],
      [['rbind', 'noatime', 'rrelatime'], '/m rw,relatime'],
      [['rbind', 'rstrictatime', 'rnodiratime'], '/m rw,nodiratime'],
    ];
    it.each(binds)('bind: %j', (options, expected) => {
      const change = mounts({ destination: '/m', source, type: 'none', options });
      expect(out(OPTIONS, change)).toBe(expected);
      // runc 1.1 has neither `loud` nor recursive words that take back others of the same mount.
      if (!noRunc && !options.includes('rrw')) expect(out(OPTIONS, change, theirs)).toBe(expected);
    });
    it('of a file system', () => {
      const change = mounts({
        destination: '/m',
        type: 'tmpfs',
        source: 'mine',
        options: ['sync', 'dirsync', 'nosymfollow', 'noatime', 'size=64k', 'mode=700'],
      });
      // Kernels built with 32-bit inode numbers as the default say so at each tmpfs.
      const script = `grep ' /m ' /proc/mounts | sed s/,inode64//; stat -c %a /m; stat -f -c '%b %S' /m`;
      const expected = 'mine /m tmpfs rw,sync,dirsync,noatime,nosymfollow,size=64k,mode=700 0 0\n700\n16 4096';
      expect(out(script, change)).toBe(expected);
    });
    it('remount changes what is there', () => {
      const change = mounts({ destination: '/dev/shm', type: 'none', options: ['remount', 'bind', 'ro', 'nosuid'] });
      const script = `awk '$5 == "/dev/shm" { print $6 }' /proc/self/mountinfo`;
      expect(out(script, change)).toBe('ro,nosuid,relatime');
      if (!noRunc) expect(out(script, change, theirs)).toBe('ro,nosuid,relatime');
    });
    it('propagation of one mount', () => {
      const change = mounts(
        ...['rshared', 'runbindable', 'rprivate'].map((word, i) => ({ destination: `/m${i}`, source, options: ['rbind', word] })),
      );
      const script = `${PROPAGATION} | grep ^/m`;
      expect(out(script, change)).toBe('/m0 shared\n/m1 unbindable\n/m2 -');
      if (!noRunc) expect(out(script, change, theirs)).toBe('/m0 shared\n/m1 unbindable\n/m2 -');
    });
  });

  describe('bind mounts', () => {
    it('of links, files, fifos and relative sources, to places that do not exist', () => {
      spawnSync('mkfifo', [join(folder, 'fifo')]);
      const change = mounts(
        { destination: '/new/a', source: join(folder, 'link'), options: ['bind'] },
        { destination: '/new/b', source: file, options: ['rbind', 'ro'] },
        { destination: '/new/c', source: join(folder, 'fifo'), options: ['bind'] },
        { destination: 'new/d', source: '../source', type: 'bind', options: ['rbind'] },
      );
      const root = rootfs();
      const answer = start('cat /new/a/f /new/b /new/d/f; stat -c %F /new/c; touch /new/b', (c) => {
        c.root = { path: root };
        change(c);
      });
      expect(answer.out).toBe('of the host\na file\nof the host\nfifo\n');
      expect(answer.err).toMatch(/"new\/d\\?" is taken as \/new\/d/);
      expect(answer.err).toMatch(/touch: \/new\/b: Read-only file system/);
    });
    it('lie in earlier ones, through links of the image and dangling ones', () => {
      const root = rootfs();
      symlinkSync('/tmp/deep/er', join(root, 'jump'));
      rmSync(join(root, 'etc/hosts'), { force: true });
      symlinkSync('/jump/hosts', join(root, 'etc/hosts'));
      const script = `cat /etc/hosts /tmp/deep/er/hosts /v/sub/x/f; grep -c /tmp/deep/er/hosts /proc/self/mountinfo`;
      const change = (c: Config) => {
        c.root = { path: root };
        c.mounts?.push(
          { destination: '/etc/hosts', source: file, options: ['bind'] },
          { destination: '/v', type: 'tmpfs', options: ['ro'] },
          { destination: '/v/sub/x', source, options: ['rbind'] },
        );
      };
      expect(out(script, change)).toBe('a file\na file\nof the host\n1');
    });
    it('may have their source in the container, where an earlier mount has brought it', () => {
      const root = rootfs();
      const change = (c: Config) => {
        c.root = { path: root };
        c.mounts?.push(
          { destination: '/first', type: 'none', source, options: ['bind'] },
          { destination: '/second', type: 'none', source: join(root, 'first/sub'), options: ['rbind'] },
          { destination: join(root, 'third'), type: 'none', source: join(root, 'first'), options: ['rbind'] },
        );
      };
      expect(out('ls -d /second/ && cat /third/f', change)).toBe('/second/\nof the host');
      if (!noRunc) expect(out('ls -d /second/ && cat /third/f', change, theirs)).toBe('/second/\nof the host');
    });
    it('keep the restrictions of their source, or get exactly those that are asked for', () => {
      const place = join(folder, 'restricted');
      mkdirSync(place);
      const inside = runtimeIn(join(folder, 'ours'), [
        'unshare',
        '-m',
        'sh',
        '-c',
        `mount -t tmpfs -o nosuid,nodev,ro r ${place} && exec "$@"`,
        'sh',
        MINIRUN_RUNC,
      ]);
      const change = mounts(
        ...[['bind'], ['bind', 'noexec'], ['bind', 'suid']].map((options, i) => ({ destination: `/m${i}`, source: place, options })),
      );
      expect(out(OPTIONS, change, inside)).toBe('/m0 ro,nosuid,nodev,relatime\n/m1 rw,noexec,relatime\n/m2 rw,relatime');
      const root = rootfs(100000);
      const inUserNamespace = (c: Config) => {
        userNamespace(c);
        c.root = { path: root };
        change(c);
      };
      expect(out(OPTIONS, inUserNamespace, inside)).toBe(
        '/m0 ro,nosuid,nodev,relatime\n/m1 ro,nosuid,nodev,noexec,relatime\n/m2 ro,nodev,relatime',
      );
    });
  });

  describe('id-mapped', () => {
    const owned = join(folder, 'owned');
    mkdirSync(join(owned, 'below'), { recursive: true });
    writeFileSync(join(owned, 'f'), '');
    chmodSync(owned, 0o777);
    if (!reason) chownSync(join(owned, 'f'), 7, 8);
    const maps = [
      { containerID: 0, hostID: 0, size: 7 },
      { containerID: 7, hostID: 1007, size: 2 },
    ];
    // Linux 6.3 taught tmpfs to map owners.
    const TMPFS = 0x01021994;
    const [major = 0, minor = 0] = release().split('.').map(Number);
    const unmapped = statfsSync(owned).type === TMPFS && major * 100 + minor < 603;
    if (unmapped) console.log(`mounts: id-mapped ones skipped, ${owned} is on tmpfs, whose owners Linux ${release()} cannot map`);
    it.skipIf(unmapped)('mounts show mapped owners, and write them back', () => {
      const change = (c: Config) => {
        Object.assign(c.process ?? {}, { user: { uid: 1008, gid: 1007 } });
        c.mounts?.push({ destination: '/m', source: owned, options: ['rbind', 'ridmap'], uidMappings: maps, gidMappings: maps });
      };
      expect(out(`stat -c "%u %g" /m/f; touch /m/new; ${OPTIONS}`, change)).toBe('1007 1008\n/m rw,relatime,idmapped');
      expect(spawnSync('stat', ['-c', '%u %g', join(owned, 'new')], { encoding: 'utf8' }).stdout).toBe('8 7\n');
    });
    it.skipIf(unmapped)("mounts without mappings take those of the container's user namespace, or of the option", () => {
      const root = rootfs(100000);
      const change = (c: Config) => {
        userNamespace(c);
        c.root = { path: root };
        c.mounts?.push({ destination: '/m', source: owned, options: ['bind', 'idmap'] });
        c.mounts?.push({ destination: '/n', source: owned, options: ['bind'] });
        c.mounts?.push({ destination: '/o', source: owned, options: ['bind', 'idmap=uids=7-100001-1;gids=@0-10-20'] });
      };
      expect(out('stat -c "%u %g" /m/f /n/f /o/f', change)).toBe('7 8\n65534 65534\n1 18');
    });
    it.skipIf(unmapped)('mounts take those of a user namespace that is joined', () => {
      const root = rootfs(100000);
      const other = newId();
      const bundle = writeBundle(
        join(folder, other),
        other,
        bundleConfig(['/bin/sleep', '60'], (c) => {
          userNamespace(c);
          c.root = { path: root };
        }),
      );
      try {
        expect(ours(['run', '--detach', other], { cwd: bundle }).code).toBe(0);
        const { pid } = JSON.parse(ours(['state', other]).out) as { pid: number };
        const change = (c: Config) => {
          c.linux?.namespaces?.push({ type: 'user', path: `/proc/${pid}/ns/user` });
          c.root = { path: root };
          c.mounts?.push({ destination: '/m', source: owned, options: ['bind', 'idmap'] });
        };
        expect(out('stat -c "%u %g" /m/f', change)).toBe('7 8');
      } finally {
        ours(['delete', '--force', other]);
      }
    });
    it('mounts of a file system that cannot do it fail with the cause', () => {
      const answer = start(
        'true',
        mounts({ destination: '/m', source: '/proc', options: ['bind', 'idmap'], uidMappings: maps, gidMappings: maps }),
      );
      expect(answer.code).toBe(1);
      expect(answer.err).toMatch(/EINVAL.*cannot map the owners of its files.*#\/mounts\/7/s);
    });
  });

  describe('tmpfs', () => {
    it('has the mode of the folder that it covers', () => {
      const root = rootfs();
      mkdirSync(join(root, 'closed'));
      chmodSync(join(root, 'closed'), 0o1710);
      const change = (c: Config) => {
        c.root = { path: root };
        c.mounts?.push({ destination: '/closed', type: 'tmpfs' }, { destination: '/new/one', type: 'tmpfs' });
      };
      expect(out('stat -c %a /closed /new/one', change)).toBe('1710\n1777');
    });
    it.each([
      ['in the host user namespace', 0],
      ['in one of its own', 100000],
    ])('tmpcopyup begins with what the image has, %s', (_, uid) => {
      const root = rootfs(uid as number);
      mkdirSync(join(root, 'filled/deep'), { recursive: true });
      writeFileSync(join(root, 'filled/deep/file'), 'from the image\n');
      symlinkSync('/etc/passwd', join(root, 'filled/link'));
      for (const path of ['filled', 'filled/deep', 'filled/deep/file'])
        chownSync(join(root, path), (uid as number) + 5, (uid as number) + 6);
      chmodSync(join(root, 'filled/deep'), 0o2755);
      const change = (c: Config) => {
        if (uid) userNamespace(c);
        c.root = { path: root };
        c.mounts?.push({ destination: '/filled', type: 'tmpfs', options: ['tmpcopyup', 'ro', 'size=1m', 'mode=751'] });
      };
      const answer = start(
        'cat /filled/deep/file; readlink /filled/link; stat -c "%a %u:%g" /filled /filled/deep /filled/deep/file; stat -f -c %T /filled; touch /filled/x',
        change,
      );
      expect(answer.out).toBe('from the image\n/etc/passwd\n751 5:6\n2755 5:6\n644 5:6\ntmpfs\n');
      expect(answer.err).toContain('Read-only file system');
      expect(existsSync(join(root, 'filled/x'))).toBe(false);
    });
  });

  describe('the root', () => {
    const volume = join(folder, 'volume');
    mkdirSync(volume);
    /** A machine whose mounts are shared, as systemd has it; says at the end whether a mount has come out of the container. */
    const sharing = runtimeIn(join(folder, 'ours'), [
      'unshare',
      '-m',
      'sh',
      '-c',
      `mount --make-rshared / && mount -t tmpfs v ${volume} && mkdir ${volume}/x && before=$(wc -l < /proc/self/mountinfo) && "$@"; code=$?; case $1 in *runc) case " $* " in *" run "*) echo "out: $(($(wc -l < /proc/self/mountinfo) - before))";; esac;; esac; exit $code`,
      'sh',
      MINIRUN_RUNC,
    ]);
    const script = `${PROPAGATION}; mount -t tmpfs in /v/x`;
    const change = (propagation: string, word?: string) => (c: Config) => {
      withCapabilities(c, 'CAP_SYS_ADMIN');
      Object.assign(c.linux ?? {}, { rootfsPropagation: propagation });
      c.mounts?.push({ destination: '/v', source: volume, options: ['rbind', ...(word ? [word] : [])] });
    };
    it.each([
      ['', undefined, '/ -\n/v -', 0],
      ['', 'rslave', '/ master\n/v master', 0],
      ['private', undefined, '/ -\n/v -', 0],
      ['rslave', undefined, '/ master\n/v master', 0],
      ['shared', undefined, '/ shared\n/v shared', 1],
      ['shared', 'rslave', '/ shared\n/v master', 0],
      ['rshared', 'rshared', '/ shared\n/v shared', 1],
      ['slave', 'rshared', '/ master\n/v shared', 0],
      ['unbindable', undefined, '/ unbindable\n/v -', 0],
    ])('rootfsPropagation %j with a volume %j', (propagation, word, expected, escaped) => {
      expect(out(script, change(propagation, word), sharing)).toBe(`${expected}\nout: ${escaped}`);
    });
    it('may be a link, or relative to the bundle, and must exist', () => {
      const root = rootfs();
      symlinkSync(root, join(folder, 'rootlink'));
      expect(out('echo in', (c) => void (c.root = { path: '../rootlink' }))).toBe('in');
      const answer = start('true', (c) => void (c.root = { path: 'nowhere' }));
      expect([answer.code, answer.err]).toEqual([1, expect.stringMatching(/#\/root\/path: .*nowhere does not exist/)]);
    });
    it.each([0, 100000])('is moved with --no-pivot, users mapped to %i', (uid) => {
      const root = rootfs(uid);
      const change = (c: Config) => {
        if (uid) userNamespace(c);
        c.root = { path: root };
      };
      const seen = `cut -d ' ' -f 5 /proc/self/mountinfo | head -n 2; ls -d ${folder} 2>/dev/null || echo gone; ls / | grep -c -x proc`;
      expect(out(seen, change, ours, ['--no-pivot'])).toBe('/\n/proc\ngone\n1');
    });
    it("shows the host's /sys to a user namespace that stays in the host's network", () => {
      const root = rootfs(100000);
      const change = (c: Config) => {
        userNamespace(c);
        c.root = { path: root };
        c.linux!.namespaces = c.linux!.namespaces!.filter((n) => n.type !== 'network');
      };
      const answer = start(
        `ls /sys/class/net | wc -l; touch /sys/x; awk '$5 == "/sys"' /proc/self/mountinfo | wc -l; mkdir /sys/fs/cgroup/x`,
        change,
      );
      expect(answer.out.split('\n')[1]).toBe('1');
      expect(answer.err).toMatch(/touch: \/sys\/x: Read-only file system/);
      expect(answer.err).toMatch(/mkdir: can't create directory '\/sys\/fs\/cgroup\/x'/);
      expect(Number(answer.out.split('\n')[0])).toBe(readFileSync('/proc/net/dev', 'utf8').trim().split('\n').length - 2);
    });
  });

  describe('devices', () => {
    const devices = (c: Config): void => {
      c.linux!.devices = [
        { path: '/dev/mine', type: 'c', major: 1, minor: 3, fileMode: 0o640, uid: 5, gid: 6 },
        { path: '/dev/x/fifo', type: 'p', fileMode: 0o600 },
        { path: '/dev/unbuffered', type: 'u', major: 1, minor: 5 },
        { path: '/made/zero', type: 'c', major: 1, minor: 5 },
        { path: '/dev/ptmx', type: 'c', major: 5, minor: 2 },
      ];
      c.root = { path: rootfs() };
    };
    const script = `stat -c '%n %F %t:%T %a %u:%g' /dev/mine /dev/x/fifo /dev/unbuffered /made/zero; for l in ptmx fd stdin stdout stderr; do readlink /dev/$l; done`;
    const expected = [
      '/dev/mine character special file 1:3 640 5:6',
      '/dev/x/fifo fifo 0:0 600 0:0',
      '/dev/unbuffered character special file 1:5 666 0:0',
      '/made/zero character special file 1:5 666 0:0',
      ...['pts/ptmx', '/proc/self/fd', '/proc/self/fd/0', '/proc/self/fd/1', '/proc/self/fd/2'],
    ].join('\n');
    it('of every kind, with mode and owner', () => {
      expect(out(script, devices)).toBe(expected);
      if (!noRunc) expect(out(script, devices, theirs)).toBe(expected);
    });
    it('that the image has already stay as they are', () => {
      const root = rootfs();
      spawnSync('mknod', ['-m', '600', join(root, 'zero'), 'c', '1', '5']);
      const change = (c: Config) => {
        c.root = { path: root };
        c.linux!.devices = [{ path: '/zero', type: 'c', major: 1, minor: 5 }];
      };
      expect(out('stat -c "%t:%T %a" /zero', change)).toBe('1:5 600');
    });
    it.each([
      ['a file', (path: string) => writeFileSync(path, '')],
      ['a link', (path: string) => symlinkSync('/dev/zero', path)],
      ['another device', (path: string) => void spawnSync('mknod', [path, 'c', '1', '3'])],
    ])('are refused where the image has %s in their place', (_, make) => {
      const root = rootfs();
      make(join(root, 'zero'));
      const answer = start('true', (c) => {
        c.root = { path: root };
        c.linux!.devices = [{ path: '/zero', type: 'c', major: 1, minor: 5 }];
      });
      expect(answer.code).toBe(1);
      expect(answer.err).toMatch(/\/zero exists in the image and is something else/);
    });
    it('are bound in a user namespace', () => {
      const root = rootfs(100000);
      const change = (c: Config) => {
        userNamespace(c);
        c.root = { path: root };
        c.linux!.devices = [
          { path: '/dev/pipe', type: 'p', fileMode: 0o622 },
          { path: '/dev/nowhere/mine', type: 'c', major: 1, minor: 5, fileMode: 0o640, uid: 5, gid: 6 },
        ];
      };
      expect(
        out(
          `stat -c '%F %t:%T' /dev/null; stat -c '%F %a' /dev/pipe; stat -c '%t:%T %a %u:%g' /dev/nowhere/mine; grep -c ' /dev/null ' /proc/self/mountinfo; echo x > /dev/null`,
          change,
        ),
      ).toBe('character special file 1:3\nfifo 622\n1:5 640 5:6\n1');
    });
    it('/dev may be read-only', () => {
      const answer = start('touch /dev/x; echo x > /dev/null && echo written', (c) => {
        for (const m of c.mounts ?? []) if (m.destination === '/dev') m.options?.push('ro');
      });
      expect(answer.out).toBe('written\n');
      expect(answer.err).toMatch(/Read-only/);
    });
  });

  it('overlay, mqueue and cgroup mounts', () => {
    const layers = join(folder, 'layers');
    for (const name of ['lower', 'upper', 'work']) mkdirSync(join(layers, name), { recursive: true });
    writeFileSync(join(layers, 'lower/f'), 'lower\n');
    const change = mounts(
      {
        destination: '/o',
        type: 'overlay',
        source: 'overlay',
        options: [`lowerdir=${layers}/lower`, `upperdir=${layers}/upper`, `workdir=${layers}/work`],
      },
      { destination: '/q', type: 'mqueue', source: 'mqueue', options: ['nosuid'] },
    );
    expect(
      out('cat /o/f; echo new > /o/g; stat -f -c %T /q; ls /sys/fs/cgroup | wc -l | grep -v ^0 >/dev/null && echo cgroups', change),
    ).toMatch(/^lower\n.*\ncgroups$/);
    expect(readFileSync(join(layers, 'upper/g'), 'utf8')).toBe('new\n');
  });

  /** The calls of Linux 5.10, which later kernels still have. */
  it.each([0, 100000])('are made without mount_setattr as well, users mapped to %i', async (uid) => {
    const root = rootfs(uid);
    const id = newId();
    const config = plainConfig(['/bin/sh', '-c', `${OPTIONS}; touch /x || awk '$5 == "/" { print $6 }' /proc/self/mountinfo`], id);
    if (uid) userNamespace(config);
    config.root = { path: root, readonly: true };
    config.mounts?.push(
      ...[['rbind', 'ro', 'nosuid'], ['bind'], ['bind', 'noexec']].map((options, i) => ({ destination: `/m${i}`, source, options })),
      { destination: '/m3', type: 'tmpfs', options: ['ro'] },
    );
    const alter = (): Program => {
      const host = probeHost(config);
      return compile(config, { ...host, kernel: [5, 10], mounts: readMountFacts(config, '/', {}, { old: true }) }, { id, bundle: '/' });
    };
    expect(alter().steps.some((s) => s.call.name === 'mount_setattr')).toBe(false);
    const answer = await run(config, { id, alter });
    expect(answer.out, answer.err).toBe('/m0 ro,nosuid,relatime\n/m1 rw,relatime\n/m2 rw,noexec,relatime\n/m3 ro,relatime\nro,relatime\n');
    expect(tracesOf(id)).toEqual([]);
  });

  it('masked and read-only paths that do not exist are passed over', () => {
    const root = rootfs();
    mkdirSync(join(root, 'hidden'));
    writeFileSync(join(root, 'hidden/f'), '');
    const change = (c: Config) => {
      c.root = { path: root };
      c.linux!.maskedPaths = ['/not/there', '/hidden', '/etc/passwd'];
      c.linux!.readonlyPaths = ['/nor/here', '/etc/group'];
    };
    const script = 'ls /hidden; cat /etc/passwd; touch /hidden/x /etc/group 2>/dev/null || echo refused';
    expect(out(script, change)).toBe('refused');
    if (!noRunc) expect(out(script, change, theirs)).toBe('refused');
  });
});
