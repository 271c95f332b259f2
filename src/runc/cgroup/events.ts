/**
 * What happens to a container, as `runc events` tells it: a line of JSON for its use of resources
 * at each interval, and one for each time that the kernel killed for lack of memory.
 * Source: runc-events(8).
 */
import { existsSync } from 'node:fs';
import type { CgroupPaths } from '../compile/cgroup-paths.ts';
import { oomKills } from './oom.ts';
import { foldersOf, processesOf } from './processes.ts';
import { readStats, type Stats } from './stats.ts';

export type ContainerEvent = { type: 'stats'; id: string; data: Stats } | { type: 'oom'; id: string };

/** One line, its newline included. Counters are written in full: 2^64-1 is not rounded. */
export function eventLine(event: ContainerEvent): string {
  // JSON.stringify has no way to write a bigint, so it goes through a string with a mark that no name can have.
  const text = JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? `\u0000${value}` : value));
  return `${text.replace(/"\\u0000(-?\d+)"/g, '$1')}\n`;
}

export const statsEvent = (id: string, paths: CgroupPaths, pid: number): ContainerEvent => ({
  type: 'stats',
  id,
  data: readStats(paths, pid),
});

const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * A duration as Go writes them (`5s`, `100ms`, `1m30s`), in milliseconds.
 * @throws Error when it is none, or not longer than 0
 */
export function parseInterval(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)];
  if (!parts.length || parts.map((p) => p[0]).join('') !== text.replace(/^\+/, ''))
    throw new Error(`invalid value ${JSON.stringify(text)} for --interval: write a number with a unit, such as 5s, 100ms or 1m30s`);
  const ms = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit as string] as number), 0);
  if (!(ms > 0)) throw new Error('duration interval must be greater than 0');
  return ms;
}

export interface Watched {
  id: string;
  paths: CgroupPaths;
  /** The container's first process. */
  pid: number;
  intervalMs: number;
  emit: (event: ContainerEvent) => void;
  /** Ends the watch. */
  signal?: AbortSignal;
}

/** How often the kernel's count of kills is looked at: it is one number, and both versions have it. */
const LOOK_MS = 100;

/** Tells what happens until the container has ended, then resolves. */
export function watchEvents({ id, paths, pid, intervalMs, emit, signal }: Watched): Promise<void> {
  const folder = foldersOf(paths)[0];
  // Without cgroups the first process is all there is to look at.
  const ended = (): boolean => (folder === undefined ? !existsSync(`/proc/${pid}`) : processesOf(paths).length === 0);
  let killed = oomKills(paths);
  return new Promise((resolve, reject) => {
    const guarded = (act: () => void) => () => {
      try {
        act();
      } catch (error) {
        stop();
        reject(error);
      }
    };
    const lookForKills = () => {
      const now = oomKills(paths);
      if (now > killed) emit({ type: 'oom', id });
      killed = now;
      if (!ended()) return;
      stop();
      resolve();
    };
    const statsTimer = setInterval(
      guarded(() => !ended() && emit(statsEvent(id, paths, pid))),
      intervalMs,
    );
    const killsTimer = setInterval(guarded(lookForKills), Math.min(LOOK_MS, intervalMs));
    const stop = () => {
      clearInterval(statsTimer);
      clearInterval(killsTimer);
      signal?.removeEventListener('abort', aborted);
    };
    const aborted = () => {
      stop();
      resolve();
    };
    if (signal?.aborted) aborted();
    else signal?.addEventListener('abort', aborted);
  });
}
