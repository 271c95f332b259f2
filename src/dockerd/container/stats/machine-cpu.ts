/** The processor time that the whole machine has had: what a container's share is measured by. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** /proc/stat counts in hundredths of a second: USER_HZ is 100 on every architecture here. */
const NANOSECONDS_PER_TICK = 10_000_000;

/**
 * user, nice, system, idle, iowait, irq and softirq of all processors; proc_stat(5).
 * @param text of /proc/stat
 * @returns nanoseconds
 */
export function systemCpuUsage(text: string): number {
  const [, numbers = ''] = /^cpu +(.*)$/m.exec(text) ?? [];
  const ticks = numbers.split(' ').slice(0, 7).map(Number);
  return ticks.reduce((sum, value) => sum + (Number.isFinite(value) ? value : 0), 0) * NANOSECONDS_PER_TICK;
}

export const readMachineCpu = (): { system_cpu_usage: number; online_cpus: number } => ({
  system_cpu_usage: systemCpuUsage(readFileSync('/proc/stat', 'utf8')),
  online_cpus: availableParallelism(),
});
