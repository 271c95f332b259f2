import { describe, expect, test } from 'vitest';
import { ConfigError, parseConfig } from '../../src/runc/spec/validate.ts';

/** The smallest config that is allowed, with properties on top, each given by its path. */
function config(...changes: [path: string, value: unknown][]): string {
  const base = {
    ociVersion: '1.2.0',
    root: { path: 'rootfs' },
    process: { user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/' },
    linux: { namespaces: [{ type: 'mount' }, { type: 'uts' }] },
  };
  for (const [path, value] of changes) {
    const keys = path.split('.');
    let at = base as Record<string, unknown>;
    for (const key of keys.slice(0, -1)) {
      at[key] ??= {};
      at = at[key] as Record<string, unknown>;
    }
    at[keys.at(-1) as string] = value;
  }
  return JSON.stringify(base);
}

function errorOf(json: string): ConfigError {
  try {
    parseConfig(json, 'config.json');
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('accepted', () => {
  test('the smallest config', () => {
    expect(parseConfig(config(), 'c').process?.args).toEqual(['sh']);
  });
  test('unknown properties, and null for absent', () => {
    const parsed = parseConfig(
      config(['linux.newest', { eth0: {} }], ['windows', { x: 1 }], ['hooks', null], ['process.rlimits', null]),
      'c',
    );
    expect(parsed.hooks).toBeUndefined();
    expect(parsed.process && 'rlimits' in parsed.process).toBe(false);
  });
  test.each(['1.0.0', '1.0.2-dev', '1.1.0+dev', '1.2.1', '1.3.0', '1.3.0-rc.1', '1.99.0'])('version %s', (version) => {
    parseConfig(config(['ociVersion', version]), 'c');
  });
  test('names of capabilities that nobody knows: they are left out later, with a warning', () => {
    parseConfig(config(['process.capabilities', { bounding: ['CAP_NOPE'] }]), 'c');
  });
  test('an empty seccomp profile is none', () => {
    expect(parseConfig(config(['linux.seccomp', {}]), 'c').linux?.seccomp).toBeUndefined();
    expect(parseConfig(config(['linux.seccomp', { defaultAction: '', syscalls: [] }]), 'c').linux?.seccomp).toBeUndefined();
    expect(parseConfig(config(['linux.seccomp', { defaultAction: 'SCMP_ACT_ALLOW' }]), 'c').linux?.seccomp).toBeDefined();
  });
  test('what version 1.3 has added', () => {
    parseConfig(
      config(
        ['linux.namespaces', [{ type: 'mount' }, { type: 'network' }]],
        ['linux.netDevices', { eth0: { name: 'eth%d' }, eth1: { name: 'eth%d' }, eth2: {} }],
        ['linux.memoryPolicy', { mode: 'MPOL_WEIGHTED_INTERLEAVE', nodes: '0-1,3', flags: ['MPOL_F_STATIC_NODES'] }],
        ['linux.intelRdt', { closID: '/', schemata: ['L3:0=f'], memBwSchema: 'MB:0=20', enableMonitoring: true }],
        ['process.execCPUAffinity', { initial: '0', final: '0-3,7' }],
        [
          'linux.seccomp',
          { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/a', syscalls: [{ names: ['sendmsg'], action: 'SCMP_ACT_NOTIFY' }] },
        ],
      ),
      'c',
    );
  });
  test('limits of 2^64-1', () => {
    const json = config(['process.rlimits', [{ type: 'RLIMIT_NOFILE', soft: 1, hard: 2 }]]).replace(
      '"hard":2',
      '"hard":18446744073709551615',
    );
    expect(parseConfig(json, 'c').process?.rlimits?.[0]?.hard).toBe(2 ** 64);
  });
  test('a sysctl of a namespace that the container has, in both spellings', () => {
    const namespaces = [{ type: 'mount' }, { type: 'network' }, { type: 'ipc' }];
    parseConfig(
      config(
        ['linux.namespaces', namespaces],
        ['linux.sysctl', { 'net.ipv4.ip_forward': '1', 'net/ipv4/conf/eth0.1/rp_filter': '0', 'kernel.sem': '1 2 3 4' }],
      ),
      'c',
    );
  });
});

describe('no JSON', () => {
  test.each([
    ['{"ociVersion": 1,}', /not JSON: .* line 1, column/],
    ['{\n "a": 1\n "b": 2}', /line 3, column 2/],
    ['{\n "a": tru\n}', /near/],
    ['{"a": 1', /not JSON/],
    ['', /empty/],
  ])('%j', (json, message) => {
    const error = errorOf(json);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^config\.json: /);
    expect(error.message).not.toContain('\n');
  });
});

const mounts = (m: object): [string, unknown] => ['mounts', [{ destination: '/x', type: 'tmpfs', ...m }]];
const net: [string, unknown] = ['linux.namespaces', [{ type: 'mount' }, { type: 'network' }]];
const seccomp = (s: object): [string, unknown] => ['linux.seccomp', { defaultAction: 'SCMP_ACT_ALLOW', ...s }];

describe('refused, with its JSON pointer', () => {
  test.each<[pointer: string, changes: [string, unknown][], message: RegExp]>([
    ['#/ociVersion', [['ociVersion', '2.0.0']], /1\.x\.y/],
    ['#/process/args', [['process.args', []]], /at least 1/],
    ['#/process/args/0', [['process.args', ['']]], /name of a program/],
    ['#/process/args', [['process.args', undefined]], /found nothing/],
    ['#/process/cwd', [['process.cwd', 'tmp']], /found "tmp", allowed: an absolute path/],
    ['#/process/user/uid', [['process.user', { uid: -1, gid: 0 }]], /whole number/],
    ['#/process/user/uid', [['process.user', { uid: 4294967295, gid: 0 }]], /0 to 4294967294/],
    ['#/process/user/gid', [['process.user', { uid: 0, gid: 4294967295 }]], /0 to 4294967294/],
    [
      '#/process/capabilities/effective/1',
      [['process.capabilities', { effective: ['CAP_NOPE', 'CAP_KILL'], permitted: ['CAP_CHOWN'] }]],
      /in "permitted" as well/,
    ],
    ['#/process/env/1', [['process.env', ['A=1', 'B']]], /NAME=VALUE/],
    ['#/process/env/0', [['process.env', ['A=1\0B']]], /NAME=VALUE/],
    ['#/root/path', [['root', {}]], /found nothing/],
    [
      '#/mounts/0/options',
      [['mounts', [{ destination: '/m', source: '/', options: ['bind', 'idmap=uids=0-1-1'] }]]],
      /both "uids=" and "gids="/,
    ],
    [
      '#/mounts/0/options',
      [['mounts', [{ destination: '/m', source: 'x', type: 'tmpfs', options: ['idmap=uids=0-1-1;gids=0-1-1'] }]]],
      /bind mount only/,
    ],
    ['#/root/path', [['root.path', '']], /not empty/],
    ['#/linux/namespaces/0/type', [['linux.namespaces', [{ type: 'net' }]]], /one of pid, network/],
    ['#/linux/namespaces/1/type', [['linux.namespaces', [{ type: 'mount' }, { type: 'mount' }]]], /once/],
    [
      '#/hostname',
      [
        ['hostname', 'x'],
        ['linux.namespaces', [{ type: 'mount' }]],
      ],
      /uts/,
    ],
    ['#/hostname', [['hostname', 'x'.repeat(65)]], /64/],
    ['#/linux/sysctl/kernel.core_pattern', [['linux.sysctl', { 'kernel.core_pattern': 'x' }]], /whole machine/],
    ['#/linux/sysctl/net.ipv4.ip_forward', [['linux.sysctl', { 'net.ipv4.ip_forward': '1' }]], /network/],
    ['#/linux/sysctl/kernel.sem', [['linux.sysctl', { 'kernel.sem': '1' }]], /ipc/],
    ['#/linux/sysctl/net~1..~1kernel~1core_pattern', [['linux.sysctl', { 'net/../kernel/core_pattern': 'x' }]], /name of a kernel/],
    ['#/mounts/0/destination', [mounts({ destination: '/../' })], /below/],
    ['#/mounts/0/destination', [mounts({ destination: '/proc' })], /procfs/],
    ['#/mounts/0/destination', [mounts({ destination: '/x/../proc/self/attr' })], /no path in \/proc/],
    ['#/mounts/0/destination', [mounts({ destination: 'proc/sys', type: 'bind', source: '/s' })], /no path in \/proc/],
    ['#/mounts/0/type', [mounts({ type: undefined })], /file system type/],
    ['#/mounts/0/source', [mounts({ type: 'bind', options: ['rbind'] })], /path that is bound/],
    ['#/mounts/0/options', [mounts({ source: '/s', options: ['bind', 'idmap'] })], /user/],
    [
      '#/mounts/0/gidMappings',
      [mounts({ source: '/s', options: ['bind'], uidMappings: [{ containerID: 0, hostID: 1, size: 1 }] })],
      /as well/,
    ],
    ['#/process/rlimits/0/type', [['process.rlimits', [{ type: 'NOFILE', soft: 1, hard: 1 }]]], /RLIMIT_NOFILE/],
    ['#/process/rlimits/0/soft', [['process.rlimits', [{ type: 'RLIMIT_NOFILE', soft: 2, hard: 1 }]]], /hard limit/],
    ['#/process/capabilities/bounding/0', [['process.capabilities', { bounding: [1] }]], /string/],
    ['#/process/oomScoreAdj', [['process.oomScoreAdj', 1001]], /-1000 to 1000/],
    ['#/process/scheduler/policy', [['process.scheduler', { policy: 'FIFO' }]], /SCHED_FIFO/],
    ['#/process/scheduler/priority', [['process.scheduler', { policy: 'SCHED_FIFO' }]], /1 to 99/],
    ['#/process/ioPriority/priority', [['process.ioPriority', { class: 'IOPRIO_CLASS_BE', priority: 8 }]], /0 to 7/],
    ['#/linux/uidMappings', [['linux.uidMappings', [{ containerID: 0, hostID: 1, size: 1 }]]], /user/],
    ['#/linux/uidMappings', [['linux.namespaces', [{ type: 'mount' }, { type: 'user' }]]], /at least one/],
    ['#/linux/timeOffsets', [['linux.timeOffsets', { boottime: { secs: 1 } }]], /time/],
    [
      '#/linux/timeOffsets',
      [
        ['linux.namespaces', [{ type: 'mount' }, { type: 'time', path: '/proc/1/ns/time' }]],
        ['linux.timeOffsets', { boottime: { secs: 1 } }],
      ],
      /only provide one/,
    ],
    ['#/linux/rootfsPropagation', [['linux.rootfsPropagation', 'public']], /shared/],
    ['#/linux/devices/0/type', [['linux.devices', [{ type: 'x', path: '/dev/x' }]]], /one of c, b/],
    ['#/linux/devices/0/major', [['linux.devices', [{ type: 'c', path: '/dev/x', minor: 1 }]]], /device number/],
    ['#/linux/personality/domain', [['linux.personality', { domain: 'BSD' }]], /LINUX32/],
    ['#/linux/resources/cpu/idle', [['linux.resources', { cpu: { idle: 2 } }]], /0 to 1/],
    ['#/linux/resources/cpu/cpus', [['linux.resources', { cpu: { cpus: '0-' } }]], /0-3,6/],
    ['#/linux/resources/memory/swap', [['linux.resources', { memory: { limit: 100, swap: 50 } }]], /together/],
    ['#/linux/resources/blockIO/weight', [['linux.resources', { blockIO: { weight: 1001 } }]], /1000/],
    ['#/linux/resources/pids/limit', [['linux.resources', { pids: { limit: 1.5 } }]], /whole number/],
    ['#/linux/resources/devices/0/access', [['linux.resources', { devices: [{ allow: true, access: 'x' }] }]], /letters/],
    ['#/linux/seccomp/defaultAction', [seccomp({ defaultAction: 'ALLOW' })], /SCMP_ACT_ALLOW/],
    ['#/linux/seccomp/architectures/0', [seccomp({ architectures: ['X86'] })], /SCMP_ARCH_X86/],
    [
      '#/linux/seccomp/syscalls/0/args/0/op',
      [seccomp({ syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 0, op: '==' }] }] })],
      /SCMP_CMP_EQ/,
    ],
    ['#/linux/seccomp/defaultAction', [seccomp({ defaultAction: 'SCMP_ACT_NOTIFY' })], /SCMP_ACT_NOTIFY cannot be used as default action/],
    [
      '#/linux/seccomp/syscalls/0/names',
      [seccomp({ listenerPath: '/a', syscalls: [{ names: ['mkdir', 'write'], action: 'SCMP_ACT_NOTIFY' }] })],
      /SCMP_ACT_NOTIFY cannot be used for the write syscall/,
    ],
    [
      '#/linux/seccomp/syscalls',
      [seccomp({ listenerPath: '/a', syscalls: [{ names: ['sendmsg', 'sendmmsg'], action: 'SCMP_ACT_NOTIFY' }] })],
      /sendmsg or sendmmsg/,
    ],
    ['#/linux/memoryPolicy/mode', [['linux.memoryPolicy', { mode: 'BIND' }]], /MPOL_BIND/],
    ['#/linux/memoryPolicy/mode', [['linux.memoryPolicy', {}]], /found nothing.*invalid memory policy mode/],
    ['#/linux/memoryPolicy/nodes', [['linux.memoryPolicy', { mode: 'MPOL_BIND' }]], /at least one/],
    ['#/linux/memoryPolicy/nodes', [['linux.memoryPolicy', { mode: 'MPOL_LOCAL', nodes: '0' }]], /requires 0 nodes but got 1/],
    ['#/linux/memoryPolicy/nodes', [['linux.memoryPolicy', { mode: 'MPOL_BIND', nodes: '3-1' }]], /backwards/],
    [
      '#/linux/memoryPolicy/flags/0',
      [['linux.memoryPolicy', { mode: 'MPOL_BIND', nodes: '0', flags: ['F'] }]],
      /MPOL_F_STATIC_NODES.*invalid memory policy flag/,
    ],
    ['#/process/execCPUAffinity/initial', [['process.execCPUAffinity', { initial: '0,' }]], /0-3,6/],
    ['#/process/execCPUAffinity/final', [['process.execCPUAffinity', { final: '70000' }]], /too large/],
    ['#/linux/netDevices', [['linux.netDevices', { eth0: {} }]], /"network" namespace/],
    ['#/linux/netDevices/a~1b', [net, ['linux.netDevices', { 'a/b': {} }]], /name of a network interface/],
    ['#/linux/netDevices/eth0/name', [net, ['linux.netDevices', { eth0: { name: 'x'.repeat(16) } }]], /15 bytes/],
    ['#/linux/netDevices/eth1/name', [net, ['linux.netDevices', { eth0: { name: 'eth1' }, eth1: {} }]], /no other interface/],
    ['#/linux/intelRdt/closID', [['linux.intelRdt', { closID: '..' }]], /folder/],
    ['#/linux/intelRdt/closID', [['linux.intelRdt', { closID: 'a/b' }]], /folder/],
    ['#/linux/intelRdt/memBwSchema', [['linux.intelRdt', { memBwSchema: 'L3:0=f' }]], /MB:/],
    ['#/linux/intelRdt/schemata/0', [['linux.intelRdt', { schemata: ['L3:0=f\nMB:0=1'] }]], /line breaks/],
    ['#/linux/seccomp/listenerPath', [seccomp({ syscalls: [{ names: ['mount'], action: 'SCMP_ACT_NOTIFY' }] })], /listener/],
    ['#/linux/maskedPaths/0', [['linux.maskedPaths', ['proc/kcore']]], /absolute/],
    ['#/hooks/prestart/0/path', [['hooks', { prestart: [{ path: 'x' }] }]], /absolute/],
  ])('%s', (pointer, changes, message) => {
    const error = errorOf(config(...changes));
    expect(error.pointer).toBe(pointer);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('\n');
  });

  test('ids that are mapped twice', () => {
    const changes: [string, unknown][] = [
      ['linux.namespaces', [{ type: 'mount' }, { type: 'user' }]],
      [
        'linux.uidMappings',
        [
          { containerID: 0, hostID: 1000, size: 10 },
          { containerID: 5, hostID: 5000, size: 1 },
        ],
      ],
      ['linux.gidMappings', [{ containerID: 0, hostID: 1000, size: 10 }]],
    ];
    expect(errorOf(config(...changes)).pointer).toBe('#/linux/uidMappings/1/containerID');
  });
});
