import { describe, expect, test } from 'vitest';
import { configFromOptions } from '../../src/cli/config-from-options.ts';
import type { Facts } from '../../src/cli/facts.ts';
import { parseRunOptions, runCommand } from '../../src/cli/run-options.ts';
import type { Config } from '../../src/runc/spec/config.ts';

const facts: Facts = {
  id: '0123456789abcdef0123',
  rootfs: '/r',
  passwd: 'root:x:0:0::/root:/bin/sh\nweb:x:33:33::/srv:/bin/sh\n',
  group: 'root:x:0:\naudio:x:29:web\n',
  uid: 0,
  gid: 0,
  cgroup: { mode: 'v2', writable: true },
  arch: 'x64',
  kernel: [6, 1],
  bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_SYS_ADMIN'],
  cpuCount: 4,
  hostname: 'thishost',
  cwd: '/home/me',
  env: { FROM_CALLER: 'yes' },
  files: {},
  containers: { other: { pid: 77, userNamespace: true } },
  devices: {},
  pid1Path: '/opt/pid1',
};
const user: Partial<Facts> = { uid: 1000, gid: 1000, cgroup: { mode: 'v2', writable: false } };

/** The config of `minirun run OPTIONS rootfs sh`. */
const made = (args: string[], changes: Partial<Facts> = {}): Config =>
  configFromOptions(parseRunOptions(runCommand(), [...args, 'rootfs', 'sh']), { ...facts, ...changes });
const mount = (config: Config, destination: string) => config.mounts?.filter((m) => m.destination === destination).at(-1);
const types = (config: Config) => config.linux?.namespaces?.map((n) => (n.path ? `${n.type}=${n.path}` : n.type));

describe('the command', () => {
  test('arguments, entrypoint, init', () => {
    expect(made([]).process?.args).toEqual(['sh']);
    expect(made(['--entrypoint', '/bin/x']).process?.args).toEqual(['/bin/x', 'sh']);
    const config = made(['--init']);
    expect(config.process?.args).toEqual(['/sbin/minirun-init', '--', 'sh']);
    expect(mount(config, '/sbin/minirun-init')).toMatchObject({ source: '/opt/pid1', options: expect.arrayContaining(['bind', 'ro']) });
  });

  test('without a command it is a shell', () => {
    expect(configFromOptions(parseRunOptions(runCommand(), ['rootfs']), facts).process?.args).toEqual(['sh']);
  });

  test("environment: defaults, file, -e, the caller's value, HOME of the user", () => {
    const env = made(['--env-file', 'f', '-e', 'A=3', '-e', 'FROM_CALLER', '-e', 'NOT_SET', '-u', 'web'], {
      files: { f: '# comment\nA=1\n\nB=x y=z\n' },
    }).process?.env;
    expect(env).toEqual(expect.arrayContaining(['A=3', 'B=x y=z', 'FROM_CALLER=yes', 'HOME=/srv', 'HOSTNAME=0123456789ab']));
    expect(env?.some((v) => v.startsWith('NOT_SET'))).toBe(false);
    expect(env?.some((v) => v.startsWith('TERM'))).toBe(false);
    expect(made(['-t']).process?.env).toContain('TERM=xterm');
    expect(made(['-e', 'HOME=/mine']).process?.env).toContain('HOME=/mine');
  });

  test('user, folder, limits', () => {
    const { process } = made(['-u', 'web', '-w', '/srv', '--ulimit', 'nofile=10:20', '--ulimit', 'core=-1', '--oom-score-adj', '-5']);
    expect(process?.user).toEqual({ uid: 33, gid: 33, additionalGids: [33, 29] });
    expect(process).toMatchObject({ cwd: '/srv', oomScoreAdj: -5 });
    expect(process?.rlimits).toEqual([
      { type: 'RLIMIT_NOFILE', soft: 10, hard: 20 },
      { type: 'RLIMIT_CORE', soft: 2 ** 64, hard: 2 ** 64 },
    ]);
  });
});

