import { describe, expect, test } from 'vitest';
import type { CgroupPaths } from '../../src/runc/compile/cgroup-paths.ts';
import { compileUpdate } from '../../src/runc/compile/cgroup-update.ts';
import { type Host, TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import type { Arg, Program } from '../../src/runc/program/step.ts';
import type { Resources } from '../../src/runc/spec/config.ts';

const names = ['memory', 'cpu', 'cpuset', 'pids', 'blkio'];
const v1Host: Host = {
  ...TYPICAL_HOST,
  cgroup: { mode: 'v1', v1: Object.fromEntries(names.map((n) => [n, `/cg/${n}`])), v2Controllers: [], own: {}, writable: true },
};
const v1Paths: CgroupPaths = { v1: Object.fromEntries(names.map((n) => [n, `/cg/${n}/box`])) };
const v2Paths: CgroupPaths = { v1: {}, v2: '/sys/fs/cgroup/minirun/box' };

const show = (arg: Arg | undefined): string =>
  arg?.kind === 'text' ? arg.parts.map(String).join('') : arg?.kind === 'data' ? Buffer.from(arg.hex, 'hex').toString() : '';
function writes(program: Program): string[] {
  let open = '';
  return program.steps.flatMap((s) => {
    if (s.call.name === 'openat') open = show(s.call.args[1]).replace(/^.*\/box\//, '');
    return s.call.name === 'write' ? [`${open} ${show(s.call.args[1])}`] : [];
  });
}
function update(version: 1 | 2, change: Resources, before: Resources = {}, present: Record<string, string> = {}) {
  const paths = version === 1 ? v1Paths : v2Paths;
  const folder = (file: string) => (version === 1 ? `/cg/${file.split('.')[0]}/box` : (paths.v2 as string));
  const found: Record<string, string> = { [`${v2Paths.v2}/cgroup.controllers`]: 'cpuset cpu io memory pids' };
  for (const [file, text] of Object.entries(present)) found[`${folder(file)}/${file}`] = text;
  const { program, resources } = compileUpdate({
    config: { ociVersion: '1.2.0', linux: { resources: before } },
    host: version === 1 ? v1Host : TYPICAL_HOST,
    paths,
    change,
    present: found,
  });
  expect(program.steps.every((s) => s.actor === 'runtime' && s.why !== '')).toBe(true);
  return { lines: writes(program), resources };
}
const lines = (...args: Parameters<typeof update>) => update(...args).lines;

describe('v1', () => {
  const memory = (limit: number, swap?: number) => ({ memory: swap === undefined ? { limit } : { limit, swap } });
  test('memory stays at most memory and swap at every moment', () => {
    const grow = lines(1, memory(60, 80), memory(30, 50), { 'memory.limit_in_bytes': '30' });
    expect(grow).toEqual(['memory.memsw.limit_in_bytes 80', 'memory.limit_in_bytes 60']);
    const shrink = lines(1, memory(30, 50), memory(60, 80), { 'memory.limit_in_bytes': '60' });
    expect(shrink).toEqual(['memory.limit_in_bytes 30', 'memory.memsw.limit_in_bytes 50']);
  });
  test('no limit of memory means none of swap either, and swap goes first', () => {
    expect(lines(1, memory(-1), memory(30, 50))).toEqual(['memory.memsw.limit_in_bytes -1', 'memory.limit_in_bytes -1']);
  });
  test('swap alone', () => {
    expect(lines(1, { memory: { swap: 90 } }, memory(30, 50), { 'memory.limit_in_bytes': '30' })).toEqual([
      'memory.memsw.limit_in_bytes 90',
    ]);
    expect(() => lines(1, memory(60), memory(30, 50))).toThrow(/swap.* cannot be less than the memory limit/);
  });
  test('a period that shrinks goes after its quota, one that grows before it', () => {
    const to = (period: number, quota: number) => ({ cpu: { period, quota } });
    expect(lines(1, to(10000, 3000), {}, { 'cpu.cfs_period_us': '100000' })).toEqual(['cpu.cfs_quota_us 3000', 'cpu.cfs_period_us 10000']);
    expect(lines(1, to(100000, 40000), {}, { 'cpu.cfs_period_us': '10000' })).toEqual([
      'cpu.cfs_period_us 100000',
      'cpu.cfs_quota_us 40000',
    ]);
  });
  test('quota or period alone leaves the other file', () => {
    const before = { cpu: { quota: 500000, period: 1000000 } };
    expect(lines(1, { cpu: { quota: -1 } }, before)).toEqual(['cpu.cfs_quota_us -1']);
    const { lines: wrote, resources } = update(1, { cpu: { period: 900000 } }, before);
    expect(wrote).toEqual(['cpu.cfs_period_us 900000']);
    expect(resources).toEqual({ cpu: { quota: 500000, period: 900000 } });
  });
  test('a burst that shrinks goes first, one that grows last', () => {
    const to = (quota: number, burst: number) => ({ cpu: { quota, burst } });
    expect(lines(1, to(2000, 1000), {}, { 'cpu.cfs_burst_us': '5000' })).toEqual(['cpu.cfs_burst_us 1000', 'cpu.cfs_quota_us 2000']);
    expect(lines(1, to(9000, 8000), {}, { 'cpu.cfs_burst_us': '0' })).toEqual(['cpu.cfs_quota_us 9000', 'cpu.cfs_burst_us 8000']);
  });
  test('processes, CPUs, weights; devices are left alone', () => {
    const change: Resources = { pids: { limit: -1 }, cpu: { cpus: '0', mems: '0' }, blockIO: { weight: 500 }, devices: [{ allow: true }] };
    expect(lines(1, change)).toEqual(['cpuset.cpus 0', 'cpuset.mems 0', 'blkio.weight 500', 'blkio.bfq.weight 500', 'pids.max max']);
    expect(update(1, change).resources).not.toHaveProperty('devices');
  });
});

describe('v2', () => {
  test('swap is what is more than memory, with the limit that is in force', () => {
    expect(lines(2, { memory: { swap: 90 } }, { memory: { limit: 30 } })).toEqual(['memory.swap.max 60']);
    expect(lines(2, { memory: { limit: -1 } }, { memory: { limit: 30, swap: 90 } })).toEqual(['memory.swap.max max', 'memory.max max']);
    const raised = update(2, { memory: { limit: 100 } }, { memory: { limit: 30, swap: 90 } });
    expect(raised.lines).toEqual(['memory.max 100']);
    expect(raised.resources).toEqual({ memory: { limit: 100 } });
  });
  test('quota and period share a file', () => {
    const before = { cpu: { quota: 500000, period: 1000000 } };
    expect(lines(2, { cpu: { period: 900000 } }, before)).toEqual(['cpu.max 500000 900000']);
    expect(lines(2, { cpu: { quota: -1 } }, before)).toEqual(['cpu.max max 1000000']);
    expect(lines(2, { cpu: { shares: 1024 } }, before)).toEqual(['cpu.weight 100']);
  });
  test('burst and quota', () => {
    const to = (quota: number, burst: number) => ({ cpu: { quota, burst } });
    expect(lines(2, to(2000, 1000), {}, { 'cpu.max.burst': '5000' })).toEqual(['cpu.max.burst 1000', 'cpu.max 2000 100000']);
    expect(lines(2, to(9000, 8000), {}, { 'cpu.max.burst': '0' })).toEqual(['cpu.max 9000 100000', 'cpu.max.burst 8000']);
  });
  test('files by name, and no limit of processes', () => {
    expect(lines(2, { unified: { 'memory.high': '5' }, pids: { limit: -1 } })).toEqual(['pids.max max', 'memory.high 5']);
  });
  test('a controller that the container lacks is switched on first', () => {
    const wrote = lines(2, { pids: { limit: 5 } }, {}, { 'cgroup.controllers': 'memory' });
    expect(wrote).toEqual([
      '/sys/fs/cgroup/cgroup.subtree_control +pids +memory',
      '/sys/fs/cgroup/minirun/cgroup.subtree_control +pids +memory',
      'pids.max 5',
    ]);
  });
});

describe('refused', () => {
  test('a limit below what is used, where the config says so', () => {
    const careful: Resources = { memory: { limit: 1000, checkBeforeUpdate: true } };
    expect(() => update(2, { memory: { limit: 500 } }, careful, { 'memory.current': '600' })).toThrow(
      'rejecting memory limit 500 <= usage 600',
    );
    expect(() => update(1, { memory: { limit: 300, swap: 550 } }, careful, { 'memory.usage_in_bytes': '600' })).toThrow(
      'rejecting memory+swap limit 550 <= usage 600',
    );
    expect(lines(2, { memory: { limit: 700 } }, careful, { 'memory.current': '600' })).toEqual(['memory.max 700']);
    expect(lines(2, { memory: { limit: 500 } }, {}, { 'memory.current': '600' })).toEqual(['memory.max 500']);
  });
  test('values that the kernel would not take, and controllers that are not there', () => {
    expect(() => update(1, { cpu: { shares: 1 } })).toThrow('#/linux/resources/cpu/shares');
    expect(() => update(1, { rdma: { mlx: { hcaHandles: 1 } } })).toThrow('needs the cgroup controller rdma');
  });
});
