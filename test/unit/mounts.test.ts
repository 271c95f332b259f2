/** What mounts, root and devices of a config become: calls, their flags, and what is refused. */
import { describe, expect, it } from 'vitest';
import { flagNames } from '../../src/libc/flags.ts';
import { compile } from '../../src/runc/compile/compile.ts';
import { missingPaths } from '../../src/runc/compile/missing-paths.ts';
import { mountAttributes } from '../../src/runc/compile/mount-attributes.ts';
import { sysctlPath } from '../../src/runc/compile/sysctl.ts';
import { type Host, TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import { mountLines, mountPointOf, wholeKernelViews } from '../../src/runc/host/mount-facts.ts';
import type { Arg, Program, Step } from '../../src/runc/program/step.ts';
import type { Config, Device, Mount } from '../../src/runc/spec/config.ts';

const MAPS = [{ containerID: 0, hostID: 100000, size: 65536 }];

/** A config with these mounts alone. */
function programOf(mounts: Mount[], change: (config: Config) => void = () => {}, host: Partial<Host> = {}, noPivot = false): Program {
  const config: Config = {
    ociVersion: '1.2.0',
    process: { user: { uid: 0, gid: 0 }, args: ['/bin/true'], cwd: '/' },
    root: { path: '/srv/rootfs' },
    mounts,
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'network' }] },
  };
  change(config);
  return compile(config, { ...TYPICAL_HOST, ...host }, { id: 'box', bundle: '/srv', noPivot });
}
const userNamespace = (config: Config): void => {
  config.linux?.namespaces?.push({ type: 'user' });
  Object.assign(config.linux ?? {}, { uidMappings: MAPS, gidMappings: MAPS });
};

const shown = (arg: Arg | undefined): string => {
  if (arg?.kind === 'text') return arg.parts.map((p) => (typeof p === 'string' ? p : `<${p.of.replace(/\.\d+$/, '')}>`)).join('');
  if (arg?.kind === 'int') return flagNames(arg.family ?? '', BigInt.asUintN(64, BigInt(arg.value)));
  if (arg?.kind === 'result') return `<${arg.of.replace(/\.\d+$/, '')}>`;
  if (arg?.kind === 'struct') return arg.fields.map((f) => `${f.name}=${shown(f.value)}`).join(' ');
  return arg?.kind ?? '';
};
const line = (s: Step): string => `${s.actor} ${s.call.name}(${s.call.args.map(shown).join(', ')})`;
/** The steps that a place in the config has asked for. */
const asked = (p: Program, from: string): string[] => p.steps.filter((s) => s.from === from).map(line);
const has = (lines: string[], pattern: RegExp): boolean => lines.some((l) => pattern.test(l));

