import { describe, expect, test } from 'vitest';
import type { ContainerConfig, HostConfig } from '../../../src/dockerd/container/config.ts';
import { checkCreate } from '../../../src/dockerd/container/spec/check-create.ts';
import { mergeImage } from '../../../src/dockerd/container/spec/merge-image.ts';
import { type OciConfigInput, ociConfig } from '../../../src/dockerd/container/spec/oci-config.ts';
import { userOf } from '../../../src/dockerd/container/spec/user.ts';
import { ApiError } from '../../../src/dockerd/http/api-error.ts';
import { DEFAULT_CAPABILITIES } from '../../../src/runc/spec/capability-sets.ts';
import type { Config } from '../../../src/runc/spec/config.ts';
import { configJson } from '../../../src/runc/spec/json.ts';
import { checkConfig } from '../../../src/runc/spec/validate.ts';
import { FACTS, OPTIONS } from './spec-sample.ts';

const ID = '0123456789abcdef'.repeat(4);
const FILES = { passwd: 'root:x:0:0::/root:/bin/sh\nweb:x:33:33::/srv:/bin/sh\n', group: 'root:x:0:\naudio:x:29:web\nvideo:x:44:\n' };

/** The config.json of a container, checked against the runtime's rules. */
function made(hostConfig: HostConfig = {}, config: ContainerConfig = {}, more: Partial<OciConfigInput> = {}): Config {
  const checked = checkCreate({ Cmd: ['sh'], ...config }, hostConfig, { ...FACTS, ...more.facts }, OPTIONS);
  const merged = mergeImage(checked.config, { Env: ['PATH=/image/bin', 'A=image'], WorkingDir: '/srv' });
  const oci = ociConfig({
    container: { Id: ID, Config: merged, HostConfig: checked.hostConfig },
    rootfs: '/rootfs',
    user: userOf(merged.User ?? '', hostConfig.GroupAdd ?? [], FILES),
    mounts: [],
    files: { hosts: '/c/hosts', hostname: '/c/hostname', resolvConf: '/c/resolv.conf' },
    network: undefined,
    joined: {},
    devices: {},
    facts: FACTS,
    options: OPTIONS,
    ...more,
  });
  return checkConfig(oci, 'made');
}
const mount = (config: Config, destination: string) => config.mounts?.find((m) => m.destination === destination);

const capabilities = (config: Config) => config.process?.capabilities?.bounding ?? [];
const types = (config: Config) => config.linux?.namespaces?.map((n) => (n.path ? `${n.type}=${n.path}` : n.type));
const refused = (make: () => unknown): string => {
  try {
    make();
  } catch (error) {
    return error instanceof ApiError ? `${error.status} ${error.message}` : String(error);
  }
  return 'not refused';
};

describe('a container of which nothing was asked', () => {
  test('is what dockerd makes', () => {
    const { process, hostname, linux, root } = made();
    expect(process).toMatchObject({ args: ['sh'], cwd: '/srv', terminal: false, user: { uid: 0, gid: 0, additionalGids: [0] } });
    expect(process?.env).toEqual(['PATH=/image/bin', 'HOSTNAME=0123456789ab', 'A=image']);
    expect(hostname).toBe('0123456789ab');
    expect(root).toEqual({ path: '/rootfs', readonly: false });
    expect(linux?.cgroupsPath).toBe(`/docker/${ID}`);
    expect(types(made())).toEqual(['mount', 'network', 'uts', 'pid', 'ipc']);
    expect(capabilities(made())).toEqual([...DEFAULT_CAPABILITIES]);
    expect(linux?.seccomp?.defaultAction).toBe('SCMP_ACT_ERRNO');
    expect(linux?.sysctl).toEqual({ 'net.ipv4.ping_group_range': '0 2147483647', 'net.ipv4.ip_unprivileged_port_start': '0' });
    expect(mount(made(), '/etc/hosts')).toMatchObject({ type: 'bind', source: '/c/hosts', options: ['rbind', 'rprivate'] });
    expect(mount(made(), '/dev/shm')?.options).toContain('size=67108864');
  });

  test('on version 2 it has a cgroup namespace', () => {
    const facts = { ...FACTS, cgroup: { mode: 'v2' as const, driver: 'systemd' as const } };
    expect(types(made({}, {}, { facts }))).toContain('cgroup');
    expect(made({}, {}, { facts }).linux?.cgroupsPath).toBe(`system.slice:docker:${ID}`);
    expect(types(made({ CgroupnsMode: 'host' }, {}, { facts }))).not.toContain('cgroup');
  });
});

