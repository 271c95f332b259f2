import { describe, expect, test } from 'vitest';
import { cgroupPaths, checkResources, compileCgroup, compileCgroupJoin } from '../../src/runc/compile/cgroup.ts';
import { compileScope } from '../../src/runc/compile/cgroup-scope.ts';
import { compileUpdate } from '../../src/runc/compile/cgroup-update.ts';
import { newDraft } from '../../src/runc/compile/draft.ts';
import { annotationProperties } from '../../src/runc/compile/systemd-annotations.ts';
import { bitsOf, deviceProperties, limitProperties, quotaPerSecond } from '../../src/runc/compile/systemd-properties.ts';
import { slicePath } from '../../src/runc/compile/systemd-unit.ts';
import { type Host, type SystemdFacts, TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import { deviceGroups, slicesBelow, versionNumber } from '../../src/runc/host/systemd-facts.ts';
import type { Step } from '../../src/runc/program/step.ts';
import type { Config, Resources } from '../../src/runc/spec/config.ts';

const systemd: SystemdFacts = {
  user: false,
  version: 252,
  controlGroup: '',
  below: { '': '/' },
  deviceGroups: { 'c 136': 'char-pts' },
  busctl: '/usr/bin/busctl',
  systemctl: '/usr/bin/systemctl',
};
const v2Host: Host = { ...TYPICAL_HOST, cgroup: { ...TYPICAL_HOST.cgroup, systemd } };
const v1Host: Host = {
  ...TYPICAL_HOST,
  cgroup: {
    mode: 'hybrid',
    v1: { memory: '/cg/memory', pids: '/cg/pids', 'name=systemd': '/cg/systemd' },
    v2: '/cg/unified',
    v2Controllers: [],
    own: {},
    writable: true,
    systemd: { ...systemd, below: { memory: '/', pids: '/', 'name=systemd': '/', '': '/' } },
  },
};
const userHost: Host = {
  ...v2Host,
  uid: 1000,
  cgroup: {
    ...v2Host.cgroup,
    writable: false,
    systemd: { ...systemd, user: true, controlGroup: '/user.slice/user-1000.slice/user@1000.service' },
  },
};
const config = (cgroupsPath?: string, resources?: Resources, annotations?: Record<string, string>): Config => ({
  ociVersion: '1.2.0',
  ...(annotations ? { annotations } : {}),
  linux: { ...(cgroupsPath === undefined ? {} : { cgroupsPath }), ...(resources ? { resources } : {}) },
});

describe('where a unit has its cgroup', () => {
  test('slices lie in each other by their names', () => {
    expect(slicePath('machine.slice')).toBe('/machine.slice');
    expect(slicePath('test-a-b.slice')).toBe('/test.slice/test-a.slice/test-a-b.slice');
    expect(slicePath('-.slice')).toBe('/');
    for (const bad of ['.slice', 'a', 'a/b.slice', 'a--b.slice', '-a.slice', 'a-.slice']) expect(slicePath(bad), bad).toBeUndefined();
  });
  test('the form of cgroupsPath, and what is taken without it', () => {
    expect(cgroupPaths(config('machine.slice:libpod:abc'), v2Host)).toMatchObject({
      v2: '/sys/fs/cgroup/machine.slice/libpod-abc.scope',
      unit: { name: 'libpod-abc.scope', slice: 'machine.slice', user: false },
    });
    expect(cgroupPaths(config(), v2Host, 'box').v2).toBe('/sys/fs/cgroup/system.slice/runc-box.scope');
    expect(cgroupPaths(config(':x:y'), v2Host).v2).toBe('/sys/fs/cgroup/system.slice/x-y.scope');
    expect(cgroupPaths(config('a.slice:x:pod-1.slice'), v2Host).unit?.name).toBe('pod-1.slice');
    expect(cgroupPaths(config('a-b.slice:x:y'), v1Host)).toMatchObject({
      v1: { memory: '/cg/memory/a.slice/a-b.slice/x-y.scope', 'name=systemd': '/cg/systemd/a.slice/a-b.slice/x-y.scope' },
      v2: '/cg/unified/a.slice/a-b.slice/x-y.scope',
    });
    expect(cgroupPaths(config(), userHost, 'box').v2).toBe(
      '/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/user.slice/runc-box.scope',
    );
  });
  test('what is refused', () => {
    const missing: Host = { ...v2Host, cgroup: { ...v2Host.cgroup, systemd: 'missing' } };
    expect(checkResources(config('a.slice:b:c'), missing)[0]).toContain(
      'systemd not running on this host, cannot use systemd cgroups manager',
    );
    expect(checkResources(config('/a/b'), v2Host)[0]).toContain(
      'expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "/a/b" instead',
    );
    expect(checkResources(config('a:b:c'), v2Host)[0]).toContain('invalid slice name: a');
    expect(checkResources(config('a.slice:b:c d'), v2Host)[0]).toContain('no name that a systemd unit can have');
    const userV1: Host = { ...v1Host, cgroup: { ...v1Host.cgroup, systemd: { ...systemd, user: true } } };
    expect(checkResources(config(), userV1)[0]).toBe('cannot use rootless systemd cgroups manager on cgroup v1');
    expect(checkResources(config('a.slice:b:c', { memory: { limit: 5 } }), userHost)).toEqual([]);
  });
});

const told = (properties: { name: string; values: string[] }[]) => Object.fromEntries(properties.map((p) => [p.name, p.values.join(' ')]));

describe('limits as properties, as runc sets them', () => {
  test('v2', () => {
    const limits: Resources = {
      memory: { limit: 33554432, reservation: 25165824, swap: 50331648 },
      cpu: { shares: 100, quota: 500000, period: 1000000, cpus: '0-1,9', mems: '0' },
      pids: { limit: 20 },
    };
    expect(told(limitProperties(limits, v2Host, systemd))).toEqual({
      MemoryMax: '33554432',
      MemoryLow: '25165824',
      MemorySwapMax: '16777216',
      CPUWeight: '17',
      CPUQuotaPeriodUSec: '1000000',
      CPUQuotaPerSecUSec: '500000',
      TasksMax: '20',
      AllowedCPUs: '2 3 2',
      AllowedMemoryNodes: '1 1',
    });
  });
  test('v1', () => {
    const limits: Resources = {
      memory: { limit: 5, reservation: 3 },
      cpu: { shares: 100, quota: 30000 },
      blockIO: { weight: 50 },
      pids: { limit: -1 },
    };
    expect(told(limitProperties(limits, v1Host, systemd))).toEqual({
      MemoryLimit: '5',
      CPUShares: '100',
      CPUQuotaPerSecUSec: '300000',
      BlockIOWeight: '50',
      TasksMax: '18446744073709551615',
    });
  });
  test('unlimited', () => {
    const limits: Resources = { memory: { limit: -1 }, cpu: { quota: -1, period: 100000 } };
    expect(told(limitProperties(limits, v2Host, systemd))).toEqual({
      MemoryMax: '18446744073709551615',
      MemorySwapMax: '18446744073709551615',
      CPUQuotaPeriodUSec: '100000',
      CPUQuotaPerSecUSec: '18446744073709551615',
    });
  });
  test('files by name; what systemd does not know is left to the cgroup', () => {
    const unified = {
      'cpu.max': 'max 50000',
      'memory.high': '5242880',
      'pids.max': ' 99\n',
      'cpuset.cpus': '1',
      'memory.oom.group': '1',
      'io.weight': 'default 5',
    };
    expect(told(limitProperties({ unified }, v2Host, systemd))).toEqual({
      CPUQuotaPeriodUSec: '50000',
      CPUQuotaPerSecUSec: '18446744073709551615',
      MemoryHigh: '5242880',
      TasksMax: '99',
      AllowedCPUs: '1 2',
    });
  });
  test('an old systemd is not asked for what it does not know', () => {
    const limits: Resources = { cpu: { quota: 1000, period: 100000, cpus: '0' } };
    expect(told(limitProperties(limits, v2Host, { ...systemd, version: 241 }))).toEqual({ CPUQuotaPerSecUSec: '10000' });
  });
  test('a quota is rounded up to whole percents, a set of CPUs is bits', () => {
    expect(quotaPerSecond(500000, 900000)).toBe('560000');
    expect(quotaPerSecond(600000, 900000)).toBe('670000');
    expect(bitsOf('0,8-9')).toEqual([1, 3]);
    expect(bitsOf('17')).toEqual([0, 0, 2]);
    for (const bad of ['', 'x', '3-1', '1-']) expect(bitsOf(bad), bad).toBeUndefined();
  });
  test('devices: at least what the own rules allow', () => {
    const texts = (r: Resources) => deviceProperties(r, systemd).map((p) => `${p.name} ${p.values.join(' ')}`);
    const [policy, nothing, list] = texts({
      devices: [
        { allow: false, access: 'rwm' },
        { allow: true, type: 'b', major: 8, access: 'r' },
        { allow: true, type: 'c', minor: 5, access: 'rw' },
      ],
    });
    expect([policy, nothing]).toEqual(['DevicePolicy strict', 'DeviceAllow 0']);
    expect(list).toContain('/dev/char/1:3 rwm');
    expect(list).toContain('char-pts rwm');
    expect(list).toContain('char-* rw'); // any driver, number 5
    expect(list).not.toContain('block-sd');
    expect(texts({ devices: [{ allow: true, access: 'rwm' }] })).toEqual(['DevicePolicy auto', 'DeviceAllow 0']);
    expect(texts({ devices: [{ allow: true }, { allow: false, type: 'c', major: 1, minor: 11 }] })).toEqual([
      'DevicePolicy auto',
      'DeviceAllow 0',
    ]);
  });
});

describe('annotations', () => {
  const of = (name: string, text: string) => {
    const { properties, problems } = annotationProperties({ [`org.systemd.property.${name}`]: text, other: 'x' });
    return problems[0] ?? properties.map((p) => `${p.name} ${p.signature} ${p.values.join(' ')}`)[0];
  };
  test('values', () => {
    expect(of('CollectMode', "'inactive-or-failed'")).toBe('CollectMode s inactive-or-failed');
    expect(of('IPAccounting', 'true')).toBe('IPAccounting b true');
    expect(of('TimeoutStopUSec', 'uint64 123456789')).toBe('TimeoutStopUSec t 123456789');
    expect(of('Weight', '5')).toBe('Weight i 5');
    expect(of('After', `['a.service', "b, c.service"]`)).toBe('After as 2 a.service b, c.service');
    expect(of('After', '@as []')).toBe('After as 0');
    expect(of('Description', "'it\\'s'")).toBe("Description s it's");
  });
  test('seconds become microseconds', () => {
    expect(of('TimeoutStopSec', '5')).toBe('TimeoutStopUSec t 5000000');
    expect(of('TimeoutStopSec', '1.5')).toBe('TimeoutStopUSec t 1500000');
    expect(of('TimeoutStopSec', 'true')).toContain('is not a number of seconds');
  });
  test('what is none', () => {
    expect(of('Ab', '5')).toContain('is no name of a systemd property');
    expect(of('A-b-c', '5')).toContain('is no name');
    for (const bad of ['word', '', "uint64 'a'", '[1, true]', '@zz 5'])
      expect(of('Name', bad), bad).toContain('is no value that can be passed to systemd');
  });
});

describe('the steps', () => {
  const text = (s: Step): string[] =>
    s.call.args.map((a) => (a.kind === 'text' ? a.parts.map((p) => (typeof p === 'string' ? p : `<${p.of}>`)).join('') : '?'));
  function compiled(c: Config, host: Host): Step[] {
    const draft = newDraft(c, host);
    const paths = cgroupPaths(c, host, 'box');
    compileCgroup(draft, paths);
    compileScope(draft, paths);
    compileCgroupJoin(draft, paths);
    return draft.steps;
  }
  test('systemd is asked for the unit with init in it, waited for, then the rest is done, then init joins', () => {
    const steps = compiled(
      config('machine.slice:libpod:abc', { memory: { limit: 64, swap: 64 } }, { 'org.systemd.property.TimeoutStopSec': '5' }),
      v2Host,
    );
    const [ask, await_] = steps.map(text);
    expect(ask?.slice(0, 10)).toEqual([
      '/usr/bin/busctl',
      '--quiet',
      '--',
      'call',
      'org.freedesktop.systemd1',
      '/org/freedesktop/systemd1',
      'org.freedesktop.systemd1.Manager',
      'StartTransientUnit',
      'ssa(sv)a(sa(sv))',
      'libpod-abc.scope',
    ]);
    const line = ask?.join(' ') ?? '';
    expect(line).toContain(' Slice s machine.slice Delegate b true ');
    expect(line).toContain(' MemoryMax t 64 MemorySwapMax t 0 TimeoutStopUSec t 5000000 PIDs au 1 <init> 0');
    expect(await_).toEqual(['/usr/bin/systemctl', '--quiet', 'start', '--', 'libpod-abc.scope']);
    const order = steps.map((s) => (s.sync ? `${s.sync.kind} ${s.sync.token}` : `${s.actor} ${s.call.name}`));
    const at = (what: string) => order.lastIndexOf(what);
    expect(order.indexOf('runtime mkdirat')).toBeGreaterThan(1);
    expect(at('runtime write')).toBeLessThan(at('signal scoped'));
    expect(at('wait scoped')).toBeLessThan(order.indexOf('init openat'));
    expect(steps.every((s) => s.why !== '')).toBe(true);
  });
  test('as many properties as are counted', () => {
    const words = text(compiled(config('a.slice:b:c', { cpu: { cpus: '0-9' }, pids: { limit: 3 } }), v2Host)[0] as Step).slice(11);
    expect(words[0]).toMatch(/^\d+$/);
    // Walk over them by their types.
    let [at, found] = [1, 0];
    while (at < words.length - 1) {
      const signature = words[at + 1] as string;
      const items = Number(words[at + 2]);
      at += signature === 'a(ss)' ? 3 + 2 * items : signature.startsWith('a') ? 3 + items : 3;
      found++;
    }
    expect([at, found]).toEqual([words.length - 1, Number(words[0])]);
    expect(words.at(-1)).toBe('0');
  });
  test('a user asks its own systemd', () => {
    const steps = compiled(config(), userHost);
    expect(text(steps[0] as Step).slice(0, 2)).toEqual(['/usr/bin/busctl', '--user']);
    expect(text(steps[0] as Step)).not.toContain('DevicePolicy');
    expect(text(steps[1] as Step)[1]).toBe('--user');
  });
  test('an update tells systemd first', () => {
    const c = config('a.slice:b:c', { cpu: { quota: 5000, period: 100000 } });
    const { program } = compileUpdate({
      config: c,
      host: v2Host,
      paths: cgroupPaths(c, v2Host),
      change: { cpu: { quota: 10000 } },
      present: {},
    });
    expect(text(program.steps[0] as Step).slice(-11)).toEqual([
      'SetUnitProperties',
      'sba(sv)',
      'b-c.scope',
      'true',
      '2',
      'CPUQuotaPeriodUSec',
      't',
      '100000',
      'CPUQuotaPerSecUSec',
      't',
      '100000',
    ]);
    expect(program.steps.some((s) => s.call.name === 'openat')).toBe(true);
  });
});

test('facts', () => {
  expect(versionNumber('s "252.39-1~deb12u2"')).toBe(252);
  expect(versionNumber('s "v245.4-1.fc32"')).toBe(245);
  expect(deviceGroups('Character devices:\n  1 mem\n  5 /dev/tty\n136 pts\n\nBlock devices:\n  7 loop\n')).toEqual({
    'c 1': 'char-mem',
    'c 5': 'char-/dev/tty',
    'c 136': 'char-pts',
    'b 7': 'block-loop',
  });
  expect(slicesBelow('2:cpu,cpuacct:/init.scope\n1:name=systemd:/docker/x/init.scope\n0::/init.scope\n')).toEqual({
    cpu: '/',
    cpuacct: '/',
    'name=systemd': '/docker/x',
    '': '/',
  });
});
