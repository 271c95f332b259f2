import { describe, expect, test } from 'vitest';
import type { ContainerConfig, HostConfig } from '../../../src/dockerd/container/config.ts';
import { forVersion } from '../../../src/dockerd/container/spec/api-version.ts';
import { checkCreate } from '../../../src/dockerd/container/spec/check-create.ts';
import type { MachineFacts } from '../../../src/dockerd/host/facts.ts';
import { ApiError } from '../../../src/dockerd/http/api-error.ts';
import { FACTS, OPTIONS } from './spec-sample.ts';

const checked = (hostConfig: HostConfig, config: ContainerConfig = {}, facts: MachineFacts = FACTS) =>
  checkCreate(config, hostConfig, facts, OPTIONS);
const without = (...support: (keyof MachineFacts['support'])[]): MachineFacts => ({
  ...FACTS,
  support: { ...FACTS.support, ...Object.fromEntries(support.map((name) => [name, false])) },
});
const refusal = (hostConfig: HostConfig, config: ContainerConfig = {}): string => {
  try {
    checked(hostConfig, config);
  } catch (error) {
    if (error instanceof ApiError) return `${error.status} ${error.message}`;
    throw error;
  }
  return 'not refused';
};

describe('what makes no sense is refused', () => {
  // The words of dockerd 20.10 are compared with in test/swap/docker-config.test.ts; here is what it does not refuse, or later.
  // biome-ignore format: a table
  test.each<[string, HostConfig, ContainerConfig?]>([
    ['400 invalid CPU shares (-5): value must be a positive integer', { CpuShares: -5 }],
    ['400 kernel does not support CPU real-time scheduler', { CpuRealtimeRuntime: 5 }],
    ['400 Range of blkio weight is from 10 to 1000', { BlkioWeight: 5 }],
    ['400 Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available', { NanoCpus: -1 }],
    ['400 invalid IPC mode: x', { IpcMode: 'x' }],
    ['400 invalid IPC mode: container:', { IpcMode: 'container:' }],
    ['400 invalid PID mode: private', { PidMode: 'private' }],
    ['400 invalid UTS mode: x', { UTSMode: 'x' }],
    ['400 invalid user namespace mode: x: this daemon maps no user ids; leave it out, or say host', { UsernsMode: 'x' }],
    ["400 invalid isolation (hyperv): linux only supports 'default'", { Isolation: 'hyperv' }],
    ['501 links need a bridge network, which this daemon does not have yet', { Links: ['a:b'] }],
    ['400 invalid proto: xcp', { PortBindings: { '80/xcp': [] } }],
    ['400 invalid port specification: "90-80"', { PortBindings: { '90-80/tcp': null } }],
    ['400 invalid port specification: "0"', {}, { ExposedPorts: { '0/tcp': {} } }],
    ['400 invalid ulimit type: x', { Ulimits: [{ Name: 'x', Soft: 1, Hard: 1 }] }],
    ['400 ulimit soft limit must be less than or equal to hard limit: 9 > 1', { Ulimits: [{ Name: 'nofile', Soft: 9, Hard: 1 }] }],
    ['400 invalid tmpfs option "bad"', { Tmpfs: { '/a': 'bad' } }],
    ['400 sysctl "kernel.panic" is not in a separate kernel namespace', { Sysctls: { 'kernel.panic': '1' } }],
    ['400 sysctl "net.core.somaxconn" not allowed in host network namespace', { NetworkMode: 'host', Sysctls: { 'net.core.somaxconn': '1' } }],
    ['400 invalid Annotations: the empty string is not permitted as an annotation key', { Annotations: { '': 'x' } }],
    ['400 invalid IP address: dns', { Dns: ['dns'] }],
    ['400 Invalid signal: 99', {}, { StopSignal: '99' }],
    ['400 invalid environment variable: "A=\\u0000" has a NUL byte', {}, { Env: ['A=\0'] }],
    [`400 hostname "${'h'.repeat(65)}" is too long (maximum 64 bytes)`, {}, { Hostname: 'h'.repeat(65) }],
    ['400 conflicting options: dns and the network mode', { NetworkMode: 'container:x', Dns: ['1.1.1.1'] }],
    ['400 conflicting options: custom host-to-IP mapping and the network mode', { NetworkMode: 'container:x', ExtraHosts: ['a:1.1.1.1'] }],
    ['400 conflicting options: port publishing and the container type network mode', { NetworkMode: 'container:x', PublishAllPorts: true }],
    ['400 conflicting options: port exposing and the container type network mode', { NetworkMode: 'container:x' }, { ExposedPorts: { '80/tcp': {} } }],
    ['400 invalid network mode: invalid container format container:<name|id>', { NetworkMode: 'container:' }],
  ])('%s', (words, hostConfig, config) => expect(refusal(hostConfig, config)).toBe(words));

  test('what makes sense is not', () => {
    const hostConfig: HostConfig = {
      Memory: 64 << 20,
      NanoCpus: 2e9,
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
      PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '' }], '8000-8010/udp': [{ HostPort: '9000-9010' }] },
      ExtraHosts: ['a:1.2.3.4', 'b:::1', 'c:host-gateway', 'd:[::1]'],
      UsernsMode: 'host',
      Ulimits: [{ Name: 'core', Soft: 0, Hard: -1 }],
    };
    const config = { Env: ['A=', 'B'], StopSignal: 'SIGRTMIN+3', Healthcheck: { Test: ['CMD', 'x'], Interval: 1e6 } };
    expect(refusal(hostConfig, config)).toBe('not refused');
  });
});

