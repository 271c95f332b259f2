/** OCI limits as the text that the kernel's cgroup files take. Pure conversions, one a function. */

/** A number as the kernel's files take it: all digits, never 1e21. */
export const decimal = (value: number): string => BigInt(Math.trunc(value)).toString();

/** A limit for v2: -1 is "no limit", written `max`. */
export const orMax = (value: number): string => (value < 0 ? 'max' : decimal(value));

/**
 * cpu.shares (v1: 2 to 262144, default 1024) as cpu.weight (v2: 1 to 10000, default 100): the
 * curve through the three points (2, 1), (1024, 100), (262144, 10000), which runc 1.3.2 and
 * crun 1.23 brought in. The straight line used before gave the default 1024 a weight of 39, so a
 * container with default shares lost against a process outside.
 */
export function sharesToWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

/**
 * The v2 swap limit. v1 (and the OCI config) count memory and swap together; v2 counts swap alone.
 * @returns undefined when nothing is to be written
 */
export function swapOnly(limit: number | undefined, swap: number | undefined): string | undefined {
  if (limit !== undefined && limit < 0 && !swap) return 'max';
  if (swap === undefined || swap === 0) return undefined;
  if (swap < 0) return 'max';
  if (limit === undefined || limit < 0) return decimal(swap);
  return decimal(swap - limit);
}

/** The default period of the CPU quota in microseconds (Linux, admin-guide/cgroup-v2.rst). */
const DEFAULT_PERIOD = 100_000;

/** cpu.max: `50000 100000` is half a CPU. Undefined when neither is given. */
export function cpuMax(quota: number | undefined, period: number | undefined): string | undefined {
  if (!quota && !period) return undefined;
  return `${quota !== undefined && quota > 0 ? decimal(quota) : 'max'} ${decimal(period || DEFAULT_PERIOD)}`;
}

/** blkio weight (10 to 1000) as io.weight (1 to 10000), on a straight line, as runc does. */
export const blkioToIoWeight = (weight: number): number => Math.floor(1 + ((weight - 10) * 9999) / 990);

/** pids.max; zero and less mean no limit. */
export const pidsMax = (limit: number): string => (limit > 0 ? decimal(limit) : 'max');

/** `8:0 1048576`, the line that v1's blkio files take. */
export const deviceLine = (major: number, minor: number, value: string): string => `${major}:${minor} ${value}`;

/** The page sizes as the kernel writes them in file names: `2MB`, `1GB`, `64KB`. */
export const HUGE_PAGE_SIZE = /^[1-9]\d*(KB|MB|GB)$/;
