/**
 * Which cgroup hierarchies this machine has, and where this process is in them.
 *
 * Version 1 has one tree of folders (a hierarchy) for each controller or group of controllers;
 * version 2 has one tree for all. A machine in transition mounts both ("hybrid"): a controller is
 * then in one of the two, never in both. Only /proc/self/mountinfo says what is mounted where; a
 * folder named /sys/fs/cgroup/memory may be anything.
 * Sources: cgroups(7), proc_pid_mountinfo(5).
 */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import type { CgroupFacts, CgroupMode } from './facts.ts';

/** What the kernel's files say; {@link readCgroupFacts} reads them. */
export interface CgroupFiles {
  /** Text of /proc/self/mountinfo. */
  mountinfo: string;
  /** Text of /proc/self/cgroup. */
  selfCgroup: string;
  /** Text of a file, or '' when it cannot be read. */
  read: (path: string) => string;
  /** True when this user may write to the file or folder. */
  mayWrite: (path: string) => boolean;
}

/** Options of a v1 mount that are no controllers (Linux, kernel/cgroup/cgroup-v1.c: mount options). */
const NOT_CONTROLLERS = /^(rw|ro|all|none|noprefix|clone_children|cpuset_v2_mode|xattr|favordynmods|release_agent=.*|seclabel)$/;

interface CgroupMount {
  /** The folder of the hierarchy that is seen at the mount point: `/` unless we are inside a container. */
  root: string;
  point: string;
  version: 1 | 2;
  controllers: string[];
}

/** mountinfo writes space, tab, newline and backslash as octal escapes. */
const unescaped = (path: string): string => path.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));

function cgroupMounts(mountinfo: string): CgroupMount[] {
  const mounts: CgroupMount[] = [];
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    if (!left || !right) continue;
    const [type, , superOptions = ''] = right.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') continue;
    const fields = left.split(' ');
    mounts.push({
      root: unescaped(fields[3] ?? '/'),
      point: unescaped(fields[4] ?? ''),
      version: type === 'cgroup' ? 1 : 2,
      controllers: type === 'cgroup' ? superOptions.split(',').filter((o) => !NOT_CONTROLLERS.test(o)) : [],
    });
  }
  return mounts;
}

/** `/docker/x/y` seen through a mount whose root is `/docker/x` is `/y`. */
function below(root: string, path: string): string {
  if (root === '/' || !(path === root || path.startsWith(`${root}/`))) return path;
  return path.slice(root.length) || '/';
}

/** The folder of `path` in a hierarchy mounted at `point`. */
export const inHierarchy = (point: string, path: string): string => posix.join(point, path).replace(/(.)\/$/, '$1');

/**
 * The folder below which a relative cgroupsPath starts, as a path in its hierarchy. In v2 that is
 * the parent of our own cgroup, because a cgroup that holds processes cannot share out its
 * controllers among children (the "no internal processes" rule of cgroups(7)).
 */
export const relativeBase = (own: string, version: 1 | 2): string => (version === 2 ? posix.dirname(own) : own);

/** The facts, from the text of the kernel's files: pure, for tests of machines that we are not. */
export function cgroupFacts(files: CgroupFiles): CgroupFacts {
  const v1: Record<string, string> = {};
  const roots: Record<string, string> = {};
  let v2: string | undefined;
  // The same hierarchy may be mounted again elsewhere (a container's bind mount): the first one counts.
  for (const m of cgroupMounts(files.mountinfo)) {
    if (m.version === 2) {
      v2 ??= m.point;
      roots[''] ??= m.root;
    } else {
      for (const controller of m.controllers) {
        v1[controller] ??= m.point;
        roots[controller] ??= m.root;
      }
    }
  }
  const own: Record<string, string> = {};
  for (const line of files.selfCgroup.split('\n')) {
    const parts = /^\d+:([^:]*):(\/.*)$/.exec(line);
    if (!parts) continue;
    const path = parts[2] as string;
    for (const name of (parts[1] as string).split(',')) own[name] = below(roots[name] ?? '/', path);
  }
  const hasV1 = Object.keys(v1).length > 0;
  const mode: CgroupMode = hasV1 ? (v2 ? 'hybrid' : 'v1') : v2 ? 'v2' : 'none';

  const v2Controllers = v2 ? files.read(`${v2}/cgroup.controllers`).split(/\s+/).filter(Boolean) : [];
  // For the machine's root only a read-only mount stands in the way; for others see cgroupAccess.
  const points = [...Object.values(v1), ...(v2 === undefined || mode === 'hybrid' ? [] : [v2])];
  const writable = mode !== 'none' && points.every(files.mayWrite);
  return { mode, v1, ...(v2 === undefined ? {} : { v2 }), v2Controllers, own, writable };
}