describe('defaults', () => {
  test('what inspect shows of a HostConfig that said nothing', () => {
    const { hostConfig, warnings } = checked({});
    expect(warnings).toEqual([]);
    expect(hostConfig).toMatchObject({
      ShmSize: 64 << 20,
      IpcMode: 'private',
      CgroupnsMode: 'host',
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
      Runtime: 'minirun',
      LogConfig: { Type: 'json-file', Config: {} },
      OomKillDisable: false,
    });
    expect(hostConfig.MaskedPaths).toContain('/proc/kcore');
    expect(hostConfig.PidsLimit).toBeUndefined();
  });

  test('a privileged container masks nothing; an empty list is an answer', () => {
    const { MaskedPaths, SecurityOpt } = checked({ Privileged: true }).hostConfig;
    expect([MaskedPaths, SecurityOpt]).toEqual([undefined, ['label=disable']]);
    expect(checked({ MaskedPaths: [], ReadonlyPaths: [] }).hostConfig).toMatchObject({ MaskedPaths: [], ReadonlyPaths: [] });
    expect(checked({ PidMode: 'host', SecurityOpt: ['label=type:t'] }).hostConfig.SecurityOpt).toEqual(['label=type:t']);
  });

  test('the working directory is cleaned', () => expect(checked({}, { WorkingDir: '/a//b/../c/' }).config.WorkingDir).toBe('/a/c'));
});

describe('what this kernel or this daemon cannot do is discarded, with a warning', () => {
  test('no memory cgroup', () => {
    const { hostConfig, warnings } = checked({ Memory: 64 << 20 }, {}, without('memory', 'swap'));
    expect(hostConfig).toMatchObject({ Memory: 0, MemorySwap: -1 });
    expect(warnings).toEqual([
      'Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.',
    ]);
  });

  test('no limit of swap', () => {
    const { hostConfig, warnings } = checked({ Memory: 64 << 20 }, {}, without('swap'));
    expect(hostConfig).toMatchObject({ Memory: 64 << 20, MemorySwap: -1 });
    expect(warnings).toEqual([
      'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.',
    ]);
  });

  // biome-ignore format: a table
  test.each<[keyof HostConfig, HostConfig, keyof MachineFacts['support'], string]>([
    ['MemoryReservation', { MemoryReservation: 64 << 20 }, 'memoryReservation', 'Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.'],
    ['MemorySwappiness', { MemorySwappiness: 5 }, 'memorySwappiness', 'Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.'],
    ['OomKillDisable', { OomKillDisable: true }, 'oomKillDisable', 'Your kernel does not support OomKillDisable. OomKillDisable discarded.'],
    ['CpuShares', { CpuShares: 5 }, 'cpuShares', 'Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.'],
    ['CpuQuota', { CpuQuota: 5000 }, 'cpuCfs', 'Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.'],
    ['CpusetCpus', { CpusetCpus: '0' }, 'cpuset', 'Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.'],
    ['PidsLimit', { PidsLimit: 5 }, 'pids', 'Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.'],
    ['BlkioWeight', { BlkioWeight: 500 }, 'blkioWeight', 'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.'],
    ['BlkioDeviceReadBps', { BlkioDeviceReadBps: [{ Path: '/dev/x', Rate: 1 }] }, 'blkioThrottle', 'Your kernel does not support BPS Block I/O read limit or the cgroup is not mounted. Block I/O BPS read limit discarded.'],
  ])('%s', (field, asked, support, words) => {
    const { hostConfig, warnings } = checked(asked, {}, without(support));
    expect(warnings).toEqual([words]);
    expect([undefined, 0, '', []]).toContainEqual(hostConfig[field]);
  });

  test('capabilities, limits and OOM scores that the daemon may not give', () => {
    const { warnings } = checked({
      CapAdd: ['SYS_RESOURCE', 'ALL'],
      Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 1e6 }],
      OomScoreAdj: -5,
    });
    expect(warnings).toEqual([
      'Capability CAP_SYS_RESOURCE is not available to the daemon in this environment. Capability discarded.',
      "The ulimit nofile=1000000 is above the daemon's own hard limit, which it may not raise. Limited to 20000.",
      'The daemon may not lower the OOM score to -5: it lacks CAP_SYS_RESOURCE. The container gets 0.',
    ]);
  });

  test('ports that nobody publishes', () => {
    expect(checked({ NetworkMode: 'host', PortBindings: { '80/tcp': [] } }).warnings).toEqual([
      'Published ports are discarded when using host network mode',
    ]);
  });

  test('the OOM killer without a limit is only warned of', () => {
    expect(checked({ OomKillDisable: true }).warnings).toHaveLength(1);
    expect(checked({ OomKillDisable: true }).hostConfig.OomKillDisable).toBe(true);
  });
});

describe('clients of older versions of the API', () => {
  const config = { Healthcheck: { Test: ['CMD', 'x'], StartInterval: 1e9 } };
  const asked = { ConsoleSize: [24, 80], Annotations: { a: 'b' }, KernelMemory: 5 };
  const at = (minor: number) => forVersion(config, asked, [1, minor], FACTS);

  test('mean something else by the same words', () => {
    expect(at(39).hostConfig).toMatchObject({ IpcMode: 'shareable', CgroupnsMode: 'host' });
    expect(at(41).hostConfig).toMatchObject({ ConsoleSize: undefined, Annotations: undefined, KernelMemory: 5 });
    expect(at(42).hostConfig).toMatchObject({ ConsoleSize: [24, 80], Annotations: undefined, KernelMemory: undefined });
    expect(at(43).config.Healthcheck?.StartInterval).toBeUndefined();
    expect(at(44)).toMatchObject({ config, hostConfig: { Annotations: { a: 'b' } } });
  });
});
