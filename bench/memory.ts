/** How much memory a runtime takes, and how little a container can live with. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { failure } from './contenders.ts';

const TIME = '/usr/bin/time';

/** GNU time, which reports the peak of the largest process that it waited for, is installed. */
export const canMeasurePeak = (): boolean => existsSync(TIME);

/**
 * Peak resident memory in KiB of the largest process that the command makes: the median of five runs.
 * @param after puts things back after each
 */
export function peak(command: () => string[], after: () => void = () => {}): number {
  const folder = mkdtempSync(join(tmpdir(), 'minirun-bench-'));
  const told = join(folder, 'time');
  const peaks = Array.from({ length: 5 }, () => {
    // Into a file: a container that was created keeps standard error, and a pipe would never end.
    spawnSync(TIME, ['-f', '%M', '-o', told, ...command()], { stdio: 'ignore' });
    after();
    return Number(readFileSync(told, 'utf8').trim().split('\n').at(-1));
  });
  rmSync(folder, { recursive: true });
  return peaks.sort((a, b) => a - b)[2] ?? Number.NaN;
}

const KIB = 1024;
const GRAIN = 64 * KIB;
const HIGHEST = 64 * KIB * KIB;
const TRIES = 3;

/**
 * The smallest memory limit, in bytes, with which the container still runs /bin/true three times out
 * of three, to 64 KiB. Undefined when it does not even run with 64 MiB; 0 when the smallest is enough.
 * @param command runs it with a limit in bytes
 * @param after clears away what a failed one may have left
 */
export function floor(command: (limit: number) => string[], after: () => void = () => {}): { bytes: number; below: string } | undefined {
  let below = '';
  const works = (limit: number): boolean => {
    for (let i = 0; i < TRIES; i++) {
      const why = failure(command(limit));
      after();
      if (why) {
        below = why;
        return false;
      }
    }
    return true;
  };
  if (!works(HIGHEST)) return undefined;
  let [low, high] = [0, HIGHEST / GRAIN];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (works(middle * GRAIN)) high = middle;
    else low = middle;
  }
  return { bytes: high * GRAIN, below };
}
