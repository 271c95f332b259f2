/** Where a process is in the cgroup trees: asked of the kernel, as every OCI runtime has its own way to choose the place. */
import { readFileSync } from 'node:fs';
import type { CgroupPaths } from '../../runc/compile/cgroup-paths.ts';
import { cgroupFacts, inHierarchy } from '../../runc/host/cgroup-facts.ts';

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** Its folders in the hierarchies of version 1, and in version 2's; empty when it has ended. */
export function cgroupsOf(pid: number): CgroupPaths {
  const { v1, v2, own } = cgroupFacts({
    mountinfo: read('/proc/self/mountinfo'),
    selfCgroup: read(`/proc/${pid}/cgroup`),
    read: () => '',
    mayWrite: () => false,
  });
  const folder = (point: string, controller: string): [string, string][] => {
    const path = own[controller];
    return path === undefined || path.endsWith(' (deleted)') ? [] : [[controller, inHierarchy(point, path)]];
  };
  const [unified] = v2 === undefined ? [] : folder(v2, '');
  return {
    v1: Object.fromEntries(Object.entries(v1).flatMap(([controller, point]) => folder(point, controller))),
    ...(unified ? { v2: unified[1] } : {}),
  };
}
