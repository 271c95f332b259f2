/** What a container uses, as io.containerd.cgroups.v1.Metrics: clients draw their tables from it. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { MemoryStatSchema, type Metrics, MetricsSchema } from '../../proto/io/containerd/cgroups/v1/metrics_pb.ts';
import { keyed } from '../../runc/cgroup/counters.ts';
import { readQuietly } from '../../runc/cgroup/processes.ts';
import { type BlkioEntry, type MemoryEntry, readStats } from '../../runc/cgroup/stats.ts';
import type { CgroupPaths } from '../../runc/compile/cgroup-paths.ts';

/** Names of memory.stat that the message writes in another way. */
const RENAMED: [message: RegExp, kernel: string][] = [
  [/pg_pg_/, 'pgpg'],
  [/pg_fault/, 'pgfault'],
  [/pg_maj_fault/, 'pgmajfault'],
  [/hierarchical_swap_limit/, 'hierarchical_memsw_limit'],
];
const kernelName = (name: string): string => RENAMED.reduce((text, [from, to]) => text.replace(from, to), name);

/** Each number of the message that has its name in memory.stat. */
const memoryCounters = (raw: Record<string, bigint>): Record<string, bigint> =>
  Object.fromEntries(
    MemoryStatSchema.fields
      .filter((field) => field.fieldKind === 'scalar')
      .map((field) => [field.localName, raw[kernelName(field.name)] ?? 0n]),
  );

/** 8:0 → /dev/sda, from /proc/partitions. */
function deviceNames(): Map<string, string> {
  const lines = readQuietly('/proc/partitions').matchAll(/^\s*(\d+)\s+(\d+)\s+\d+\s+(\S+)$/gm);
  return new Map([...lines].map(([, major, minor, name]) => [`${major}:${minor}`, `/dev/${name}`]));
}

/** Network interfaces are not counted, as containerd's own shim does not. */
export function metricsV1(paths: CgroupPaths): Metrics {
  const { cpu, memory, pids, blkio, hugetlb } = readStats(paths, 0);
  const oom = keyed(readQuietly(`${paths.v1.memory}/memory.oom_control`));
  const devices = deviceNames();
  const entry = ({ limit, usage = 0n, max = 0n, failcnt }: MemoryEntry) => ({ limit, usage, max, failcnt });
  const io = (list: BlkioEntry[] = []) =>
    list.map(({ op = '', major = 0n, minor = 0n, value = 0n }) => ({
      op,
      device: devices.get(`${major}:${minor}`) ?? '',
      major,
      minor,
      value,
    }));
  const init: MessageInitShape<typeof MetricsSchema> = {
    hugetlb: Object.entries(hugetlb).map(([pagesize, { usage = 0n, max = 0n, failcnt }]) => ({ pagesize, usage, max, failcnt })),
    pids: { current: pids.current ?? 0n, limit: pids.limit ?? 0n },
    cpu: {
      usage: { total: cpu.usage.total ?? 0n, kernel: cpu.usage.kernel, user: cpu.usage.user, perCpu: cpu.usage.percpu ?? [] },
      throttling: {
        periods: cpu.throttling.periods ?? 0n,
        throttledPeriods: cpu.throttling.throttledPeriods ?? 0n,
        throttledTime: cpu.throttling.throttledTime ?? 0n,
      },
    },
    memory: {
      ...memoryCounters(memory.raw ?? {}),
      usage: entry(memory.usage),
      swap: entry(memory.swap),
      kernel: entry(memory.kernel),
      kernelTcp: entry(memory.kernelTCP),
    },
    blkio: {
      ioServiceBytesRecursive: io(blkio.ioServiceBytesRecursive),
      ioServicedRecursive: io(blkio.ioServicedRecursive),
      ioQueuedRecursive: io(blkio.ioQueueRecursive),
      ioServiceTimeRecursive: io(blkio.ioServiceTimeRecursive),
      ioWaitTimeRecursive: io(blkio.ioWaitTimeRecursive),
      ioMergedRecursive: io(blkio.ioMergedRecursive),
      ioTimeRecursive: io(blkio.ioTimeRecursive),
      sectorsRecursive: io(blkio.sectorsRecursive),
    },
    ...(paths.v1.memory === undefined
      ? {}
      : { memoryOomControl: { oomKillDisable: oom.oom_kill_disable ?? 0n, underOom: oom.under_oom ?? 0n, oomKill: oom.oom_kill ?? 0n } }),
  };
  return create(MetricsSchema, init);
}
