import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { parseInterfaces } from '../../../src/dockerd/container/stats/interfaces.ts';
import { systemCpuUsage } from '../../../src/dockerd/container/stats/machine-cpu.ts';
import { cgroupStats } from '../../../src/dockerd/container/stats/sample.ts';
import { count, noSample, type Sample, statsMessage } from '../../../src/dockerd/container/stats/stats.ts';
import { MetricsSchema as V1 } from '../../../src/proto/io/containerd/cgroups/v1/metrics_pb.ts';
import { MetricsSchema as V2 } from '../../../src/proto/io/containerd/cgroups/v2/metrics_pb.ts';

const MACHINE = 8 << 20;
const NO_LIMIT = 2n ** 64n - 1n;

describe('version 1', () => {
  const any = (metrics: Parameters<typeof create<typeof V1>>[1]) => ({
    typeUrl: 'io.containerd.cgroups.v1.Metrics',
    value: toBinary(V1, create(V1, metrics)),
  });
  test('every number finds its place', () => {
    const stats = cgroupStats(
      any({
        pids: { current: 3n, limit: 100n },
        cpu: {
          usage: { total: 30n, kernel: 10n, user: 20n, perCpu: [12n, 18n] },
          throttling: { periods: 5n, throttledPeriods: 2n, throttledTime: 7n },
        },
        memory: {
          cache: 1n,
          pgPgIn: 2n,
          pgFault: 3n,
          hierarchicalMemoryLimit: 9223372036854771712n,
          hierarchicalSwapLimit: 4n,
          totalInactiveFile: 5n,
          usage: { usage: 4096n, max: 8192n, failcnt: 1n, limit: 1048576n },
        },
        blkio: { ioServiceBytesRecursive: [{ major: 8n, minor: 0n, op: 'Read', value: 512n }] },
      }),
      MACHINE,
    );
    expect(stats.pids_stats).toEqual({ current: 3, limit: 100 });
    expect(stats.cpu_stats).toEqual({
      cpu_usage: { total_usage: 30, percpu_usage: [12, 18], usage_in_kernelmode: 10, usage_in_usermode: 20 },
      throttling_data: { periods: 5, throttled_periods: 2, throttled_time: 7 },
    });
    expect(stats.memory_stats).toMatchObject({ usage: 4096, max_usage: 8192, failcnt: 1, limit: 1048576 });
    expect(stats.memory_stats.stats).toMatchObject({
      cache: 1,
      pgpgin: 2,
      pgfault: 3,
      pgmajfault: 0,
      hierarchical_memory_limit: Number(9223372036854771712n),
      hierarchical_memsw_limit: 4,
      total_inactive_file: 5,
    });
    expect(Object.keys(stats.memory_stats.stats ?? {})).toHaveLength(32);
    expect(stats.blkio_stats.io_service_bytes_recursive).toEqual([{ major: 8, minor: 0, op: 'Read', value: 512 }]);
    expect(stats.blkio_stats.sectors_recursive).toEqual([]);
  });
  test('no limit is the memory of the machine', () => {
    expect(cgroupStats(any({ memory: { usage: { limit: 9223372036854771712n } } }), MACHINE).memory_stats.limit).toBe(MACHINE);
  });
  test('an empty message', () => {
    expect(cgroupStats(any({}), MACHINE)).toMatchObject({ pids_stats: {}, memory_stats: {}, cpu_stats: { cpu_usage: { total_usage: 0 } } });
  });
});

