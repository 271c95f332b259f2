import { describe, expect, test } from 'vitest';
import { kernelMemoryWarning, mergedResources, resourcesFromFlags, resourcesFromJson } from '../../src/runc/spec/resources.ts';

describe('limits as JSON', () => {
  test('what engines send: 0 and null ask for nothing', () => {
    const sent =
      '{"memory":{"limit":67108864,"reservation":0,"swap":-1,"kernel":null},"cpu":{"shares":0,"quota":0,"period":0},"pids":{"limit":0},"blockIO":{"weight":0}}';
    expect(resourcesFromJson(sent, '-')).toEqual({ memory: { limit: 67108864, swap: -1 } });
  });
  test('where 0 is a setting it stays', () => {
    expect(resourcesFromJson('{"cpu":{"idle":0,"burst":0},"memory":{"swappiness":0}}', '-')).toEqual({
      cpu: { idle: 0, burst: 0 },
      memory: { swappiness: 0 },
    });
    const throttle = [{ major: 8, minor: 0, rate: 0 }];
    expect(resourcesFromJson(JSON.stringify({ blockIO: { throttleReadBpsDevice: throttle } }), '-')).toEqual({
      blockIO: { throttleReadBpsDevice: throttle },
    });
  });
  test('in any case, as Go reads them, but not the names of files and devices', () => {
    expect(resourcesFromJson('{"CPU":{"Cpus":"1"},"Unified":{"pids.max":"10"},"RDMA":{"MLX5_0":{"HCAHandles":3}}}', '-')).toEqual({
      cpu: { cpus: '1' },
      unified: { 'pids.max': '10' },
      rdma: { MLX5_0: { hcaHandles: 3 } },
    });
  });
  test('errors name the place', () => {
    expect(() => resourcesFromJson('{"memory":{"limit":"64m"}}', 'new.json')).toThrow('new.json: at #/memory/limit: found "64m"');
    expect(() => resourcesFromJson('{', '-')).toThrow('-: not JSON: ');
    expect(() => resourcesFromJson('[]', '-')).toThrow('at #: found []');
  });
});

describe('limits as options', () => {
  test('sizes in powers of 1024', () => {
    const size = (text: string) => resourcesFromFlags({ memory: text }).memory?.limit;
    expect([size('100M'), size('1.5g'), size('64KiB'), size('512 kb'), size('1024'), size('7b'), size('-1')]).toEqual([
      104857600, 1610612736, 65536, 524288, 1024, 7, -1,
    ]);
    for (const bad of ['x', '1q', '-2', '1e3', '9999999p']) expect(() => size(bad), bad).toThrow('invalid value for memory: ');
  });
  test('every option has its place', () => {
    expect(
      resourcesFromFlags({
        'blkio-weight': '500',
        'cpu-period': '900000',
        'cpu-quota': '-1',
        'cpu-burst': '1000',
        'cpu-rt-period': '5',
        'cpu-rt-runtime': '-1',
        'cpu-share': '200',
        'cpu-idle': '1',
        'cpuset-cpus': '0-1',
        'cpuset-mems': '0',
        memory: '64m',
        'memory-reservation': '32m',
        'memory-swap': '-1',
        'kernel-memory': '1m',
        'kernel-memory-tcp': '2m',
        'pids-limit': '-1',
        root: '/x',
        'l3-cache-schema': '',
      }),
    ).toEqual({
      blockIO: { weight: 500 },
      cpu: { period: 900000, quota: -1, burst: 1000, realtimePeriod: 5, realtimeRuntime: -1, shares: 200, idle: 1, cpus: '0-1', mems: '0' },
      memory: { limit: 67108864, reservation: 33554432, swap: -1, kernel: 1048576, kernelTCP: 2097152 },
      pids: { limit: -1 },
    });
  });
  test('numbers that are none', () => {
    expect(() => resourcesFromFlags({ 'cpu-period': '-5' })).toThrow('invalid value for cpu-period: "-5" is no whole number from 0 on');
    expect(() => resourcesFromFlags({ 'cpu-quota': 'half' })).toThrow('invalid value for cpu-quota: "half"');
  });
});

test('kernel memory is warned about', () => {
  expect(kernelMemoryWarning({ memory: { kernel: 1 } })).toMatch(/ignored/);
  expect(kernelMemoryWarning({ memory: { limit: 1 } })).toBeUndefined();
});

test('a change replaces value by value', () => {
  const before = { memory: { limit: 1, swap: 2 }, hugepageLimits: [{ pageSize: '2MB', limit: 1 }], unified: { 'cpu.max': 'max' } };
  expect(mergedResources(before, { memory: { limit: 5 }, hugepageLimits: [], unified: { 'pids.max': '3' } })).toEqual({
    memory: { limit: 5, swap: 2 },
    hugepageLimits: [],
    unified: { 'cpu.max': 'max', 'pids.max': '3' },
  });
});
