/**
 * What of a running container belongs to the host: criu does not save it, it only remembers a
 * name, and gets the thing itself back at restore.
 */
import { closeSync, constants, openSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { closeFd } from '../../libc/fd.ts';
import { O } from '../../libc/flags.ts';
import { isNew, namespaceOf } from '../compile/draft.ts';
import { isBind } from '../compile/mount-sources.ts';
import { type MountEntry, parseMountInfo } from '../host/mountinfo.ts';
import { openInRoot } from '../rootfs/read-inside.ts';
import type { Config, Mount } from '../spec/config.ts';
import { parseMountOptions } from '../spec/mount-options.ts';

/** Namespaces that the container may share with others and that criu takes from a descriptor; the name that runc gives them too. */
export const SHARED_NAMESPACES = [
  { type: 'network', file: 'net', key: 'extRootNetNS' },
  { type: 'pid', file: 'pid', key: 'extRootPidNS' },
] as const;

/** `type[what]:name`, criu's --external. At restore, `mnt[name]:path`. */
const mountKey = (point: string, name: string): string => `mnt[${point}]:${name}`;

/** The mount that a path of the container leads to, links followed as from inside. */
function mountAt(root: number, path: string, mounts: readonly MountEntry[]): MountEntry | undefined {
  const fd = openInRoot(root, path, O.O_PATH | O.O_CLOEXEC);
  if (fd === undefined) return undefined;
  try {
    const id = /^mnt_id:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
    return mounts.find((m) => m.id === Number(id));
  } finally {
    closeFd(fd);
  }
}

const isBelow = (point: string, folder: string): boolean => point.startsWith(folder === '/' ? '/' : `${folder}/`);

const isBindMount = (m: Mount): boolean => isBind(m, parseMountOptions(m.options ?? []));
const isCgroupMount = (m: Mount): boolean => m.type === 'cgroup' || m.type === 'cgroup2';

/**
 * The mounts whose files are the host's, as `mnt[where]:name`. The name is the destination that
 * config.json has, so that restore can tell from there what belongs to it.
 */
function externalMounts(config: Config, pid: number): string[] {
  const mounts = parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
  const external = new Map<string, string>();
  const root = openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const m of config.mounts ?? []) {
      const cgroup = isCgroupMount(m) && !isNew(config, 'cgroup');
      if (!cgroup && !isBindMount(m)) continue;
      const top = mountAt(root, m.destination, mounts);
      if (!top) continue;
      if (!cgroup) external.set(top.point, m.destination);
      // What came along with a recursive bind; and the trees of cgroup v1, each a bind mount of its own.
      for (const entry of mounts) {
        if (external.has(entry.point) || !(entry === top || isBelow(entry.point, top.point))) continue;
        const came = cgroup ? entry.type.startsWith('cgroup') : entry.device !== top.device && isForeign(entry, mounts);
        if (came) external.set(entry.point, `${m.destination}${entry.point.slice(top.point.length)}`);
      }
    }
    // In a user namespace device files are the host's, bound; and so is the null device that hides files.
    const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`);
    for (const path of [...devices, ...(config.linux?.devices ?? []).map((d) => d.path)]) setForeign(path, path);
    for (const path of config.linux?.maskedPaths ?? []) setForeign(path, '/dev/null');
  } finally {
    closeSync(root);
  }
  return [...external].map(([point, name]) => mountKey(point, name));

  function setForeign(path: string, name: string): void {
    const entry = mountAt(root, path, mounts);
    if (!entry || entry.root === '/' || external.has(entry.point) || !isForeign(entry, mounts)) return;
    // criu binds it from the one that it has, and gives it its own flags; a second one from outside might lose its `ro`.
    const same = mounts.some((other) => other.device === entry.device && other.root === entry.root && external.has(other.point));
    if (!same) external.set(entry.point, name);
  }
}

/** No mount of the container shows the whole file system that this one is a part of: it came from outside. */
const isForeign = (entry: MountEntry, mounts: readonly MountEntry[]): boolean =>
  !mounts.some((other) => other.device === entry.device && other.root === '/');

/** The namespaces that config.json names by path, as `net[inode]:name`. */
function externalNamespaces(config: Config): string[] {
  return SHARED_NAMESPACES.flatMap(({ type, file, key }) => {
    const path = namespaceOf(config, type)?.path;
    return path === undefined ? [] : [`${file}[${statSync(path).ino}]:${key}`];
  });
}

export interface ExternalStreams {
  /** What standard input, output and error are: `pipe:[N]`, `file[…]`, or a path. Kept beside the image for restore. */
  descriptors: string[];
  external: string[];
}

/** The standard streams. A pipe is known to criu by its number; a file of the host has to be named. */
function externalStreams(pid: number): ExternalStreams {
  const own = new Set(parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).map((m) => m.id));
  const external = new Set<string>();
  const descriptors = [0, 1, 2].map((fd) => {
    const file = `/proc/${pid}/fd/${fd}`;
    let link: string;
    try {
      link = readlinkSync(file);
    } catch {
      return '/dev/null'; // the command has closed it
    }
    if (!link.startsWith('/') || /^\/dev\/(pts\/|tty|console)/.test(link)) return link;
    const mount = Number(/^mnt_id:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1]);
    if (own.has(mount)) return link;
    const key = `file[${mount.toString(16)}:${statSync(file, { bigint: true }).ino.toString(16)}]`;
    external.add(key);
    return key;
  });
  return { descriptors, external: [...external] };
}

/**
 * Everything of the host that the container uses.
 * @param pid the container's first process
 */
export function externalsOf(config: Config, pid: number): ExternalStreams {
  const streams = externalStreams(pid);
  const mounts = namespaceOf(config, 'mount') ? externalMounts(config, pid) : [];
  return { descriptors: streams.descriptors, external: [...externalNamespaces(config), ...mounts, ...streams.external] };
}
