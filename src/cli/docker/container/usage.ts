/** What `stats` shows of a sample: Docker's arithmetic. Pure. */
import { binarySize, humanSize } from '../output/units.ts';

/** The parts of GET /containers/ID/stats that count here. */
export interface Sample {
  id?: string;
  name?: string;
  read: string;
  cpu_stats?: CpuSample;
  precpu_stats?: CpuSample;
  memory_stats?: { usage?: number; limit?: number; stats?: Record<string, number> };
  pids_stats?: { current?: number };
  networks?: Record<string, { rx_bytes: number; tx_bytes: number }> | null;
  blkio_stats?: { io_service_bytes_recursive?: { op: string; value: number }[] | null };
}

interface CpuSample {
  cpu_usage?: { total_usage?: number; percpu_usage?: number[] | null };
  system_cpu_usage?: number;
  online_cpus?: number;
}

export interface Usage {
  id: string;
  name: string;
  /** Of one processor: 200 is two of them. */
  cpuPercent: number;
  memory: number;
  memoryLimit: number;
  received: number;
  sent: number;
  read: number;
  written: number;
  pids: number;
}

/** Page cache that the kernel would give back first does not count: `inactive_file`, as in Docker. */
function memoryOf({ usage = 0, stats = {} }: NonNullable<Sample['memory_stats']>): number {
  const cache = stats.total_inactive_file ?? stats.inactive_file ?? 0;
  return cache < usage ? usage - cache : usage;
}

export function cpuPercent(now: CpuSample = {}, before: CpuSample = {}): number {
  const used = (now.cpu_usage?.total_usage ?? 0) - (before.cpu_usage?.total_usage ?? 0);
  const passed = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const processors = now.online_cpus || now.cpu_usage?.percpu_usage?.length || 1;
  return passed > 0 && used > 0 ? (used / passed) * processors * 100 : 0;
}

export function usageOf(sample: Sample, id: string, name: string): Usage {
  const networks = Object.values(sample.networks ?? {});
  const io = sample.blkio_stats?.io_service_bytes_recursive ?? [];
  const sum = (op: string) => io.filter((entry) => entry.op.toLowerCase() === op).reduce((total, { value }) => total + value, 0);
  return {
    id,
    name,
    cpuPercent: cpuPercent(sample.cpu_stats, sample.precpu_stats),
    memory: memoryOf(sample.memory_stats ?? {}),
    memoryLimit: sample.memory_stats?.limit ?? 0,
    received: networks.reduce((total, { rx_bytes }) => total + rx_bytes, 0),
    sent: networks.reduce((total, { tx_bytes }) => total + tx_bytes, 0),
    read: sum('read'),
    written: sum('write'),
    pids: sample.pids_stats?.current ?? 0,
  };
}

export const USAGE_COLUMNS = {
  Container: { header: 'CONTAINER', value: (u: Usage) => u.id },
  Name: { header: 'NAME', value: (u: Usage) => u.name },
  CPUPerc: { header: 'CPU %', value: (u: Usage) => `${u.cpuPercent.toFixed(2)}%` },
  MemUsage: { header: 'MEM USAGE / LIMIT', value: (u: Usage) => `${binarySize(u.memory)} / ${binarySize(u.memoryLimit)}` },
  MemPerc: { header: 'MEM %', value: (u: Usage) => `${(u.memoryLimit > 0 ? (u.memory / u.memoryLimit) * 100 : 0).toFixed(2)}%` },
  NetIO: { header: 'NET I/O', value: (u: Usage) => `${humanSize(u.received)} / ${humanSize(u.sent)}` },
  BlockIO: { header: 'BLOCK I/O', value: (u: Usage) => `${humanSize(u.read)} / ${humanSize(u.written)}` },
  PIDs: { header: 'PIDS', value: (u: Usage) => String(u.pids) },
};