describe('bind mounts', () => {
  const bind = (options: string[], more: Partial<Mount> = {}): Mount => ({ destination: '/m', source: '/src', options, ...more });
  const attributes = (p: Program): string | undefined => asked(p, '#/mounts/0').find((l) => l.includes('mount_setattr'));

  it('keep the restrictions of their source where no word asks for any', () => {
    expect(attributes(programOf([bind(['rbind'])]))).toBeUndefined();
  });
  it('have exactly what a word asks for, as in runc and crun', () => {
    expect(attributes(programOf([bind(['bind', 'ro'])]))).toMatch(
      /attr_set=MOUNT_ATTR_RDONLY attr_clr=MOUNT_ATTR_NOSUID\|MOUNT_ATTR_NODEV\|MOUNT_ATTR_NOEXEC\|MOUNT_ATTR_NOSYMFOLLOW /,
    );
    expect(attributes(programOf([bind(['bind', 'rw'])]))).toMatch(/attr_set=0 attr_clr=MOUNT_ATTR_RDONLY\|/);
  });
  it('keep in a user namespace what no word takes away: it may be locked', () => {
    const rootless = { uid: 1000, gid: 1000, newuidmap: 'm', newgidmap: 'm' };
    expect(attributes(programOf([bind(['bind', 'ro'])], userNamespace, rootless))).toMatch(/attr_set=MOUNT_ATTR_RDONLY attr_clr=0 /);
    expect(attributes(programOf([bind(['bind', 'dev'])], userNamespace, rootless))).toMatch(/attr_set=0 attr_clr=MOUNT_ATTR_NODEV /);
  });
  it('are taken by the starter before it joins a user namespace, but not what lies in the rootfs', () => {
    const p = programOf([bind(['bind']), bind(['bind'], { source: '/srv/rootfs/etc' })], (c) => {
      c.linux?.namespaces?.push({ type: 'user', path: '/proc/9/ns/user' });
    });
    const lines = p.steps.map(line);
    const taken = lines.findIndex(
      (l) => l.startsWith('starter open_tree(-100, /src') || l.startsWith('starter open_tree(18446744073709551516, /src'),
    );
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(lines.findIndex((l) => l.startsWith('starter setns')));
    expect(has(asked(p, '#/mounts/1'), /^init open_tree/)).toBe(true);
  });
  it('take no source for remount', () => {
    const lines = asked(programOf([{ destination: '/dev/shm', options: ['remount', 'bind', 'ro'] }]), '#/mounts/0');
    expect(has(lines, /open_tree/)).toBe(false);
    expect(has(lines, /mount\(null, \/proc\/self\/fd\/<shm>, null, MS_RDONLY\|MS_REMOUNT\|MS_BIND, null\)/)).toBe(true);
  });
  it('look whether the target lies in procfs, before they are attached', () => {
    const steps = programOf([bind(['bind'])]).steps.filter((s) => s.from === '#/mounts/0');
    const check = steps.findIndex((s) => s.call.name === 'fstatfs');
    expect(steps[check]?.expect?.[0]).toMatchObject({ equals: 0x9fa0n, not: true });
    expect(check).toBeLessThan(steps.findIndex((s) => s.call.name === 'move_mount'));
  });
  it('over /proc must be a procfs, over a file that lxcfs replaces may be anything', () => {
    const over = (destination: string) =>
      programOf([bind(['bind'], { destination })]).steps.filter((s) => s.from === '#/mounts/0' && s.call.name === 'fstatfs');
    expect(over('/proc').map((s) => s.expect?.[0]?.not)).toEqual([undefined]);
    expect(over('/proc/cpuinfo')).toEqual([]);
  });
  it('keep before Linux 5.12, too, what may be locked', () => {
    const old: Partial<Host> = {
      kernel: [5, 10],
      uid: 1000,
      gid: 1000,
      newuidmap: 'm',
      newgidmap: 'm',
      mounts: { modes: {}, restrictions: { '/src': 2 | 4, '/srv/rootfs': 8 } },
    };
    const p = programOf(
      [bind(['bind', 'ro', 'dev'])],
      (c) => {
        userNamespace(c);
        c.root = { path: '/srv/rootfs', readonly: true };
      },
      old,
    );
    expect(has(asked(p, '#/mounts/0'), /null, MS_RDONLY\|MS_NOSUID\|MS_REMOUNT\|MS_BIND, null/)).toBe(true);
    expect(has(asked(p, '#/root/readonly'), /null, MS_RDONLY\|MS_NOEXEC\|MS_REMOUNT\|MS_BIND, null/)).toBe(true);
  });
  it('are cut off from the host before Linux 5.12 once they are attached', () => {
    const lines = asked(programOf([bind(['rbind', 'ro'])], userNamespace, { kernel: [5, 10] }), '#/mounts/0');
    expect(has(lines, /mount_setattr/)).toBe(false);
    expect(has(lines, /^init mount\(null, \/proc\/self\/fd\/<tree>, null, MS_REC\|MS_PRIVATE, null\)/)).toBe(true);
  });
});

describe('access times', () => {
  it('are one value: choosing one clears the others, and so does taking one back', () => {
    expect(mountAttributes(1024, 0)).toEqual({ set: 0x10, clear: 0x70 }); // noatime
    expect(mountAttributes(0, 1024)).toEqual({ set: 0, clear: 0x70 }); // atime: relatime again
    expect(mountAttributes(2048, 0)).toEqual({ set: 0x80, clear: 0 }); // nodiratime is a bit of its own
  });
});

