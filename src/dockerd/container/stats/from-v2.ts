/** What containerd tells of a cgroup of version 2, in Docker's words; what version 2 does not count is left out. */
import { MemoryStatSchema, type Metrics } from '../../../proto/io/containerd/cgroups/v2/metrics_pb.ts';
import { type BlkioEntry, type CgroupStats, count, filled, memoryLimit, noBlkio } from './stats.ts';

/** Those of the message that are not lines of memory.stat. */
const APART = new Set(['usage', 'usage_limit', 'swap_usage', 'swap_limit', 'max_usage', 'swap_max_usage']);

const MEMORY = MemoryStatSchema.fields
  .filter(({ fieldKind, name }) => fieldKind === 'scalar' && !APART.has(name))
  .map(({ name, localName }) => [name, localName] as const);

/** Microseconds, as version 2 counts; nanoseconds, as Docker does. */
const nanoseconds = (value: bigint | undefined): number => count((value ?? 0n) * 1000n);

/** @param machine bytes of memory that the machine has */
export function fromV2({ cpu, memory, memoryEvents, pids, io }: Metrics, machine: number): CgroupStats {
  const bytes = (io?.usage ?? []).flatMap(({ major, minor, rbytes, wbytes }): BlkioEntry[] => [
    { major: count(major), minor: count(minor), op: 'read', value: count(rbytes) },
    { major: count(major), minor: count(minor), op: 'write', value: count(wbytes) },
  ]);
  return {
    pids_stats: filled({ current: count(pids?.current ?? 0n), limit: count(pids?.limit ?? 0n) }),
    blkio_stats: { ...noBlkio(), io_service_bytes_recursive: bytes.length > 0 ? bytes : null },
    cpu_stats: {
      cpu_usage: {
        total_usage: nanoseconds(cpu?.usageUsec),
        usage_in_kernelmode: nanoseconds(cpu?.systemUsec),
        usage_in_usermode: nanoseconds(cpu?.userUsec),
      },
      throttling_data: {
        periods: count(cpu?.nrPeriods ?? 0n),
        throttled_periods: count(cpu?.nrThrottled ?? 0n),
        throttled_time: nanoseconds(cpu?.throttledUsec),
      },
    },
    memory_stats: memory
      ? {
          ...filled({ usage: count(memory.usage), failcnt: count(memoryEvents?.oom ?? 0n) }),
          stats: Object.fromEntries(MEMORY.map(([name, field]) => [name, count(memory[field as 'anon'])])),
          limit: memoryLimit(memory.usageLimit, machine),
        }
      : {},
  };
}
