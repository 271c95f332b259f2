/** What containerd tells of a cgroup of version 1, in Docker's words. */
import { type BlkIOEntry, MemoryStatSchema, type Metrics } from '../../../proto/io/containerd/cgroups/v1/metrics_pb.ts';
import { type BlkioEntry, type CgroupStats, count, filled, memoryLimit } from './stats.ts';

/** Names of the message that memory.stat, and so Docker, writes in another way. */
const RENAMED: [message: RegExp, kernel: string][] = [
  [/pg_pg_/, 'pgpg'],
  [/pg_fault/, 'pgfault'],
  [/pg_maj_fault/, 'pgmajfault'],
  [/hierarchical_swap_limit/, 'hierarchical_memsw_limit'],
];

const MEMORY = MemoryStatSchema.fields
  .filter(({ fieldKind }) => fieldKind === 'scalar')
  .map(({ name, localName }) => [RENAMED.reduce((text, [from, to]) => text.replace(from, to), name), localName] as const);

const entries = (list: readonly BlkIOEntry[]): BlkioEntry[] =>
  list.map(({ major, minor, op, value }) => ({ major: count(major), minor: count(minor), op, value: count(value) }));

/** @param machine bytes of memory that the machine has */
export function fromV1({ cpu, memory, pids, blkio }: Metrics, machine: number): CgroupStats {
  const { usage, throttling } = cpu ?? {};
  return {
    pids_stats: filled({ current: count(pids?.current ?? 0n), limit: count(pids?.limit ?? 0n) }),
    blkio_stats: {
      io_service_bytes_recursive: entries(blkio?.ioServiceBytesRecursive ?? []),
      io_serviced_recursive: entries(blkio?.ioServicedRecursive ?? []),
      io_queue_recursive: entries(blkio?.ioQueuedRecursive ?? []),
      io_service_time_recursive: entries(blkio?.ioServiceTimeRecursive ?? []),
      io_wait_time_recursive: entries(blkio?.ioWaitTimeRecursive ?? []),
      io_merged_recursive: entries(blkio?.ioMergedRecursive ?? []),
      io_time_recursive: entries(blkio?.ioTimeRecursive ?? []),
      sectors_recursive: entries(blkio?.sectorsRecursive ?? []),
    },
    cpu_stats: {
      cpu_usage: {
        total_usage: count(usage?.total ?? 0n),
        percpu_usage: (usage?.perCpu ?? []).map(count),
        usage_in_kernelmode: count(usage?.kernel ?? 0n),
        usage_in_usermode: count(usage?.user ?? 0n),
      },
      throttling_data: {
        periods: count(throttling?.periods ?? 0n),
        throttled_periods: count(throttling?.throttledPeriods ?? 0n),
        throttled_time: count(throttling?.throttledTime ?? 0n),
      },
    },
    memory_stats: memory
      ? {
          ...filled({
            usage: count(memory.usage?.usage ?? 0n),
            max_usage: count(memory.usage?.max ?? 0n),
            failcnt: count(memory.usage?.failcnt ?? 0n),
          }),
          stats: Object.fromEntries(MEMORY.map(([name, field]) => [name, count(memory[field as 'cache'])])),
          limit: memoryLimit(memory.usage?.limit ?? 0n, machine),
        }
      : {},
  };
}
