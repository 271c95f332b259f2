/**
 * What a container uses, in the form of `runc events --stats`: engines and monitors read it, so
 * names, units and what is left out when it is 0 are runc's. Counters are bigint: "no limit" is
 * 2^64-1, which a JavaScript number cannot hold.
 * Sources: runc-events(8); Linux, admin-guide/cgroup-v1/ and admin-guide/cgroup-v2.rst.
 */
import type { CgroupPaths } from '../compile/cgroup-paths.ts';
import { interfacesOf, type NetworkInterface } from './network-stats.ts';
import { readQuietly } from './processes.ts';
import { blkioV1, cpusetV1, cpuV1, hugetlbV1, memoryV1 } from './stats-v1.ts';
import { cpusetV2, cpuV2, hugetlbV2, ioV2, memoryV2 } from './stats-v2.ts';

export interface Stats {
  cpu: CpuStats;
  cpuset: CpusetStats;
  memory: MemoryStats;
  pids: { current?: bigint; limit?: bigint };
  blkio: BlkioStats;
  hugetlb: Record<string, HugetlbStats>;
  intel_rdt: Record<string, unknown>;
  network_interfaces: NetworkInterface[] | null;
}

/** Times in nanoseconds. */
export interface CpuStats {
  usage: { total?: bigint; percpu?: bigint[]; percpu_kernel?: bigint[]; percpu_user?: bigint[]; kernel: bigint; user: bigint };
  throttling: { periods?: bigint; throttledPeriods?: bigint; throttledTime?: bigint };
  psi?: Pressure;
}

export interface CpusetStats {
  cpus?: number[];
  cpu_exclusive: bigint;
  mems?: number[];
  mem_hardwall: bigint;
  mem_exclusive: bigint;
  memory_migrate: bigint;
  memory_spread_page: bigint;
  memory_spread_slab: bigint;
  memory_pressure: bigint;
  sched_load_balance: bigint;
  sched_relax_domain_level: bigint;
}

/** Bytes. */
export interface MemoryEntry {
  limit: bigint;
  usage?: bigint;
  max?: bigint;
  failcnt: bigint;
}

export interface MemoryStats {
  cache?: bigint;
  usage: MemoryEntry;
  swap: MemoryEntry;
  kernel: MemoryEntry;
  kernelTCP: MemoryEntry;
  raw?: Record<string, bigint>;
  psi?: Pressure;
}

export interface BlkioEntry {
  major?: bigint;
  minor?: bigint;
  op?: string;
  value?: bigint;
}

export type BlkioTable =
  | 'ioServiceBytesRecursive'
  | 'ioServicedRecursive'
  | 'ioQueueRecursive'
  | 'ioServiceTimeRecursive'
  | 'ioWaitTimeRecursive'
  | 'ioMergedRecursive'
  | 'ioTimeRecursive'
  | 'sectorsRecursive';
export type BlkioStats = Partial<Record<BlkioTable, BlkioEntry[]>> & { psi?: Pressure };

export interface HugetlbStats {
  usage?: bigint;
  max?: bigint;
  failcnt: bigint;
}

/** Pressure stall information: the part of the last seconds in which somebody (or everybody) waited. */
export interface Pressure {
  some?: PressureLine;
  full?: PressureLine;
}
interface PressureLine {
  avg10: number;
  avg60: number;
  avg300: number;
  total: bigint;
}

/** Reads a file of one folder; '' when there is no such file. */
export type ReadFile = (file: string) => string;
const inFolder =
  (folder: string | undefined): ReadFile =>
  (file) =>
    folder === undefined ? '' : readQuietly(`${folder}/${file}`);

/** The processes: `max` counts as 0, which means that there is no limit. */
function pids(read: ReadFile): Stats['pids'] {
  const current = read('pids.current').trim();
  // Where the controller is off, the list still tells how many there are.
  const count = current ? BigInt(current) : BigInt(read('cgroup.procs').split('\n').length - 1);
  const limit = /^\d+/.exec(read('pids.max'))?.[0];
  return { ...(count > 0n ? { current: count } : {}), ...(limit && limit !== '0' ? { limit: BigInt(limit) } : {}) };
}

/**
 * Reads what a container uses at this moment. What its hierarchies do not tell is 0 or left out.
 * @param pid its first process, whose network interfaces are counted; 0 when there is none
 */
export function readStats(paths: CgroupPaths, pid: number): Stats {
  const v1 = paths.v1;
  const v2 = inFolder(paths.v2);
  const has = (controller: string) => v1[controller] !== undefined;
  const at = (controller: string) => inFolder(v1[controller]);
  return {
    cpu: has('cpu') || has('cpuacct') ? cpuV1(at('cpu'), at('cpuacct')) : cpuV2(v2),
    cpuset: has('cpuset') ? cpusetV1(at('cpuset')) : cpusetV2(),
    memory: has('memory') ? memoryV1(at('memory')) : memoryV2(v2),
    pids: pids(has('pids') ? at('pids') : v2),
    blkio: has('blkio') ? blkioV1(at('blkio')) : ioV2(v2),
    hugetlb: has('hugetlb') ? hugetlbV1(v1.hugetlb as string) : hugetlbV2(paths.v2),
    intel_rdt: {},
    network_interfaces: interfacesOf(pid),
  };
}
