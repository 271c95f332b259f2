/**
 * Which cgroup hierarchies this machine has, and where this process is in them.
 *
 * Version 1 has one tree of folders (a hierarchy) for each controller or group of controllers;
 * version 2 has one tree for all. A machine in transition mounts both ("hybrid"): a controller is
 * then in one of the two, never in both. Only /proc/self/mountinfo says what is mounted where; a
 * folder named /sys/fs/cgroup/memory may be anything.
 * Sources: cgroups(7), proc_pid_mountinfo(5).
 */
import { accessSync, constants, readFileSync } from 'node:fs';
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
  uid: number;
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

  // What a relative path can use is what the folder above us was given, not what the root has.
  const rootless = files.uid !== 0;
  const base = v2 ? inHierarchy(v2, rootless ? relativeBase(own[''] ?? '/', 2) : '/') : '';
  const v2Controllers = v2 ? files.read(`${base}/cgroup.controllers`).split(/\s+/).filter(Boolean) : [];
  const mayUseV2 = () => ['', 'cgroup.procs', 'cgroup.subtree_control'].every((file) => files.mayWrite(posix.join(base, file)));
  const mayUseV1 = () =>
    Object.entries(v1).every(([name, point]) => files.mayWrite(inHierarchy(point, rootless ? (own[name] ?? '/') : '/')));
  const writable = mode !== 'none' && (v2 === undefined || mode === 'hybrid' || mayUseV2()) && mayUseV1();
  return { mode, v1, ...(v2 === undefined ? {} : { v2 }), v2Controllers, own, writable };
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

/** The facts of this machine. */
export function readCgroupFacts(uid: number): CgroupFacts {
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
  return cgroupFacts({ mountinfo: read('/proc/self/mountinfo'), selfCgroup: read('/proc/self/cgroup'), read, mayWrite, uid });
}
