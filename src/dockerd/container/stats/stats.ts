/** What a container uses, in the words of Docker's API; the names are those of cgroup files of version 1. */
import { NEVER } from '../record.ts';

export interface CpuStats {
  /** nanoseconds; `percpu_usage` is known on version 1 only */
  cpu_usage: { total_usage: number; percpu_usage?: number[]; usage_in_kernelmode: number; usage_in_usermode: number };
  /** nanoseconds of all processors, busy or not, since the machine's start */
  system_cpu_usage?: number;
  online_cpus?: number;
  throttling_data: { periods: number; throttled_periods: number; throttled_time: number };
}

export interface BlkioEntry {
  major: number;
  minor: number;
  op: string;
  value: number;
}

const BLKIO = [
  'io_service_bytes_recursive',
  'io_serviced_recursive',
  'io_queue_recursive',
  'io_service_time_recursive',
  'io_wait_time_recursive',
  'io_merged_recursive',
  'io_time_recursive',
  'sectors_recursive',
] as const;

export type BlkioStats = Record<(typeof BLKIO)[number], BlkioEntry[] | null>;

/** bytes; `stats` are the lines of memory.stat, which differ between the versions of cgroups */
export interface MemoryStats {
  usage?: number;
  max_usage?: number;
  stats?: Record<string, number>;
  failcnt?: number;
  limit?: number;
}

export interface InterfaceStats {
  rx_bytes: number;
  rx_packets: number;
  rx_errors: number;
  rx_dropped: number;
  tx_bytes: number;
  tx_packets: number;
  tx_errors: number;
  tx_dropped: number;
}

/** What one look at a container's cgroup says. */
export interface CgroupStats {
  pids_stats: { current?: number; limit?: number };
  blkio_stats: BlkioStats;
  cpu_stats: CpuStats;
  memory_stats: MemoryStats;
}

/** The same with what else is read at that moment. */
export interface Sample extends CgroupStats {
  /** RFC 3339 */
  read: string;
  networks?: Record<string, InterfaceStats>;
}

export const noBlkio = (): BlkioStats => Object.fromEntries(BLKIO.map((name) => [name, null])) as BlkioStats;

const noCpu = (): CpuStats => ({
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
});

/** Of a container that does not run. */
export const noSample = (): Sample => ({ read: NEVER, pids_stats: {}, blkio_stats: noBlkio(), cpu_stats: noCpu(), memory_stats: {} });

/** Just below 2^64, which Go's clients read into 64 bits: a double is not exact there, and must not be rounded up. */
const MOST = 2n ** 64n - 2n ** 11n;

/** A counter for JSON. */
export const count = (value: bigint): number => Number(value > MOST ? MOST : value);

/** Without what is 0: Docker leaves that out. */
export const filled = (values: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== 0));

/** "No limit" is the memory that there is. */
export const memoryLimit = (limit: bigint, machine: number): number => (limit === 0n || limit > BigInt(machine) ? machine : Number(limit));

/** One line of the answer. @param before the sample of a second ago; undefined for the first one */
export const statsMessage = (sample: Sample, before: Sample | undefined, { id, name }: { id: string; name: string }): object => ({
  read: sample.read,
  preread: before?.read ?? NEVER,
  pids_stats: sample.pids_stats,
  blkio_stats: sample.blkio_stats,
  // Of Windows alone.
  num_procs: 0,
  storage_stats: {},
  cpu_stats: sample.cpu_stats,
  precpu_stats: before?.cpu_stats ?? noCpu(),
  memory_stats: sample.memory_stats,
  name: `/${name}`,
  id,
  ...(sample.networks ? { networks: sample.networks } : {}),
});