describe('version 2', () => {
  const any = (metrics: Parameters<typeof create<typeof V2>>[1]) => ({
    typeUrl: 'types.containerd.io/io.containerd.cgroups.v2.Metrics',
    value: toBinary(V2, create(V2, metrics)),
  });
  test('microseconds become nanoseconds, bytes read and written entries of their own', () => {
    const stats = cgroupStats(
      any({
        pids: { current: 1n },
        cpu: { usageUsec: 30n, userUsec: 20n, systemUsec: 10n, nrPeriods: 1n, nrThrottled: 2n, throttledUsec: 3n },
        memory: { anon: 7n, inactiveFile: 8n, usage: 4096n, usageLimit: NO_LIMIT, swapUsage: 1n },
        memoryEvents: { oom: 2n },
        io: { usage: [{ major: 8n, minor: 1n, rbytes: 100n, wbytes: 200n }] },
      }),
      MACHINE,
    );
    expect(stats.pids_stats).toEqual({ current: 1 });
    expect(stats.cpu_stats).toEqual({
      cpu_usage: { total_usage: 30_000, usage_in_kernelmode: 10_000, usage_in_usermode: 20_000 },
      throttling_data: { periods: 1, throttled_periods: 2, throttled_time: 3000 },
    });
    expect(stats.memory_stats).toMatchObject({ usage: 4096, failcnt: 2, limit: MACHINE, stats: { anon: 7, inactive_file: 8, pgfault: 0 } });
    expect(stats.memory_stats.stats).not.toHaveProperty('usage');
    expect(stats.memory_stats.stats).not.toHaveProperty('swap_usage');
    expect(stats.blkio_stats).toMatchObject({
      io_service_bytes_recursive: [
        { major: 8, minor: 1, op: 'read', value: 100 },
        { major: 8, minor: 1, op: 'write', value: 200 },
      ],
      io_serviced_recursive: null,
    });
  });
});

test('another message is refused', () => {
  expect(() => cgroupStats({ typeUrl: 'odd', value: new Uint8Array() }, 1)).toThrow(/not known: odd/);
});

test('no counter is larger than what 64 bits hold', () => {
  expect(BigInt(JSON.stringify(count(NO_LIMIT)))).toBeLessThan(2n ** 64n);
  expect(count(5n)).toBe(5);
});

test('the machine has had', () => {
  expect(systemCpuUsage('cpu  10 20 30 40 50 60 70 80 0 0\ncpu0 1 2 3\n')).toBe(280 * 10_000_000);
});

test('interfaces but loopback', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0:    1042      11    1    2    0     0          0         0       70       3    4    5    0     0       0          0
`;
  expect(parseInterfaces(text)).toEqual({
    eth0: { rx_bytes: 1042, rx_packets: 11, rx_errors: 1, rx_dropped: 2, tx_bytes: 70, tx_packets: 3, tx_errors: 4, tx_dropped: 5 },
  });
});

describe('the answer', () => {
  const sample: Sample = { ...noSample(), read: '2026-01-01T00:00:01Z', pids_stats: { current: 1 } };
  test('of one that does not run', () => {
    expect(statsMessage(noSample(), undefined, { id: 'abc', name: 'web' })).toEqual({
      read: '0001-01-01T00:00:00Z',
      preread: '0001-01-01T00:00:00Z',
      pids_stats: {},
      blkio_stats: {
        io_service_bytes_recursive: null,
        io_serviced_recursive: null,
        io_queue_recursive: null,
        io_service_time_recursive: null,
        io_wait_time_recursive: null,
        io_merged_recursive: null,
        io_time_recursive: null,
        sectors_recursive: null,
      },
      num_procs: 0,
      storage_stats: {},
      cpu_stats: {
        cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
        throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
      },
      precpu_stats: {
        cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
        throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
      },
      memory_stats: {},
      name: '/web',
      id: 'abc',
    });
  });
  test('tells of the second before, too', () => {
    const before = { ...sample, read: '2026-01-01T00:00:00Z', cpu_stats: { ...sample.cpu_stats, online_cpus: 2 } };
    expect(statsMessage(sample, before, { id: 'abc', name: 'web' })).toMatchObject({
      preread: '2026-01-01T00:00:00Z',
      precpu_stats: { online_cpus: 2 },
    });
  });
});
