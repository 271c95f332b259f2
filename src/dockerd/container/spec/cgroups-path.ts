/** Where a container's cgroup is: `--cgroup-parent`, and the daemon's. */
import { posix } from 'node:path';
import type { MachineFacts } from '../../host/facts.ts';
import type { DaemonOptions } from '../../options.ts';

/** The parent where nobody names one. The same as Docker's, which tools look for. */
const PARENT = { cgroupfs: '/docker', systemd: 'system.slice' };

/** `linux.cgroupsPath`: a path, or `slice:prefix:name` where systemd makes the cgroups. */
export function cgroupsPathOf(
  id: string,
  ownParent: string | undefined,
  { cgroupParent }: Pick<DaemonOptions, 'cgroupParent'>,
  { cgroup: { driver } }: Pick<MachineFacts, 'cgroup'>,
): string {
  const parent = ownParent || cgroupParent || PARENT[driver];
  if (driver === 'systemd') return `${parent}:docker:${id}`;
  // Made absolute before it is cleaned: no ".." leads out.
  return posix.join('/', parent, id);
}