describe('namespaces', () => {
  test('host: none of its own; uts host keeps the name', () => {
    const config = made(['--network', 'host', '--pid=host', '--ipc', 'host', '--uts', 'host']);
    expect(types(config)).toEqual(['mount', 'cgroup']);
    expect(config.hostname).toBeUndefined();
    expect(config.process?.env).toContain('HOSTNAME=thishost');
    expect(mount(config, '/dev/shm')).toMatchObject({ type: 'bind', source: '/dev/shm' });
  });

  test('of another container', () => {
    expect(types(made(['--network', 'container:other', '--pid', 'container:other']))).toEqual(
      expect.arrayContaining(['network=/proc/77/ns/net', 'pid=/proc/77/ns/pid']),
    );
  });

  test('an ordinary user joins the user namespace of the other container first', () => {
    const config = made(['--net', 'container:other'], user);
    expect(types(config)?.[0]).toBe('user=/proc/77/ns/user');
    expect(config.linux?.uidMappings).toBeUndefined();
  });

  test('userns private: a range of its own, or that of /etc/subuid', () => {
    expect(made(['--userns', 'private']).linux?.uidMappings).toEqual([{ containerID: 0, hostID: 2013265920, size: 65536 }]);
    expect(made(['--userns', 'auto'], { subUids: { start: 100000, size: 1000 } }).linux?.uidMappings).toEqual([
      { containerID: 0, hostID: 100000, size: 1000 },
    ]);
  });

  test('an ordinary user: one id, or itself and its range', () => {
    expect(made([], user).linux?.gidMappings).toEqual([{ containerID: 0, hostID: 1000, size: 1 }]);
    const ranges = { ...user, subUids: { start: 100000, size: 65536 }, subGids: { start: 200000, size: 65536 } };
    expect(made([], ranges).linux?.gidMappings).toEqual([
      { containerID: 0, hostID: 1000, size: 1 },
      { containerID: 1, hostID: 200000, size: 65536 },
    ]);
    expect(made([], user).process?.user.additionalGids).toBeUndefined();
  });
});

describe('mounts', () => {
  test('-v: relative sources, read-only as a whole, propagation of the root', () => {
    const config = made(['-v', './data:/data:ro,z', '-v', '/m:/m:rslave']);
    expect(mount(config, '/data')).toEqual({
      destination: '/data',
      type: 'bind',
      source: '/home/me/data',
      options: ['rbind', 'rprivate', 'ro', 'rro'],
    });
    expect(mount(config, '/m')?.options).toEqual(['rbind', 'rslave']);
    expect(config.linux?.rootfsPropagation).toBe('rslave');
    expect(made(['-v', '/m:/m:rslave', '-v', '/n:/n:shared']).linux?.rootfsPropagation).toBe('shared');
    expect(mount(made(['-v', '/m:/m:ro'], { kernel: [5, 10] }), '/m')?.options).not.toContain('rro');
  });

  test('--mount and --tmpfs', () => {
    expect(
      mount(made(['--mount', 'type=bind,"source=/a,b",target=/t,readonly,bind-propagation=slave,bind-recursive=writable']), '/t'),
    ).toEqual({
      destination: '/t',
      type: 'bind',
      source: '/a,b',
      options: ['rbind', 'slave', 'ro'],
    });
    expect(mount(made(['--mount', 'type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700']), '/t')?.options).toEqual([
      'noexec',
      'nosuid',
      'nodev',
      'size=1048576',
      'mode=700',
    ]);
    expect(mount(made(['--tmpfs', '/t:exec,size=5%']), '/t')?.options).toEqual(['noexec', 'nosuid', 'nodev', 'exec', 'size=5%']);
  });

  test('one at the place of a default mount replaces it; deeper ones come later', () => {
    const config = made(['--tmpfs', '/a/b', '--tmpfs', '/a', '-v', '/dev:/dev']);
    const places = config.mounts?.map((m) => m.destination) ?? [];
    expect(places.indexOf('/a')).toBeLessThan(places.indexOf('/a/b'));
    expect(places.filter((p) => p.startsWith('/dev'))).toEqual(['/dev']);
  });

  test('--shm-size, --read-only', () => {
    const config = made(['--shm-size', '1m', '--read-only']);
    expect(mount(config, '/dev/shm')?.options).toContain('size=1048576');
    expect(config.root).toEqual({ path: '/r', readonly: true });
  });
});

