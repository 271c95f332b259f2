import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import type { KernelSupport, MachineFacts } from '../../../src/dockerd/host/facts.ts';
import { optionsFrom } from '../../../src/dockerd/options-from-flags.ts';
import { describeInfo, type InfoFacts } from '../../../src/dockerd/system/info.ts';
import { osRelease } from '../../../src/dockerd/system/machine.ts';
import { registryConfig } from '../../../src/dockerd/system/registry-config.ts';
import { parseVersion } from '../../../src/dockerd/system/runtime-version.ts';
import { kernelWarnings } from '../../../src/dockerd/system/warnings.ts';

const support: KernelSupport = {
  memory: true,
  swap: true,
  memoryReservation: true,
  memorySwappiness: true,
  oomKillDisable: true,
  cpuShares: true,
  cpuCfs: true,
  cpuRealtime: false,
  cpuset: true,
  pids: true,
  blkioWeight: false,
  blkioWeightDevice: false,
  blkioThrottle: true,
  cgroupNamespaces: true,
  seccomp: true,
  apparmor: false,
  selinux: false,
};

const facts: InfoFacts = {
  id: 'an-id',
  options: { ...optionsFrom(new Command().opts()), insecureRegistries: ['reg:5000', '10.0.0.0/8'], labels: ['a=b'] },
  facts: { cgroup: { mode: 'hybrid', driver: 'cgroupfs' }, support } as MachineFacts,
  machine: {
    hostname: 'box',
    kernel: '6.1',
    operatingSystem: 'Debian',
    osVersion: '12',
    architecture: 'x86_64',
    cpus: 2,
    memory: 1024,
    fileSystem: 'extfs',
    ipv4Forwarding: false,
    bridgeIptables: false,
    bridgeIp6tables: false,
    openFiles: 3,
  },
  statuses: ['running', 'paused', 'exited', 'created', 'restarting'],
  images: 3,
  snapshotter: 'overlayfs',
  networkDrivers: ['host', 'null'],
  containerd: { version: '1.6', revision: 'abc' },
  runtime: { name: 'minirun-runc', version: '0.1', commit: '' },
  listeners: 1,
  environment: { https_proxy: 'http://me:secret@proxy:3128' },
};

describe('info', () => {
  const info = describeInfo(facts, 50) as Record<string, unknown>;
  test('counts containers as docker info does', () => {
    expect(info).toMatchObject({ Containers: 5, ContainersRunning: 2, ContainersPaused: 1, ContainersStopped: 2, Images: 3 });
  });
  test('tells how it stores and limits', () => {
    expect(info).toMatchObject({
      Driver: 'overlayfs',
      DriverStatus: [
        ['driver-type', 'io.containerd.snapshotter.v1'],
        ['Backing Filesystem', 'extfs'],
      ],
      CgroupVersion: '1',
      CgroupDriver: 'cgroupfs',
      SecurityOptions: ['name=seccomp,profile=builtin'],
      LiveRestoreEnabled: true,
      Warnings: [],
    });
  });
  test('keeps what the proxy knows of us to itself', () => {
    expect(info.HttpsProxy).toBe('http://xxxxx:xxxxx@proxy:3128');
  });
  test('tells older clients what they expect', () => {
    expect(describeInfo(facts, 41)).toMatchObject({ KernelMemory: false, RuncCommit: { ID: '0.1', Expected: '0.1' } });
    expect(info.RuncCommit).toEqual({ ID: '0.1' });
    expect(info).not.toHaveProperty('KernelMemory');
  });
  test('version 2 has cgroup namespaces by default', () => {
    const v2 = { ...facts, facts: { ...facts.facts, cgroup: { mode: 'v2', driver: 'cgroupfs' } as const } };
    expect(describeInfo(v2, 50)).toMatchObject({ CgroupVersion: '2', SecurityOptions: ['name=seccomp,profile=builtin', 'name=cgroupns'] });
  });
});

test('registries', () => {
  expect(registryConfig({ registryMirrors: ['https://mirror'], insecureRegistries: ['reg:5000', '10.0.0.0/8'] }, 50)).toEqual({
    InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', '10.0.0.0/8'],
    IndexConfigs: {
      'docker.io': { Name: 'docker.io', Mirrors: ['https://mirror/'], Secure: true, Official: true },
      'reg:5000': { Name: 'reg:5000', Mirrors: [], Secure: false, Official: false },
    },
    Mirrors: ['https://mirror/'],
  });
});

test('warnings name what the kernel lacks', () => {
  expect(kernelWarnings({ ...support, swap: false, blkioThrottle: false }, false)).toEqual([
    'WARNING: No swap limit support',
    'WARNING: No blkio throttle.read_bps_device support',
    'WARNING: No blkio throttle.write_bps_device support',
    'WARNING: No blkio throttle.read_iops_device support',
    'WARNING: No blkio throttle.write_iops_device support',
  ]);
  expect(kernelWarnings({ ...support, oomKillDisable: false, blkioThrottle: false }, true)).toEqual([
    'WARNING: No io.weight support',
    'WARNING: No io.max (rbps) support',
    'WARNING: No io.max (wbps) support',
    'WARNING: No io.max (riops) support',
    'WARNING: No io.max (wiops) support',
  ]);
});

test('os-release', () => {
  const text = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID=\'12\'\nID=debian\n';
  expect(osRelease(text, 'PRETTY_NAME')).toBe('Debian GNU/Linux 12 (bookworm)');
  expect(osRelease(text, 'VERSION_ID')).toBe('12');
  expect(osRelease(text, 'ID')).toBe('debian');
  expect(osRelease(text, 'NAME')).toBe('');
});

test('what runtimes say of themselves', () => {
  expect(parseVersion('runc version 1.1.5+ds1\ncommit: 1.1.5-1\nspec: 1.0.2-dev\n')).toEqual({ version: '1.1.5+ds1', commit: '1.1.5-1' });
  expect(parseVersion('crun version 1.8.1\ncommit: f8a0\n')).toEqual({ version: '1.8.1', commit: 'f8a0' });
  expect(parseVersion('')).toEqual({ version: '', commit: '' });
});