describe('the process', () => {
  test('environment: defaults, image, client; a name alone takes away', () => {
    const { process } = made({}, { Tty: true, Env: ['A=1', 'TERM', 'B=x=y'] });
    expect(process?.env).toEqual(['PATH=/image/bin', 'HOSTNAME=0123456789ab', 'A=1', 'B=x=y']);
    expect(made({}, { Tty: true }).process?.env).toContain('TERM=xterm');
  });

  test('terminal with its size', () => {
    expect(made({ ConsoleSize: [24, 80] }, { Tty: true }).process).toMatchObject({
      terminal: true,
      consoleSize: { height: 24, width: 80 },
    });
    expect(made({ ConsoleSize: [24, 80] }).process?.consoleSize).toBeUndefined();
  });

  test('user by name, groups, working directory', () => {
    const { process } = made({ GroupAdd: ['video', '7'] }, { User: 'web', WorkingDir: '/a/../b/' });
    expect(process?.user).toEqual({ uid: 33, gid: 33, additionalGids: [33, 29, 44, 7] });
    expect(process?.cwd).toBe('/b');
    expect(refused(() => made({}, { User: 'nobody' }))).toBe('400 unable to find user nobody: no matching entries in passwd file');
    expect(refused(() => made({}, { User: 'web:none' }))).toBe('400 unable to find group none: no matching entries in group file');
    expect(refused(() => made({ GroupAdd: ['none'] }))).toMatch(/^400 unable to find group none/);
    expect(refused(() => made({}, { User: '4000000000' }))).toBe('400 uids and gids must be in range 0-2147483647');
  });

  test('names', () => {
    const config = made({}, { Hostname: 'h', Domainname: 'd' });
    expect(config.hostname).toBe('h');
    expect(config.linux?.sysctl).toMatchObject({ 'kernel.domainname': 'd' });
    expect(config.process?.env).toContain('HOSTNAME=h');
    expect(made({ NetworkMode: 'host' }, {}, { network: 'host' }).hostname).toBe('thishost');
    expect(made({ UTSMode: 'host' }).hostname).toBeUndefined();
  });

  test('init only where the command would be process 1', () => {
    const config = made({ Init: true });
    expect(config.process?.args).toEqual(['/sbin/docker-init', '--', 'sh']);
    expect(config.mounts?.at(-1)).toMatchObject({ destination: '/sbin/docker-init', source: '/opt/pid1' });
    expect(made({ Init: true, PidMode: 'host' }).process?.args).toEqual(['sh']);
    const options = { ...OPTIONS, init: true };
    expect(made({}, {}, { options }).process?.args?.[0]).toBe('/sbin/docker-init');
    expect(made({ Init: false }, {}, { options }).process?.args).toEqual(['sh']);
  });

  test('limits: the daemon fills in, and may give no more than it has', () => {
    const ulimits = [
      { Name: 'nofile', Soft: 100, Hard: 1e6 },
      { Name: 'core', Soft: -1, Hard: -1 },
    ];
    const options = {
      ...OPTIONS,
      defaultUlimits: [
        { Name: 'nproc', Soft: 5, Hard: 6 },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
    };
    const config = made({ Ulimits: ulimits }, {}, { options });
    expect(config.process?.rlimits).toEqual([
      { type: 'RLIMIT_NPROC', soft: 5, hard: 6 },
      { type: 'RLIMIT_CORE', soft: 2 ** 64, hard: 2 ** 64 },
      { type: 'RLIMIT_NOFILE', soft: 100, hard: 20000 },
    ]);
    expect(configJson(config)).toContain('"soft":18446744073709551615,"hard":18446744073709551615');
  });
});

describe('power', () => {
  test('capabilities: names in any case, ALL, what the daemon lacks', () => {
    expect(capabilities(made({ CapAdd: ['net_admin'], CapDrop: ['CAP_CHOWN'] }))).toEqual([
      ...DEFAULT_CAPABILITIES.filter((name) => name !== 'CAP_CHOWN'),
      'CAP_NET_ADMIN',
    ]);
    expect(capabilities(made({ CapDrop: ['all'], CapAdd: ['chown'] }))).toEqual(['CAP_CHOWN']);
    expect(capabilities(made({ CapAdd: ['ALL'] }))).toEqual(FACTS.capabilities);
    expect(capabilities(made({ CapAdd: ['SYS_RESOURCE'] }))).not.toContain('CAP_SYS_RESOURCE');
  });

  test('privileged: everything that there is', () => {
    const devices = { '': [{ type: 'c' as const, path: '/dev/kvm', major: 10, minor: 232 }] };
    const config = made({ Privileged: true, CapDrop: ['ALL'] }, {}, { devices });
    expect(capabilities(config)).toEqual(FACTS.capabilities);
    expect(config.linux?.devices).toEqual(devices['']);
    expect(config.linux?.resources?.devices).toEqual([{ allow: true, access: 'rwm' }]);
    expect(config.linux).toMatchObject({ maskedPaths: [], readonlyPaths: [] });
    expect(config.linux?.seccomp).toBeUndefined();
    for (const path of ['/sys', '/sys/fs/cgroup']) expect(mount(config, path)?.options).not.toContain('ro');
  });

  test('a profile of its own, in the form of Docker and in that of the runtime', () => {
    const seccomp = (profile: object, more: HostConfig = {}) =>
      made({ SecurityOpt: [`seccomp=${JSON.stringify(profile)}`], ...more }).linux?.seccomp;
    const rule = { names: ['mount'], action: 'SCMP_ACT_ALLOW' };
    expect(seccomp({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule] })).toEqual({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule] });
    const docker = {
      defaultAction: 'SCMP_ACT_ERRNO',
      archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
      syscalls: [{ ...rule, includes: { caps: ['CAP_SYS_ADMIN'] }, excludes: {} }],
    };
    expect(seccomp(docker)).toEqual({
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
      syscalls: [],
    });
    expect(seccomp(docker, { CapAdd: ['SYS_ADMIN'] })?.syscalls).toEqual([rule]);
    expect(seccomp(docker, { Privileged: true })?.syscalls).toEqual([rule]);
    expect(made({ SecurityOpt: ['seccomp=unconfined'] }).linux?.seccomp).toBeUndefined();
    expect(refused(() => seccomp({}))).toMatch(/^400 Decoding seccomp profile failed: not a seccomp profile/);
    const facts = { ...FACTS, support: { ...FACTS.support, seccomp: false } };
    expect(made({}, {}, { facts }).linux?.seccomp).toBeUndefined();
    expect(refused(() => made({ SecurityOpt: ['seccomp={}'] }, {}, { facts }))).toMatch(/^400 seccomp is not enabled/);
  });

  test('other security options', () => {
    expect(made({ SecurityOpt: ['no-new-privileges'] }).process?.noNewPrivileges).toBe(true);
    expect(made({ SecurityOpt: ['no-new-privileges:true'] }).process?.noNewPrivileges).toBe(true);
    expect(made({ SecurityOpt: ['no-new-privileges=false'] }).process?.noNewPrivileges).toBe(false);
    const cgroup = (config: Config) => mount(config, '/sys/fs/cgroup')?.options?.includes('ro');
    expect([cgroup(made()), cgroup(made({ SecurityOpt: ['writable-cgroups=true'] }))]).toEqual([true, false]);
    expect(cgroup(made({ SecurityOpt: ['writable-cgroups=false'], Privileged: true }))).toBe(true);
    expect(made({ SecurityOpt: ['apparmor=mine'] }).process?.apparmorProfile).toBeUndefined();
    const facts = { ...FACTS, support: { ...FACTS.support, apparmor: true } };
    expect(made({ SecurityOpt: ['apparmor=mine'] }, {}, { facts }).process?.apparmorProfile).toBe('mine');
    expect(made({ SecurityOpt: ['apparmor=unconfined'] }, {}, { facts }).process?.apparmorProfile).toBeUndefined();
  });

  test('devices: one, a folder of them, rules', () => {
    const node = (path: string, minor: number) => ({ type: 'c' as const, path, major: 10, minor, fileMode: 0o660, uid: 0, gid: 6 });
    const devices = { '/dev/one': [node('/dev/one', 1)], '/dev/snd': [node('/dev/snd/a', 2), node('/dev/snd/b/c', 3)], '/dev/file': [] };
    const config = made(
      {
        Devices: [
          { PathOnHost: '/dev/one', PathInContainer: '/dev/uno', CgroupPermissions: 'r' },
          { PathOnHost: '/dev/snd', PathInContainer: '/dev/sound', CgroupPermissions: 'rwm' },
        ],
        DeviceCgroupRules: ['a *:* r', 'b 8:* rm'],
      },
      {},
      { devices },
    );
    expect(config.linux?.devices?.map(({ path }) => path)).toEqual(['/dev/uno', '/dev/sound/a', '/dev/sound/b/c']);
    expect(config.linux?.resources?.devices?.slice(-5)).toEqual([
      { allow: true, type: 'c', major: 10, minor: 1, access: 'r' },
      { allow: true, type: 'c', major: 10, minor: 2, access: 'rwm' },
      { allow: true, type: 'c', major: 10, minor: 3, access: 'rwm' },
      { allow: true, type: 'a', access: 'r' },
      { allow: true, type: 'b', major: 8, access: 'rm' },
    ]);
    const device = (PathOnHost: string, CgroupPermissions = 'rwm') =>
      refused(() => made({ Devices: [{ PathOnHost, PathInContainer: '/x', CgroupPermissions }] }, {}, { devices }));
    expect(device('/dev/none')).toMatch(/^400 .*"\/dev\/none": no such file or directory$/);
    expect(device('/dev/file')).toMatch(/: not a device node$/);
    expect(device('/dev/one', 'rx')).toBe('400 invalid device mode: rx');
  });
});