describe('limits', () => {
  test('memory with as much swap, cpus, cpuset, pids, cgroup', () => {
    const { linux } = made([
      '-m',
      '64m',
      '--cpus',
      '1.5',
      '--cpu-shares',
      '512',
      '--cpuset-cpus',
      '0-2',
      '--pids-limit',
      '-1',
      '--cgroup-parent',
      '/mine/',
    ]);
    expect(linux?.resources).toMatchObject({
      memory: { limit: 64 * 2 ** 20, swap: 128 * 2 ** 20 },
      cpu: { quota: 150000, period: 100000, shares: 512, cpus: '0-2' },
      pids: { limit: -1 },
    });
    expect(linux?.cgroupsPath).toBe('/mine/0123456789abcdef0123');
    expect(made(['-m', '64m', '--memory-swap', '-1']).linux?.resources?.memory?.swap).toBe(-1);
  });
});

describe('privileges', () => {
  const caps = (args: string[]) => made(args).process?.capabilities?.bounding ?? [];
  test('added, dropped, all', () => {
    expect(caps(['--cap-add', 'sys_time'])).toHaveLength(15);
    expect(caps(['--cap-drop', 'ALL', '--cap-add', 'CAP_KILL'])).toEqual(['CAP_KILL']);
    expect(caps(['--cap-add', 'all', '--cap-drop', 'chown'])).toHaveLength(40);
  });

  test('the default seccomp profile follows the capabilities', () => {
    const allowed = (config: Config) =>
      config.linux?.seccomp?.syscalls?.flatMap((s) => (s.action === 'SCMP_ACT_ALLOW' && !s.args ? s.names : [])) ?? [];
    expect(allowed(made([]))).not.toContain('mount');
    expect(allowed(made(['--cap-add', 'SYS_ADMIN']))).toContain('mount');
  });

  test('--privileged', () => {
    const config = made(['--privileged'], { devices: { '': [{ type: 'b', path: '/dev/sda', major: 8, minor: 0 }] } });
    expect(config.process?.capabilities?.effective).toEqual(facts.bounding);
    expect(config.linux).toMatchObject({ maskedPaths: [], readonlyPaths: [], resources: { devices: [{ allow: true, access: 'rwm' }] } });
    expect(config.linux?.seccomp).toBeUndefined();
    expect(config.linux?.devices?.[0]?.path).toBe('/dev/sda');
    for (const path of ['/sys', '/sys/fs/cgroup']) expect(mount(config, path)?.options).not.toContain('ro');
  });

  test('--device: another name inside, its rule, and folders', () => {
    const nodes = [{ type: 'c' as const, path: '/dev/snd/a', major: 116, minor: 1 }];
    const config = made(['--device', '/dev/snd:/dev/sound:r'], { devices: { '/dev/snd': nodes } });
    expect(config.linux?.devices).toEqual([{ type: 'c', path: '/dev/sound/a', major: 116, minor: 1 }]);
    expect(config.linux?.resources?.devices?.at(-1)).toEqual({ allow: true, type: 'c', major: 116, minor: 1, access: 'r' });
  });

  test('--security-opt', () => {
    expect(made(['--security-opt', 'no-new-privileges']).process?.noNewPrivileges).toBe(true);
    expect(made(['--security-opt', 'seccomp=unconfined']).linux?.seccomp).toBeUndefined();
    expect(made(['--security-opt', 'apparmor=mine']).process?.apparmorProfile).toBe('mine');
  });

  test("a seccomp profile in Docker's own format", () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ERRNO',
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }, { architecture: 'SCMP_ARCH_AARCH64' }],
      syscalls: [
        { names: ['read'], action: 'SCMP_ACT_ALLOW', args: null },
        { names: ['mount'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } },
        { names: ['arm_thing'], action: 'SCMP_ACT_ALLOW', includes: { arches: ['arm64'] } },
        { names: ['new'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '7.0' } },
        { names: ['clone'], action: 'SCMP_ACT_ALLOW', excludes: { caps: ['CAP_SYS_ADMIN'] } },
      ],
    };
    const { seccomp } = made(['--security-opt', 'seccomp=p.json'], { files: { 'p.json': JSON.stringify(profile) } }).linux ?? {};
    expect(seccomp?.architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
    expect(seccomp?.syscalls?.flatMap((s) => s.names)).toEqual(['read', 'clone']);
  });
});