describe('id-mapped mounts', () => {
  const mapped = (options: string[], maps?: Mount['uidMappings']): Mount => ({
    destination: '/m',
    source: '/src',
    options: ['rbind', ...options],
    ...(maps ? { uidMappings: maps, gidMappings: maps } : {}),
  });
  it('get a user namespace made for their maps, one for all that have the same', () => {
    const p = programOf([mapped(['idmap'], MAPS), mapped(['ridmap'], MAPS)]);
    const clones = p.steps.filter((s) => s.becomes === 'nobody');
    expect(clones.map(line)).toEqual(['starter clone(CLONE_NEWUSER, null, null, null, 0)']);
    const lines = [...asked(p, '#/mounts/0'), ...asked(p, '#/mounts/1')];
    expect(has(lines, /starter write\(<file>, data, 15\)/)).toBe(true);
    const set = lines.filter((l) => l.includes('MOUNT_ATTR_IDMAP'));
    expect(set.length).toBe(2);
    expect(set[0]).toMatch(/mount_setattr\(<tree>, , AT_EMPTY_PATH, attr_set=MOUNT_ATTR_IDMAP .*userns_fd=<idmap>, 32\)/);
    expect(set[1]).toMatch(/AT_EMPTY_PATH\|AT_RECURSIVE/);
  });
  it("take the maps of the container's user namespace, or that namespace itself where it is joined", () => {
    const own = programOf([mapped(['idmap'])], userNamespace);
    expect(own.steps.filter((s) => s.becomes === 'nobody').length).toBe(1);
    const joined = programOf([mapped(['idmap'])], (c) => c.linux?.namespaces?.push({ type: 'user', path: '/run/ns' }));
    expect(joined.steps.filter((s) => s.becomes === 'nobody')).toEqual([]);
    expect(has(asked(joined, '#/mounts/0'), /starter openat\(.*\/run\/ns/)).toBe(true);
  });
  it('take maps from the option itself, as crun has it', () => {
    const p = programOf([mapped(['idmap=uids=0-1-10#10-100-10;gids=@0-1-10'])], userNamespace);
    const maps = p.steps.flatMap(({ from, call }) => {
      const [, bytes] = call.args;
      return from === '#/mounts/0' && call.name === 'write' && bytes?.kind === 'data' ? [Buffer.from(bytes.hex, 'hex').toString()] : [];
    });
    expect(maps).toEqual(['0 1 10\n10 100 10\n', '0 100001 10\n']);
  });
  it('are refused where they cannot be made', () => {
    expect(() => programOf([mapped(['idmap'], MAPS)], userNamespace, { uid: 1000 })).toThrow(/#\/mounts\/0: only root of the host/);
    expect(() => programOf([mapped(['idmap'], MAPS)], () => {}, { kernel: [5, 10] })).toThrow(/Linux 5\.12/);
  });
});

describe('file systems', () => {
  it('a tmpfs has the mode of the folder that it covers, unless a word says another', () => {
    const mode = (options: string[]) =>
      asked(
        programOf([{ destination: '/t', type: 'tmpfs', options }], () => {}, { mounts: { modes: { '/t': 0o710 } } }),
        '#/mounts/0',
      ).find((l) => l.includes('tmpfs'));
    expect(mode(['size=1m'])).toContain('mode=710,size=1m');
    expect(mode(['mode=700'])).toContain(' mode=700)');
  });
  it('a read-only tmpfs becomes so after everything that is mounted in it', () => {
    const p = programOf([
      { destination: '/t', type: 'tmpfs', options: ['ro', 'nosuid'] },
      { destination: '/t/a', source: '/src', options: ['bind'] },
    ]);
    const lines = p.steps.map(line);
    const first = lines.findIndex((l) => /mount\(tmpfs, .*, tmpfs, MS_NOSUID, null\)/.test(l));
    const last = lines.findIndex((l) => /mount\(null, .*<t>, null, MS_RDONLY\|MS_NOSUID\|MS_REMOUNT\|MS_BIND, null\)/.test(l));
    expect(first).toBeGreaterThan(0);
    expect(last).toBeGreaterThan(lines.findIndex((l) => l.includes('move_mount(<tree>')));
  });
  it('tmpcopyup has the runtime copy between two meetings, as root of the user namespace where there is one', () => {
    const copy = (change?: (c: Config) => void) =>
      programOf([{ destination: '/t', type: 'tmpfs', options: ['tmpcopyup', 'mode=700'] }], change).steps.filter(
        (s) => s.from === '#/mounts/0' && (s.sync || s.call.name === 'posix_spawn' || s.call.name === 'fchmodat'),
      );
    expect(copy().map((s) => `${s.actor} ${s.sync?.kind ?? s.call.name}`)).toEqual([
      'init signal',
      'runtime wait',
      'runtime posix_spawn',
      'runtime signal',
      'init wait',
      'init fchmodat',
    ]);
    expect(line(copy()[2] as Step)).toBe('runtime posix_spawn(cp, -a, /proc/self/fd/<folder>/., /proc/self/fd/<folder>/)');
    expect(line(copy(userNamespace)[2] as Step)).toMatch(/posix_spawn\(nsenter, --user=\/proc\/<init>\/ns\/user, .*cp, -a/);
    expect(() => programOf([{ destination: '/t', type: 'ramfs', options: ['tmpcopyup'] }])).toThrow(
      /tmpcopyup is for file systems of type tmpfs/,
    );
  });
  it('/sys of the host is bound where the user namespace does not own the network', () => {
    const sys: Mount = { destination: '/sys', type: 'sysfs', options: ['ro', 'nosuid'] };
    const hostNetwork = (c: Config) => {
      userNamespace(c);
      c.linux!.namespaces = c.linux!.namespaces!.filter((n) => n.type !== 'network');
    };
    expect(has(asked(programOf([sys], userNamespace), '#/mounts/0'), /mount\(sysfs/)).toBe(true);
    const bound = asked(programOf([sys], hostNetwork), '#/mounts/0');
    expect(has(bound, /mount\(sysfs/)).toBe(false);
    expect(has(bound, /mount_setattr\(<sys>, , AT_EMPTY_PATH\|AT_RECURSIVE, attr_set=MOUNT_ATTR_RDONLY\|MOUNT_ATTR_NOSUID/)).toBe(true);
  });
  it('cgroup2 means version 2 on a hybrid host too', () => {
    const cgroup: Host['cgroup'] = {
      mode: 'hybrid',
      v1: { memory: '/sys/fs/cgroup/memory' },
      v2: '/sys/fs/cgroup/unified',
      v2Controllers: [],
      own: {},
      writable: true,
    };
    const lines = asked(
      programOf([{ destination: '/c', type: 'cgroup2', options: ['ro'] }], (c) => c.linux?.namespaces?.push({ type: 'cgroup' }), {
        cgroup,
      }),
      '#/mounts/0',
    );
    expect(has(lines, /mount\(cgroup, .*, cgroup2, MS_RDONLY, null\)/)).toBe(true);
    expect(has(lines, /tmpfs/)).toBe(false);
  });
  it('an owner that the user namespace does not have is refused with its place', () => {
    expect(() => programOf([{ destination: '/p', type: 'devpts', options: ['gid=70000'] }], userNamespace)).toThrow(
      /#\/mounts\/0\/options: gid=70000 is not possible/,
    );
  });
  it('proc and mqueue are refused in a user namespace that does not own what they show', () => {
    const mqueue: Mount = { destination: '/dev/mqueue', type: 'mqueue' };
    expect(() => programOf([mqueue], userNamespace)).toThrow(/#\/mounts\/0: mqueue cannot .* without a new "ipc" namespace/);
    expect(() => programOf([mqueue])).not.toThrow();
    expect(() => programOf([{ destination: '/proc', type: 'proc' }], userNamespace)).not.toThrow();
  });
  it('a relative destination is taken from / with a warning', () => {
    const p = programOf([{ destination: 'a/b', source: '/src', options: ['bind'] }]);
    expect(p.warnings.join()).toMatch(/"a\/b" is taken as \/a\/b/);
    expect(has(asked(p, '#/mounts/0'), /openat2\(<root>, a\/b/)).toBe(true);
  });
});

describe('the root', () => {
  const root = (propagation: string, host: Partial<Host> = {}) =>
    programOf([], (c) => void (c.linux!.rootfsPropagation = propagation), host)
      .steps.map(line)
      .filter((l) => /MS_(SHARED|SLAVE|PRIVATE|UNBINDABLE)/.test(l) && !l.includes('"."'));
  it('is cut off from the host, or a slave of it', () => {
    expect(root('')[0]).toContain('MS_REC|MS_PRIVATE');
    expect(root('private')[0]).toContain('MS_REC|MS_PRIVATE');
    expect(root('slave')[0]).toContain('MS_REC|MS_SLAVE');
  });
  it('stays connected where it is to be shared, but for the mount it lies in', () => {
    const lines = root('rshared', { mounts: { modes: {}, rootMount: '/srv' } });
    expect(lines[0]).toBe('init mount(null, /, null, MS_REC|MS_SHARED, null)');
    expect(lines[1]).toBe('init mount(null, /srv, null, MS_PRIVATE, null)');
    expect(lines.at(-1)).toBe('init mount(null, /, null, MS_REC|MS_SHARED, null)');
  });
  it('is a slave where a volume wants to be one', () => {
    const p = programOf([{ destination: '/v', source: '/v', options: ['rbind', 'rslave'] }]);
    expect(line(p.steps.find((s) => s.call.name === 'mount') as Step)).toContain('MS_REC|MS_SLAVE');
  });
  it('becomes unbindable at the very end', () => {
    expect(root('runbindable').at(-1)).toContain('MS_REC|MS_UNBINDABLE');
    expect(root('runbindable')[0]).toContain('MS_PRIVATE');
  });
  const hostMounts = (c: Config): void => void (c.linux!.namespaces = [{ type: 'pid' }]);
  it('without a mount namespace is one private mount below all others, and entered with chroot', () => {
    const lines = programOf([{ destination: '/proc', type: 'proc' }], hostMounts).steps.map(line);
    const bind = lines.indexOf('init mount(/srv/rootfs, /srv/rootfs, null, MS_BIND|MS_REC, null)');
    expect(lines.slice(bind, bind + 3)).toEqual([
      lines[bind],
      'init mount(null, /srv/rootfs, null, MS_REC|MS_PRIVATE, null)',
      expect.stringMatching(/^init openat\(.*\/srv\/rootfs, /),
    ]);
    expect(lines.findIndex((l) => /mount\(proc/.test(l))).toBeGreaterThan(bind);
    // The host's / stays as it is: only what is / after the chroot is changed.
    const chroot = lines.indexOf('init chroot(.)');
    expect(chroot).toBeGreaterThan(bind);
    expect(lines.slice(0, chroot).filter((l) => /mount\(null, \/,/.test(l))).toEqual([]);
    expect(lines.slice(chroot).filter((l) => /mount\(null, \/,/.test(l))).toEqual(['init mount(null, /, null, MS_REC|MS_PRIVATE, null)']);
  });
  it('without a mount namespace and the right to mount can have no mounts', () => {
    const mounts: Mount[] = [{ destination: '/proc', type: 'proc' }];
    const both = (c: Config) => {
      hostMounts(c);
      userNamespace(c);
    };
    expect(() => programOf(mounts, both)).toThrow(/only root of the host can mount/);
    expect(() => programOf(mounts, hostMounts, { uid: 1000 })).toThrow(/only root of the host can mount/);
    expect(programOf([], both).steps.filter((s) => s.call.name === 'mount')).toEqual([]);
  });
  it('is moved instead of pivoted, and whole procfs are taken away before', () => {
    const lines = programOf([], () => {}, { mounts: { modes: {}, kernelViews: ['/proc', '/sys'] } }, true).steps.map(line);
    expect(has(lines, /pivot_root/)).toBe(false);
    const move = lines.indexOf('init mount(., /, null, MS_MOVE, null)');
    expect(lines[move + 1]).toBe('init chroot(.)');
    expect(lines.indexOf('init umount2(/proc, MNT_DETACH)')).toBeLessThan(move);
    expect(lines.indexOf('init umount2(/proc, MNT_DETACH)')).toBeGreaterThan(0);
    expect(() => programOf([], (c) => void (c.linux!.rootfsPropagation = 'private'), {}, true)).toThrow(/not safe without pivot_root/);
  });
});

describe('devices', () => {
  const devices = (list: Device[], host: Partial<Host> = {}, change: (c: Config) => void = () => {}) =>
    programOf(
      [{ destination: '/dev', type: 'tmpfs' }],
      (c) => {
        c.linux!.devices = list;
        change(c);
      },
      host,
    );
  it('what the image has at their place must be that device', () => {
    const steps = devices([{ path: '/d/x', type: 'b', major: 8, minor: 1 }]).steps.filter((s) => s.from === '#/linux/devices/0');
    const check = steps.find((s) => s.call.name === 'statx');
    expect(check?.expect?.map((e) => e.equals)).toEqual([0o060000n, 8n, 1n]);
    expect(shown(check?.call.args[2])).toBe('AT_SYMLINK_NOFOLLOW');
  });
  it('in a /dev of the container nothing can be before', () => {
    const p = devices([]);
    expect(p.steps.filter((s) => s.chapter === 'devices' && s.call.name === 'statx')).toEqual([]);
  });
  it('/dev/ptmx is always a link, /dev/core where there is a core file', () => {
    const links = (p: Program) => p.steps.filter((s) => s.call.name === 'symlinkat').map((s) => shown(s.call.args[2]));
    expect(links(devices([{ path: '/dev/ptmx', type: 'c', major: 5, minor: 2 }]))).toEqual(['fd', 'stdin', 'stdout', 'stderr', 'ptmx']);
    expect(links(devices([], { files: { '/proc/kcore': 'file' } }))).toContain('core');
    expect(devices([{ path: '/dev/ptmx', type: 'c', major: 5, minor: 2 }]).steps.filter((s) => s.from === '#/linux/devices/0')).toEqual([]);
  });
  it('of the config are made by the starter for a user namespace, with owners as the host has them', () => {
    const device: Device = { path: '/dev/x', type: 'b', major: 8, minor: 3, uid: 5, gid: 6, fileMode: 0o640 };
    const p = devices([device], {}, userNamespace);
    const lines = asked(p, '#/linux/devices/0');
    expect(lines.filter((l) => l.startsWith('starter'))).toEqual([
      'starter mknodat(<devices>, 0, S_IFBLK|0600, 2051)',
      'starter fchownat(<devices>, 0, 100005, 100006, 0)',
      'starter fchmodat(<devices>, 0, 416)',
    ]);
    expect(lines[3]).toBe('init open_tree(<devices>, 0, OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC)');
    expect(has(lines, /init move_mount\(<device>/)).toBe(true);
    expect(() => devices([{ ...device, uid: 70000 }], {}, userNamespace)).toThrow(/#\/linux\/devices\/0: the owner 70000:6 is not mapped/);
    const asUser = { uid: 1000, gid: 1000, newuidmap: 'm', newgidmap: 'm' };
    expect(has(asked(devices([device], asUser, userNamespace), '#/linux/devices/0'), /open_tree\(.*\/dev\/x/)).toBe(true);
  });
  it('are bound where no node may be made: on files that are no links', () => {
    for (const p of [devices([], {}, userNamespace), devices([], { bounding: 0n })]) {
      const steps = p.steps.filter((s) => s.chapter === 'devices');
      expect(steps.some((s) => s.call.name === 'mknodat' && shown(s.call.args[2]).startsWith('S_IFCHR'))).toBe(false);
      const open = steps.find((s) => s.call.name === 'openat2' && shown(s.call.args[1]) === 'null') as Step;
      expect(shown(open.call.args[2])).toMatch(/resolve=RESOLVE_NO_SYMLINKS\|RESOLVE_BENEATH/);
    }
  });
});

describe('standard streams that are the null device of the host', () => {
  const streams = (change: (c: Config) => void, nullStreams: number[]) => {
    const config: Config = {
      ociVersion: '1.2.0',
      process: { user: { uid: 0, gid: 0 }, args: ['/x'], cwd: '/' },
      root: { path: '/r' },
      linux: { namespaces: [{ type: 'mount' }] },
    };
    change(config);
    return compile(config, TYPICAL_HOST, { id: 'box', bundle: '/', nullStreams }).steps.map(line);
  };
  it('are exchanged for those of the container, once inside', () => {
    const lines = streams(() => {}, [0, 2]);
    const open = lines.findIndex((l) => l.includes('/dev/null, O_RDWR'));
    expect(open).toBeGreaterThan(lines.indexOf('init pivot_root(., .)'));
    expect(lines.filter((l) => l.startsWith('init dup3(<null>')).length).toBe(2);
  });
  it('stay where nothing can be done to them, or the container has the devices of the host', () => {
    const of = (change: (c: Config) => void) => streams(change, [0]).filter((l) => l.includes('dup3'));
    expect(of(userNamespace)).toEqual([]);
    expect(of((c) => void (c.mounts = [{ destination: '/dev', source: '/dev', options: ['rbind'] }]))).toEqual([]);
  });
});

describe('facts of the host', () => {
  const lines = mountLines(
    [
      '22 1 8:1 / / rw shared:1 - ext4 /dev/sda rw',
      '23 22 0:5 / /proc rw - proc proc rw',
      '24 22 0:6 / /srv/a\\040b rw - xfs x rw',
      '25 22 0:5 /sys /x rw - proc proc rw',
      '26 22 0:7 / /srv/rootfs/sys rw - sysfs s rw',
    ].join('\n'),
  );
  it('the mount that a path lies in', () => {
    expect(mountPointOf(lines, '/srv/a b/rootfs')).toBe('/srv/a b');
    expect(mountPointOf(lines, '/srv/ab')).toBe('/');
  });
  it('whole file systems of the kernel outside of the rootfs', () => {
    expect(wholeKernelViews(lines, '/srv/rootfs')).toEqual(['/proc']);
  });
  it('missing sources and roots are said, but what lies in the rootfs may come with a mount', () => {
    const config: Config = {
      ociVersion: '1.2.0',
      root: { path: 'rootfs' },
      mounts: [
        { destination: '/a', source: '/nope', options: ['bind'] },
        { destination: '/b', source: '/srv/rootfs/x', options: ['bind'] },
        { destination: '/c', source: '/nope', options: ['bind', 'remount'] },
      ],
    };
    const files = { '/nope': 'missing', '/srv/rootfs/x': 'missing', rootfs: 'dir' } as const;
    expect(missingPaths(config, { ...TYPICAL_HOST, files }, '/srv')).toEqual([
      expect.stringMatching(/^#\/mounts\/0\/source: \/nope does not exist/),
    ]);
    expect(missingPaths(config, { ...TYPICAL_HOST, files: { ...files, rootfs: 'file' } }, '/srv')[0]).toMatch(
      /#\/root\/path: \/srv\/rootfs is not a folder/,
    );
    expect(missingPaths(config, { ...TYPICAL_HOST, files, uid: 1000 }, '/srv')).toEqual([]);
  });
  it('sysctls of a joined namespace that is the own one are refused', () => {
    const sysctl = (c: Config) => void (c.linux!.sysctl = { 'net.ipv4.ip_forward': '1' });
    expect(() => programOf([], sysctl, { mounts: { modes: {}, ownNamespaces: ['network'] } })).toThrow(
      /#\/linux\/sysctl\/net\.ipv4\.ip_forward: .*host's own/,
    );
    expect(() => programOf([], sysctl, { mounts: { modes: {} } })).not.toThrow();
  });
  it('sysctl names in both spellings lead to the same file', () => {
    expect(sysctlPath('net.ipv4.conf.eth0/1.rp_filter')).toBe('sys/net/ipv4/conf/eth0.1/rp_filter');
    expect(sysctlPath('net/ipv4/conf/eth0.1/rp_filter')).toBe('sys/net/ipv4/conf/eth0.1/rp_filter');
  });
});
