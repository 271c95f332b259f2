/** What criu is told at a restore: where the host's things are that it knows by name. */
import { constants, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { CgroupPaths } from '../compile/cgroup-paths.ts';
import { isNew, namespaceOf } from '../compile/draft.ts';
import { isBind } from '../compile/mount-sources.ts';
import { NAMESPACE_FILE } from '../compile/namespaces.ts';
import type { Host } from '../host/facts.ts';
import { parseMountInfo } from '../host/mountinfo.ts';
import type { Config, Mount, NamespaceType } from '../spec/config.ts';
import { parseMountOptions } from '../spec/mount-options.ts';
import { SHARED_NAMESPACES } from './external.ts';
import type { CriuOptions } from './rpc.ts';

const mountKey = (name: string, source: string): string => `mnt[${name}]:${source}`;

/** A bind mount; of a recursive one also the mounts below its source, each by itself. */
function bindSources(bundle: string, m: Mount, hostMounts: () => string[]): string[] {
  const source = resolve(bundle, m.source ?? '');
  const keys = [mountKey(m.destination, source)];
  if (!m.options?.includes('rbind')) return keys;
  const below = hostMounts().filter((point) => point.startsWith(source === '/' ? '/' : `${source}/`));
  return [...keys, ...below.map((point) => mountKey(`${m.destination}${point.slice(source.length)}`, point))];
}

/** Without a cgroup namespace, the container's own folder in each tree, as compile/cgroup-mount.ts binds them. */
function cgroupSources(m: Mount, host: Host, own: CgroupPaths): string[] {
  const { mode, v1, v2 } = host.cgroup;
  if (mode === 'none') return [];
  if (mode === 'v2') return v2 === undefined ? [] : [mountKey(m.destination, own.v2 ?? v2)];
  const place = (where: string) => `${m.destination}/${where.slice(where.lastIndexOf('/') + 1)}`;
  const trees = new Map<string, string>();
  for (const [controller, where] of Object.entries(v1)) if (!trees.has(place(where))) trees.set(place(where), own.v1[controller] ?? where);
  if (v2 !== undefined && own.v2 !== undefined) trees.set(place(v2), own.v2);
  return [...trees].map(([name, source]) => mountKey(name, source));
}

/** Everything that a checkpoint of this config may have a name for; names that the image does not have do no harm. */
export function externalSources(config: Config, host: Host, bundle: string, own: CgroupPaths): string[] {
  let points: string[] | undefined;
  const hostMounts = (): string[] => {
    points ??= parseMountInfo(readFileSync('/proc/self/mountinfo', 'utf8')).map((m) => m.point);
    return points;
  };
  const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'].map((name) => `/dev/${name}`);
  for (const { path } of config.linux?.devices ?? []) devices.push(path);
  return [
    ...(config.mounts ?? []).flatMap((m) => {
      if (isBind(m, parseMountOptions(m.options ?? []))) return bindSources(bundle, m, hostMounts);
      return (m.type === 'cgroup' || m.type === 'cgroup2') && !isNew(config, 'cgroup') ? cgroupSources(m, host, own) : [];
    }),
    ...[...new Set(devices)].map((path) => mountKey(path, path)),
  ];
}

/** A number of the descriptor that criu gets → a descriptor of ours. */
export type CriuFds = Map<number, number>;

/**
 * Namespaces that the config names by path: criu gets network and pid namespaces as descriptors,
 * and joins the others itself. Descriptors are added to `fds`, from number 4 on, and to `open`, for the caller to close.
 * @throws Error for a namespace that is not there, or that criu cannot join
 */
export function sharedNamespaces(config: Config, fds: CriuFds, open: number[]): Pick<CriuOptions, 'inherit_fd' | 'join_ns'> {
  const inherit: NonNullable<CriuOptions['inherit_fd']> = [];
  for (const { type, key } of SHARED_NAMESPACES) {
    const path = namespaceOf(config, type)?.path;
    if (path === undefined) continue;
    const number = 4 + inherit.length;
    try {
      const fd = openSync(path, constants.O_RDONLY);
      open.push(fd);
      fds.set(number, fd);
    } catch (error) {
      throw new Error(
        `the ${type} namespace ${path} that config.json names does not exist (${(error as NodeJS.ErrnoException).code}); it must be there before a restore`,
      );
    }
    inherit.push({ key, fd: number });
  }
  const join: NonNullable<CriuOptions['join_ns']> = [];
  for (const { type, path } of config.linux?.namespaces ?? []) {
    if (!path || SHARED_NAMESPACES.some((shared) => shared.type === type)) continue;
    if (type === 'cgroup' || type === 'time')
      throw new Error(`criu cannot restore a container into a ${type} namespace that exists; leave the path of linux.namespaces out`);
    join.push({ ns: NAMESPACE_FILE[type as NamespaceType], ns_file: path });
  }
  return { inherit_fd: inherit, join_ns: join };
}

/**
 * Pipes and files of the host that were the standard streams: what this process has as the same
 * stream takes their place. A file is named without its first letter, which criu cuts from each
 * path: then it uses our descriptor as it is. By the whole name it would open the file anew, ask
 * for its old size, and go to its old place, which no pipe and no new log has.
 */
export function inheritedStreams(descriptors: readonly string[]): NonNullable<CriuOptions['inherit_fd']> {
  return descriptors.slice(0, 3).flatMap((key, fd) => {
    if (key.startsWith('file[')) return [{ key: key.slice(1), fd }];
    return key.startsWith('pipe:') ? [{ key, fd }] : [];
  });
}

/** Where the container's cgroups are now, for each hierarchy: what the image says is moved there. From /proc/PID/cgroup. */
export function cgroupRoots(text: string): NonNullable<CriuOptions['cg_root']> {
  return text
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => {
      const [, controllers = '', ...path] = line.split(':');
      return controllers.split(',').map((ctrl) => ({ ctrl, path: path.join(':') }));
    });
}
