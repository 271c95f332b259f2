/** What a container uses, from the files of cgroup v1. Source: Linux, admin-guide/cgroup-v1/. */
import { readdirSync } from 'node:fs';
import { filled, keyed, listed, one, several } from './counters.ts';
import { readQuietly } from './processes.ts';
import type {
  BlkioEntry,
  BlkioStats,
  BlkioTable,
  CpuStats,
  CpusetStats,
  HugetlbStats,
  MemoryEntry,
  MemoryStats,
  ReadFile,
} from './stats.ts';

/** cpuacct.stat counts in USER_HZ, 100 a second on every architecture that we run on. */
const TICK_NS = 10_000_000n;

export function cpuV1(cpu: ReadFile, cpuacct: ReadFile): CpuStats {
  const modes = keyed(cpuacct('cpuacct.stat'));
  const throttling = keyed(cpu('cpu.stat'));
  const all = cpuacct('cpuacct.usage_all')
    .split('\n')
    .map((line) => line.split(' '));
  const columns = all[0] ?? [];
  const column = (name: string): bigint[] => {
    const at = columns.indexOf(name);
    return at < 0 ? [] : all.slice(1).flatMap((line) => (line.length > at ? [BigInt(line[at] as string)] : []));
  };
  const percpu = several(cpuacct('cpuacct.usage_percpu'));
  const [kernel, user] = [column('system'), column('user')];
  return {
    usage: {
      ...filled({ total: one(cpuacct('cpuacct.usage')) }),
      ...(percpu.length ? { percpu } : {}),
      ...(kernel.length ? { percpu_kernel: kernel } : {}),
      ...(user.length ? { percpu_user: user } : {}),
      kernel: (modes.system ?? 0n) * TICK_NS,
      user: (modes.user ?? 0n) * TICK_NS,
    },
    throttling: filled({
      periods: throttling.nr_periods ?? 0n,
      throttledPeriods: throttling.nr_throttled ?? 0n,
      throttledTime: throttling.throttled_time ?? 0n,
    }),
  };
}

export function cpusetV1(read: ReadFile): CpusetStats {
  const [cpus, mems] = [listed(read('cpuset.cpus')), listed(read('cpuset.mems'))];
  const value = (name: string): bigint => one(read(`cpuset.${name}`));
  return {
    ...(cpus.length ? { cpus } : {}),
    cpu_exclusive: value('cpu_exclusive'),
    ...(mems.length ? { mems } : {}),
    mem_hardwall: value('mem_hardwall'),
    mem_exclusive: value('mem_exclusive'),
    memory_migrate: value('memory_migrate'),
    memory_spread_page: value('memory_spread_page'),
    memory_spread_slab: value('memory_spread_slab'),
    memory_pressure: value('memory_pressure'),
    sched_load_balance: value('sched_load_balance'),
    sched_relax_domain_level: value('sched_relax_domain_level'),
  };
}

function memoryEntry(read: ReadFile, prefix: string): MemoryEntry {
  const value = (name: string): bigint => one(read(`${prefix}.${name}`));
  return {
    limit: value('limit_in_bytes'),
    ...filled({ usage: value('usage_in_bytes'), max: value('max_usage_in_bytes') }),
    failcnt: value('failcnt'),
  };
}

export function memoryV1(read: ReadFile): MemoryStats {
  const raw = keyed(read('memory.stat'));
  return {
    ...filled({ cache: raw.cache ?? 0n }),
    usage: memoryEntry(read, 'memory'),
    swap: memoryEntry(read, 'memory.memsw'),
    kernel: memoryEntry(read, 'memory.kmem'),
    kernelTCP: memoryEntry(read, 'memory.kmem.tcp'),
    raw,
  };
}

/** `8:0 Read 4096` or, without the kind, `8:0 12`; the last line is the sum of all disks. */
function entries(text: string): BlkioEntry[] {
  return [...text.matchAll(/^(\d+):(\d+) (?:([A-Za-z]+) )?(\d+)$/gm)].map(([, major = '', minor = '', op, value = '']) => ({
    ...filled({ major: BigInt(major), minor: BigInt(minor) }),
    ...(op ? { op } : {}),
    ...filled({ value: BigInt(value) }),
  }));
}

/** The files that count: the BFQ scheduler's, those of CFQ (gone since Linux 5.0), the block layer's own. The first that exist are taken. */
const FAMILIES: [prefix: string, ending: string][] = [
  ['blkio.bfq.', '_recursive'],
  ['blkio.', '_recursive'],
  ['blkio.throttle.', '_recursive'],
  ['blkio.throttle.', ''],
];
const TABLES: [table: BlkioTable, name: string][] = [
  ['ioServiceBytesRecursive', 'io_service_bytes'],
  ['ioServicedRecursive', 'io_serviced'],
  ['ioQueueRecursive', 'io_queued'],
  ['ioServiceTimeRecursive', 'io_service_time'],
  ['ioWaitTimeRecursive', 'io_wait_time'],
  ['ioMergedRecursive', 'io_merged'],
  ['ioTimeRecursive', 'time'],
  ['sectorsRecursive', 'sectors'],
];

export function blkioV1(read: ReadFile): BlkioStats {
  for (const [prefix, ending] of FAMILIES) {
    const tables = TABLES.map(([table, name]) => [table, entries(read(`${prefix}${name}${ending}`))] as const).filter(
      ([, list]) => list.length,
    );
    if (tables.length) return Object.fromEntries(tables);
  }
  return {};
}

/** The page sizes for which a folder has hugetlb files, from their names. */
export function pageSizes(folder: string | undefined, ending: string): string[] {
  if (folder === undefined) return [];
  try {
    return readdirSync(folder).flatMap((name) => {
      const parts = /^hugetlb\.([1-9]\d*[KMG]B)\.(\w+)$/.exec(name);
      return parts?.[2] === ending ? [parts[1] as string] : [];
    });
  } catch {
    return [];
  }
}

export function hugetlbV1(folder: string): Record<string, HugetlbStats> {
  const value = (size: string, name: string): bigint => one(readQuietly(`${folder}/hugetlb.${size}.${name}`));
  return Object.fromEntries(
    pageSizes(folder, 'usage_in_bytes').map((size) => [
      size,
      { ...filled({ usage: value(size, 'usage_in_bytes'), max: value(size, 'max_usage_in_bytes') }), failcnt: value(size, 'failcnt') },
    ]),
  );
}
