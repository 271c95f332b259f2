/** How often the kernel killed something in a container for lack of memory. */
import type { CgroupPaths } from '../compile/cgroup-paths.ts';
import { readQuietly } from './processes.ts';

/** The count of kills; 0 when there is no memory cgroup to ask. To be read before the cgroup is removed. */
export function oomKills(paths: CgroupPaths): number {
  const text =
    paths.v1.memory !== undefined
      ? readQuietly(`${paths.v1.memory}/memory.oom_control`)
      : paths.v2 === undefined
        ? ''
        : readQuietly(`${paths.v2}/memory.events`);
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}
