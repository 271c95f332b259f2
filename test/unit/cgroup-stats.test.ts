import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { eventLine, parseInterval } from '../../src/runc/cgroup/events.ts';
import { parseNetDev } from '../../src/runc/cgroup/network-stats.ts';
import { readStats } from '../../src/runc/cgroup/stats.ts';

const made: string[] = [];
/** A folder that looks like a cgroup. */
function folder(files: Record<string, string>): string {
  const path = mkdtempSync(join(tmpdir(), 'minirun-stats-'));
  made.push(path);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}
afterAll(() => {
  for (const path of made) rmSync(path, { recursive: true });
});

const data = (paths: { v1: Record<string, string>; v2?: string }) =>
  JSON.parse(eventLine({ type: 'stats', id: 'box', data: readStats(paths, 0) })).data;

describe('v2', () => {
  const v2 = folder({
    'cpu.stat': 'usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 7\nnr_throttled 2\nthrottled_usec 30\n',
    'cpu.pressure': 'some avg10=1.50 avg60=0.25 avg300=0.00 total=42\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
    'memory.stat': 'file 4096\nanon 8192\n',
    'memory.current': '12288\n',
    'memory.max': '65536\n',
    'memory.peak': '20480\n',
    'memory.events': 'low 0\nhigh 0\nmax 3\noom 0\noom_kill 0\n',
    'memory.swap.current': '100\n',
    'memory.swap.max': '1000\n',
    'pids.current': '3\n',
    'pids.max': 'max\n',
    'io.stat': '8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n8:16 \n',
    'hugetlb.2MB.current': '2097152\n',
    'hugetlb.2MB.rsvd.current': '5\n',
    'hugetlb.2MB.events': 'max 4\n',
  });
  const found = data({ v1: {}, v2 });

  test('times are nanoseconds', () => {
    expect(found.cpu.usage).toEqual({ total: 1500000, kernel: 500000, user: 1000000 });
    expect(found.cpu.throttling).toEqual({ periods: 7, throttledPeriods: 2, throttledTime: 30000 });
    expect(found.cpu.psi.some).toEqual({ avg10: 1.5, avg60: 0.25, avg300: 0, total: 42 });
  });
  test('swap counts memory too, as in version 1', () => {
    expect(found.memory.usage).toEqual({ limit: 65536, usage: 12288, max: 20480, failcnt: 3 });
    expect(found.memory.swap).toEqual({ limit: 66536, usage: 12388, failcnt: 0 });
    expect(found.memory.cache).toBe(4096);
    expect(Object.keys(found.memory.raw)).toEqual(['anon', 'file']);
  });
  test('disks under the names of version 1; huge pages; no limit is 0 for processes', () => {
    expect(found.blkio.ioServiceBytesRecursive).toEqual([
      { major: 8, op: 'Read', value: 10 },
      { major: 8, op: 'Write', value: 20 },
    ]);
    expect(found.blkio.ioServicedRecursive).toHaveLength(2);
    expect(found.hugetlb).toEqual({ '2MB': { usage: 2097152, failcnt: 4 } });
    expect(found.pids).toEqual({ current: 3 });
  });
  test('without controllers the processes are counted', () => {
    expect(data({ v1: {}, v2: folder({ 'cgroup.procs': '5\n6\n' }) }).pids).toEqual({ current: 2 });
  });
});

describe('v1', () => {
  const cpu = folder({
    'cpu.stat': 'nr_periods 1\nnr_throttled 0\nthrottled_time 0\n',
    'cpuacct.stat': 'user 3\nsystem 4\n',
    'cpuacct.usage': '70000001\n',
    'cpuacct.usage_percpu': '70000000 1 \n',
    'cpuacct.usage_all': 'cpu user system\n0 5 6\n1 7 8\n',
    'cpuset.cpus': '0-1,3\n',
    'cpuset.mems': '0\n',
    'cpuset.sched_load_balance': '1\n',
    'cpuset.sched_relax_domain_level': '-1\n',
    'blkio.throttle.io_service_bytes': '8:0 Read 1\n8:0 Total 1\nTotal 1\n',
    'blkio.throttle.io_serviced_recursive': '254:0 Write 2\nTotal 2\n',
  });
  const found = data({ v1: { cpu, cpuacct: cpu, cpuset: cpu, blkio: cpu } });

  test('ticks are hundredths of a second; columns by their names', () => {
    expect(found.cpu).toEqual({
      usage: { total: 70000001, percpu: [70000000, 1], percpu_kernel: [6, 8], percpu_user: [5, 7], kernel: 40000000, user: 30000000 },
      throttling: { periods: 1 },
    });
    expect(found.cpuset).toMatchObject({
      cpus: [0, 1, 3],
      mems: [0],
      sched_load_balance: 1,
      sched_relax_domain_level: -1,
      mem_hardwall: 0,
    });
  });
  test('the recursive files of a disk come before the others', () => {
    expect(found.blkio).toEqual({ ioServicedRecursive: [{ major: 254, op: 'Write', value: 2 }] });
  });
});

test('no limit is written in full', () => {
  const v2 = folder({ 'memory.max': 'max\n', 'memory.current': '1\n', 'memory.swap.max': 'max\n', 'memory.swap.current': '0\n' });
  const line = eventLine({ type: 'stats', id: 'a"\\u0000' + '5"', data: readStats({ v1: {}, v2 }, 0) });
  expect(line).toContain('"usage":{"limit":18446744073709551615,"usage":1,"failcnt":0}');
  expect(JSON.parse(line).id).toBe('a"\\u0000' + '5"');
});

test('network interfaces, without lo', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:      84       1    0    0    0     0          0         0       84       1    0    0    0     0       0          0',
    '  eth0:     866      11    1    2    0     0          0         0      786       9    3    4    0     0       0          0',
  ].join('\n');
  expect(parseNetDev(text)).toEqual([
    { Name: 'eth0', RxBytes: 866n, RxPackets: 11n, RxErrors: 1n, RxDropped: 2n, TxBytes: 786n, TxPackets: 9n, TxErrors: 3n, TxDropped: 4n },
  ]);
});

test('intervals as Go writes them', () => {
  expect(['5s', '100ms', '1m30s', '1.5s', '2h'].map(parseInterval)).toEqual([5000, 100, 90000, 1500, 7200000]);
  expect(() => parseInterval('5')).toThrow('invalid value "5" for --interval');
  expect(() => parseInterval('5s x')).toThrow('invalid value');
  expect(() => parseInterval('0s')).toThrow('duration interval must be greater than 0');
});