describe('--config: the options on top of a file', () => {
  const base: Config = {
    ociVersion: '1.2.0',
    root: { path: 'elsewhere' },
    process: { user: { uid: 5, gid: 6 }, args: ['base'], cwd: '/b', env: ['PATH=/x', 'A=1'] },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], cgroupsPath: '/base' },
  };
  const on = (args: string[], changes: Partial<Facts> = {}) =>
    configFromOptions(parseRunOptions(runCommand(), args), { ...facts, base, ...changes });

  test('what no option says stays', () => {
    const config = on(['rootfs']);
    expect(config.process).toMatchObject({ user: { uid: 5, gid: 6 }, args: ['base'], cwd: '/b' });
    expect(config.root?.path).toBe('/r');
    expect(types(config)).toEqual(['mount', 'pid']);
    expect(config.linux?.seccomp).toBeUndefined();
    expect(config.linux?.cgroupsPath).toBe('/base');
    expect(base.root?.path).toBe('elsewhere');
  });

  test('what an option says wins', () => {
    const config = on(['-e', 'A=2', '-m', '8m', '--pid', 'host', '--network', 'none', 'rootfs', 'other']);
    expect(config.process?.args).toEqual(['other']);
    expect(config.process?.env).toEqual(expect.arrayContaining(['PATH=/x', 'A=2']));
    expect(types(config)).toEqual(['mount', 'network']);
    expect(config.linux?.resources?.memory?.limit).toBe(8 * 2 ** 20);
  });

  test('an ordinary user gets a user namespace', () => {
    expect(
      types(on(['rootfs'], { ...user, base: { ...base, process: { ...base.process, user: { uid: 0, gid: 0 } } as never } }))?.[0],
    ).toBe('user');
  });
});

describe('refused with one line', () => {
  test.each<[string[], RegExp, Partial<Facts>?]>([
    [['--user', 'nobdy'], /no user "nobdy"/],
    [['--user', '1000'], /only one id is mapped/, user],
    [['--userns', 'host'], /needs root/, user],
    [['-m', '64m', '--cpus', '1'], /--memory, --cpus: limits are kept by a cgroup/, user],
    [['--cpus', '5'], /this machine has 4/],
    [['--cpuset-cpus', '0-4'], /CPUs 0 to 3/],
    [['--sysctl', 'kernel.core_pattern=x'], /#\/linux\/sysctl\/kernel\.core_pattern/],
    [['--network', 'host', '--sysctl', 'net.core.somaxconn=1'], /"network" namespace/],
    [['--network', 'container:gone'], /no such running container/],
    [['--device', '/dev/nope'], /no device there/],
    [['--cgroup-parent', '../x'], /without "\.\."/],
    [['--env-file', 'f'], /line 1: "two words"/, { files: { f: 'two words=1' } }],
    [['--security-opt', 'seccomp=p'], /not JSON/, { files: { p: '{' } }],
    [['--security-opt', 'seccomp=p'], /SCMP_ACT_/, { files: { p: '{"defaultAction":"DENY"}' } }],
    [['--mount', 'type=bind,src=/a,dst=/b,ro,bind-recursive=readonly'], /Linux 5\.12/, { kernel: [5, 10] }],
    [['--ipc', 'host', '--shm-size', '1m'], /not its own/],
  ])('%j', (args, message, changes = {}) => {
    expect(() => made(args, changes)).toThrow(message);
    try {
      made(args, changes);
    } catch (error) {
      expect((error as Error).message).not.toContain('\n');
    }
  });
});
