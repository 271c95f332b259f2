/** How much memory a runtime takes, and how little a container can live with. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type Contender, failure } from './contenders.ts';

const TIME = '/usr/bin/time';

/** GNU time, which reports the peak of the largest process that it waited for, is installed. */
export const canMeasurePeak = (): boolean => existsSync(TIME);

/** Peak resident memory in KiB of the largest process that the command makes: the median of five runs. */
export function peak(contender: Contender): number {
  const peaks = Array.from({ length: 5 }, () => {
    const done = spawnSync(TIME, ['-f', '%M', ...contender.command()], { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
    return Number(done.stderr.trim().split('\n').at(-1));
  });
  return peaks.sort((a, b) => a - b)[2] ?? Number.NaN;
}

const KIB = 1024;
const GRAIN = 64 * KIB;
const HIGHEST = 64 * KIB * KIB;
const TRIES = 3;

/**
 * The smallest memory limit, in bytes, with which the container still runs /bin/true three times out
 * of three, to 64 KiB. Undefined when it does not even run with 64 MiB; 0 when the smallest is enough.
 */
export function floor(contender: Contender): { bytes: number; below: string } | undefined {
  let below = '';
  const works = (limit: number): boolean => {
    for (let i = 0; i < TRIES; i++) {
      const why = failure(contender.command(limit));
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