describe('what is mounted', () => {
  test('every mount of these is deeper than the one before, or beside it', () => {
    const mounts = [
      { destination: '/a/b/c', type: 'bind', source: '/1', options: ['rbind'] },
      { destination: '/a', type: 'bind', source: '/2', options: ['rbind'] },
      { destination: '/etc/hosts', type: 'bind', source: '/mine', options: ['rbind'] },
    ];
    const config = made({ Tmpfs: { '/a/b/': 'size=1m,exec' } }, {}, { mounts });
    const places = config.mounts?.map(({ destination }) => destination) ?? [];
    expect(places.filter((path) => path.startsWith('/a'))).toEqual(['/a', '/a/b', '/a/b/c']);
    expect(mount(config, '/a/b')).toMatchObject({ type: 'tmpfs', options: ['nosuid', 'nodev', 'rprivate', 'size=1m', 'exec'] });
    expect(mount(config, '/etc/hosts')?.source).toBe('/mine');
    expect(new Set(places).size).toBe(places.length);
  });

  test('a /dev of their own stays as it is', () => {
    const config = made({}, {}, { mounts: [{ destination: '/dev', type: 'bind', source: '/dev', options: ['rbind'] }] });
    expect(config.mounts?.filter(({ destination }) => destination.startsWith('/dev'))).toHaveLength(1);
  });

  test('read-only: what programs cannot do without stays writable', () => {
    const config = made({ ReadonlyRootfs: true, Tmpfs: { '/run': '' } });
    const writable = config.mounts?.filter(({ options }) => !options?.includes('ro')).map(({ destination }) => destination);
    expect(writable?.sort()).toEqual(['/dev', '/dev/mqueue', '/dev/pts', '/dev/shm', '/proc', '/run']);
    expect(config.root?.readonly).toBe(true);
  });

  test('shared memory', () => {
    expect(mount(made({ ShmSize: 1 << 20 }), '/dev/shm')?.options).toContain('size=1048576');
    expect(mount(made({ IpcMode: 'none' }), '/dev/shm')).toBeUndefined();
    expect(mount(made({ IpcMode: 'host' }), '/dev/shm')).toMatchObject({ type: 'bind', source: '/dev/shm' });
    expect(mount(made({ IpcMode: 'shareable' }, {}, { shm: '/c/shm' }), '/dev/shm')).toMatchObject({ type: 'bind', source: '/c/shm' });
  });

  test("a shared volume makes the root's propagation shared", () => {
    const of = (word: string) =>
      made({}, {}, { mounts: [{ destination: '/a', type: 'bind', source: '/a', options: ['rbind', word] }] }).linux?.rootfsPropagation;
    expect([of('rprivate'), of('rshared'), of('rslave')]).toEqual([undefined, 'shared', 'rslave']);
  });

  test('words of a tmpfs', () => {
    expect(refused(() => made({ Tmpfs: { '/a': 'sizes=1' } }))).toBe('400 invalid tmpfs option "sizes"');
    expect(mount(made({ Tmpfs: { '/a': 'ro,rw,size=1,size=2' } }), '/a')?.options).toEqual([
      'noexec',
      'nosuid',
      'nodev',
      'rprivate',
      'rw',
      'size=2',
    ]);
  });
});