/** What can be found out about a path. */
export interface PathFacts {
  exists: (path: string) => boolean;
  mayWrite: (path: string) => boolean;
  read: (path: string) => string;
}

/**
 * What somebody who is not the machine's root may do at the places of a container's cgroups. A
 * folder can be made where the deepest one that exists is writable. In v2 a process can be moved
 * only by who may also write cgroup.procs of the folder that is above both its old and its new
 * cgroup (cgroups(7), "Cgroups delegation containment rules").
 * @param places absolute folders of the container, by v1 controller, and in v2
 */
export function cgroupAccess(facts: CgroupFacts, places: { v1: Record<string, string>; v2?: string }, look: PathFacts): CgroupFacts {
  const deepest = (folder: string): string => {
    let at = posix.dirname(folder);
    while (at !== '/' && !look.exists(at)) at = posix.dirname(at);
    return at;
  };
  const unwritable = Object.entries(places.v1).flatMap(([controller, folder]) => (look.mayWrite(deepest(folder)) ? [] : [controller]));
  const { v1, v2 } = places;
  if (v2 === undefined || facts.v2 === undefined) return { ...facts, unwritable, writable: unwritable.length < Object.keys(v1).length };
  const top = deepest(v2);
  const own = inHierarchy(facts.v2, facts.own[''] ?? '/');
  let common = posix.dirname(own);
  while (!v2.startsWith(`${common}/`)) common = posix.dirname(common);
  const needed = [top, `${top}/cgroup.subtree_control`, `${top}/cgroup.procs`, `${common}/cgroup.procs`];
  if (!needed.every(look.mayWrite)) unwritable.push('');
  let delegated = top;
  while (delegated !== facts.v2 && look.mayWrite(`${posix.dirname(delegated)}/cgroup.subtree_control`))
    delegated = posix.dirname(delegated);
  return {
    ...facts,
    delegated,
    v2Controllers: look.read(`${delegated}/cgroup.controllers`).split(/\s+/).filter(Boolean),
    unwritable,
    writable: unwritable.length < Object.keys(v1).length + 1,
  };
}

/**
 * v1: the deepest folder above `folder` that has CPUs and memory nodes, and its lists.
 * @param point where the cpuset hierarchy is mounted
 */
export function cpusetAbove(folder: string | undefined, point: string | undefined, read: (path: string) => string): CgroupFacts['cpuset'] {
  if (folder === undefined || point === undefined) return undefined;
  for (let from = posix.dirname(folder); from.startsWith(point); from = posix.dirname(from)) {
    const cpus = read(`${from}/cpuset.cpus`).trim();
    const mems = read(`${from}/cpuset.mems`).trim();
    if (cpus && mems) return { from, cpus, mems };
  }
  return undefined;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
const mayWrite = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

/** What this process can find out about paths. */
export const PATH_FACTS: PathFacts = { exists: existsSync, mayWrite, read };

/** The folder of a process in the v2 tree; undefined when it has ended, or lies outside of what we see. */
export function v2FolderOf(pid: number): string | undefined {
  const { v2, own } = cgroupFacts({
    mountinfo: read('/proc/self/mountinfo'),
    selfCgroup: read(`/proc/${pid}/cgroup`),
    read: () => '',
    mayWrite: () => false,
  });
  const path = own[''];
  return v2 === undefined || path === undefined || path.endsWith(' (deleted)') ? undefined : inHierarchy(v2, path);
}

/** The facts of this machine; for an ordinary user as they are for a container without a cgroupsPath. */
export function readCgroupFacts(uid = 0): CgroupFacts {
  const facts = cgroupFacts({ mountinfo: read('/proc/self/mountinfo'), selfCgroup: read('/proc/self/cgroup'), read, mayWrite });
  if (uid === 0) return facts;
  const below = (point: string, controller: string, version: 1 | 2): string =>
    posix.join(inHierarchy(point, relativeBase(facts.own[controller] ?? '/', version)), 'minirun/container');
  const v1 = Object.fromEntries(Object.entries(facts.v1).map(([controller, point]) => [controller, below(point, controller, 1)]));
  return cgroupAccess(facts, { v1, ...(facts.mode === 'v2' ? { v2: below(facts.v2 as string, '', 2) } : {}) }, PATH_FACTS);
}
