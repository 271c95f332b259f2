/** What a container uses, from the files of cgroup v2, under the names of version 1. Source: Linux, admin-guide/cgroup-v2.rst. */
import { filled, keyed, NO_LIMIT, one } from './counters.ts';
import { readQuietly } from './processes.ts';
import type { BlkioEntry, BlkioStats, CpuStats, CpusetStats, HugetlbStats, MemoryEntry, MemoryStats, Pressure, ReadFile } from './stats.ts';
import { pageSizes } from './stats-v1.ts';

/** cpu.stat counts in microseconds, the JSON in nanoseconds. */
const ns = (us: bigint | undefined): bigint => (us ?? 0n) * 1000n;

function pressure(text: string): { psi?: Pressure } {
  const lines = [...text.matchAll(/^(some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)$/gm)].map(
    ([, kind = '', avg10, avg60, avg300, total = '0']) =>
      [kind, { avg10: Number(avg10), avg60: Number(avg60), avg300: Number(avg300), total: BigInt(total) }] as const,
  );
  return lines.length ? { psi: Object.fromEntries(lines) } : {};
}

export function cpuV2(read: ReadFile): CpuStats {
  const stat = keyed(read('cpu.stat'));
  return {
    usage: { ...filled({ total: ns(stat.usage_usec) }), kernel: ns(stat.system_usec), user: ns(stat.user_usec) },
    throttling: filled({
      periods: stat.nr_periods ?? 0n,
      throttledPeriods: stat.nr_throttled ?? 0n,
      throttledTime: ns(stat.throttled_usec),
    }),
    ...pressure(read('cpu.pressure')),
  };
}

/** Version 2 has none of these switches. */
export const cpusetV2 = (): CpusetStats => ({
  cpu_exclusive: 0n,
  mem_hardwall: 0n,
  mem_exclusive: 0n,
  memory_migrate: 0n,
  memory_spread_page: 0n,
  memory_spread_slab: 0n,
  memory_pressure: 0n,
  sched_load_balance: 0n,
  sched_relax_domain_level: 0n,
});

const NOTHING: MemoryEntry = { limit: 0n, failcnt: 0n };

export function memoryV2(read: ReadFile): MemoryStats {
  const raw = keyed(read('memory.stat'));
  const limit = one(read('memory.max'));
  const usage = one(read('memory.current'));
  const swapLimit = read('memory.swap.max');
  // Version 1 counts memory and swap together, and so do those who read this.
  const swap: MemoryEntry =
    swapLimit === ''
      ? { limit, ...filled({ usage }), failcnt: 0n }
      : {
          limit: one(swapLimit) === NO_LIMIT || limit === NO_LIMIT ? NO_LIMIT : one(swapLimit) + limit,
          ...filled({ usage: one(read('memory.swap.current')) + usage }),
          failcnt: 0n,
        };
  return {
    ...filled({ cache: raw.file ?? 0n }),
    usage: { limit, ...filled({ usage, max: one(read('memory.peak')) }), failcnt: keyed(read('memory.events')).max ?? 0n },
    swap,
    kernel: NOTHING,
    kernelTCP: NOTHING,
    ...(Object.keys(raw).length ? { raw } : {}),
    ...pressure(read('memory.pressure')),
  };
}

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …` */
export function ioV2(read: ReadFile): BlkioStats {
  const bytes: BlkioEntry[] = [];
  const times: BlkioEntry[] = [];
  for (const [, major = '', minor = '', rest = ''] of read('io.stat').matchAll(/^(\d+):(\d+) (.*)$/gm))
    for (const [, word = '', value = ''] of rest.matchAll(/\b(rbytes|wbytes|rios|wios)=(\d+)/g))
      (word.endsWith('bytes') ? bytes : times).push({
        ...filled({ major: BigInt(major), minor: BigInt(minor) }),
        op: word.startsWith('r') ? 'Read' : 'Write',
        ...filled({ value: BigInt(value) }),
      });
  return {
    ...(bytes.length ? { ioServiceBytesRecursive: bytes } : {}),
    ...(times.length ? { ioServicedRecursive: times } : {}),
    ...pressure(read('io.pressure')),
  };
}

export function hugetlbV2(folder: string | undefined): Record<string, HugetlbStats> {
  return Object.fromEntries(
    pageSizes(folder, 'current').map((size) => [
      size,
      {
        ...filled({ usage: one(readQuietly(`${folder}/hugetlb.${size}.current`)) }),
        failcnt: keyed(readQuietly(`${folder}/hugetlb.${size}.events`)).max ?? 0n,
      },
    ]),
  );
}