describe('namespaces', () => {
  test('of the host, of another container', () => {
    expect(types(made({ PidMode: 'host', UTSMode: 'host', IpcMode: 'host', NetworkMode: 'host' }, {}, { network: 'host' }))).toEqual([
      'mount',
    ]);
    const joined = { pid: '/proc/7/ns/pid', ipc: '/proc/8/ns/ipc' };
    const modes = { PidMode: 'container:a', IpcMode: 'container:b' };
    expect(types(made(modes, {}, { joined, network: { path: '/proc/9/ns/net' }, shm: '/s' }))).toEqual([
      'mount',
      'network=/proc/9/ns/net',
      'uts',
      'pid=/proc/7/ns/pid',
      'ipc=/proc/8/ns/ipc',
    ]);
    expect(refused(() => made(modes, {}, { shm: '/s' }))).toMatch(/nobody said where it is/);
  });

  test("kernel parameters: in another's network none are set", () => {
    expect(made({ Sysctls: { 'net.core.somaxconn': '9' } }).linux?.sysctl).toMatchObject({ 'net.core.somaxconn': '9' });
    expect(made({ NetworkMode: 'host' }, {}, { network: 'host' }).linux?.sysctl).toEqual({});
  });
});

describe('limits', () => {
  const limits = (hostConfig: HostConfig, more: Partial<OciConfigInput> = {}) => {
    const { devices: _, ...rest } = made(hostConfig, {}, more).linux?.resources ?? {};
    return rest;
  };

  test('nothing asked, nothing set', () => expect(limits({})).toEqual({}));

  test('memory, CPUs, processes', () => {
    expect(limits({ Memory: 64 << 20, MemoryReservation: 32 << 20, MemorySwappiness: 0, OomKillDisable: true })).toEqual({
      memory: { limit: 64 << 20, swap: 128 << 20, reservation: 32 << 20, swappiness: 0, disableOOMKiller: true },
    });
    expect(limits({ Memory: 64 << 20, MemorySwap: -1, MemorySwappiness: -1 })).toEqual({ memory: { limit: 64 << 20 } });
    expect(limits({ NanoCpus: 15e8, CpuShares: 9, CpusetCpus: '0', CpusetMems: '0' })).toEqual({
      cpu: { quota: 150_000, period: 100_000, shares: 9, cpus: '0', mems: '0' },
    });
    expect(limits({ CpuQuota: 5000, CpuPeriod: 50_000 })).toEqual({ cpu: { quota: 5000, period: 50_000 } });
    expect(limits({ PidsLimit: 5 })).toEqual({ pids: { limit: 5 } });
    expect([limits({ PidsLimit: 0 }), limits({ PidsLimit: -1 })]).toEqual([{}, {}]);
  });

  test('block devices by number', () => {
    const devices = { '/dev/sda': [{ type: 'b' as const, path: '/dev/sda', major: 8, minor: 0 }] };
    const hostConfig = {
      BlkioWeight: 300,
      BlkioWeightDevice: [{ Path: '/dev/sda', Weight: 200 }],
      BlkioDeviceReadBps: [{ Path: '/dev/sda', Rate: 1000 }],
      BlkioDeviceWriteIOps: [{ Path: '/dev/sda', Rate: 10 }],
    };
    expect(limits(hostConfig, { devices })).toEqual({
      blockIO: {
        weight: 300,
        weightDevice: [{ major: 8, minor: 0, weight: 200 }],
        throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }],
        throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 10 }],
      },
    });
    expect(refused(() => limits(hostConfig))).toBe('400 stat /dev/sda: no such file or directory');
  });

  test('where the cgroup is', () => {
    const path = (CgroupParent: string, options = OPTIONS) => made({ CgroupParent }, {}, { options }).linux?.cgroupsPath;
    expect(path('/mine/')).toBe(`/mine/${ID}`);
    expect(path('../../x')).toBe(`/x/${ID}`);
    expect(path('', { ...OPTIONS, cgroupParent: '/daemon' })).toBe(`/daemon/${ID}`);
  });
});
