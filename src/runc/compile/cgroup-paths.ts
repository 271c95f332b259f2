/** Where a container's cgroups are: one folder in each v1 hierarchy, and one in the v2 tree. */
import { posix } from 'node:path';
import { inHierarchy, relativeBase } from '../host/cgroup-facts.ts';
import type { Host } from '../host/facts.ts';
import type { Config } from '../spec/config.ts';
import { controllerHomes } from './cgroup-needs.ts';
import { systemdPlaces, type Unit } from './systemd-unit.ts';

/** Absolute folders. Controllers that are mounted together share one. Empty when no cgroup is made. */
export interface CgroupPaths {
  v1: Record<string, string>;
  v2?: string;
  /** systemd's unit that they belong to, where systemd made them. */
  unit?: Unit;
  /** Others were in them before the container: ending it must not end them. */
  shared?: boolean;
}

export const NO_CGROUPS: CgroupPaths = { v1: {} };

/** `config.linux.cgroupsPath`, or where minirun puts containers that ask for nothing. */
function wanted(config: Config, host: Host, id: string): string {
  const given = config.linux?.cgroupsPath;
  if (given) return given;
  // An ordinary user owns nothing at the top of the tree, but may own the folder above its own cgroup.
  return isRootless(host) ? `minirun/${id}` : `/minirun/${id}`;
}

/** Not the machine's root: an ordinary user, or root of a user namespace only. */
export const isRootless = (host: Pick<Host, 'uid' | 'inUserNamespace'>): boolean => host.uid !== 0 || host.inUserNamespace === true;

/**
 * The folders of the container's cgroups.
 *
 * An absolute cgroupsPath starts at the root of each hierarchy; a relative one at our own cgroup
 * (v1) or at the folder above it (v2), as runc reads it. `..` cannot lead out of a hierarchy.
 * On a hybrid machine there is a v2 folder where the config names its cgroups, or something asks
 * for what is only there; else it is left out, because joining it costs milliseconds and the v1
 * folders already hold all that is needed.
 * @param id of the container; the annotation `minirun.id` where it is left out
 */
export function cgroupPaths(config: Config, host: Host, id = config.annotations?.['minirun.id'] ?? 'container'): CgroupPaths {
  const { writable, unwritable = [] } = host.cgroup;
  // systemd may do what we may not.
  if (host.cgroup.systemd) return cgroupPlaces(config, host, id);
  if (!writable) return NO_CGROUPS;
  const places = cgroupPlaces(config, host, id);
  const v1 = Object.fromEntries(Object.entries(places.v1).filter(([controller]) => !unwritable.includes(controller)));
  return { ...places, v1, ...(unwritable.includes('') ? { v2: undefined } : {}) };
}

/** The folders as the config asks for them, whether this user may make them or not. */
export function cgroupPlaces(config: Config, host: Host, id = config.annotations?.['minirun.id'] ?? 'container'): CgroupPaths {
  const { cgroup } = host;
  if (cgroup.mode === 'none') return NO_CGROUPS;
  if (cgroup.systemd) return systemdPlaces(config, host, id) ?? NO_CGROUPS;
  const path = wanted(config, host, id);
  const inside = posix.join('/', path);
  const folder = (point: string, own: string, version: 1 | 2): string =>
    inHierarchy(point, posix.isAbsolute(path) ? inside : posix.join('/', relativeBase(own, version), inside));
  const v1: Record<string, string> = {};
  for (const [controller, point] of Object.entries(cgroup.v1)) v1[controller] = folder(point, cgroup.own[controller] ?? '/', 1);
  const needsV2 = cgroup.mode === 'v2' || config.linux?.cgroupsPath || [...controllerHomes(config, host).values()].includes('v2');
  if (cgroup.v2 === undefined || !needsV2) return { v1 };
  return { v1, v2: folder(cgroup.v2, cgroup.own[''] ?? '/', 2) };
}

/** The folders from just below `point` down to `folder`, `folder` included. */
export function chain(point: string, folder: string): string[] {
  const names = posix.relative(point, folder).split('/').filter(Boolean);
  return names.map((_, i) => posix.join(point, ...names.slice(0, i + 1)));
}

/** The v1 folders, each once, with the controllers that it stands for. */
export function v1Folders(paths: CgroupPaths): Map<string, string[]> {
  const folders = new Map<string, string[]>();
  for (const [controller, folder] of Object.entries(paths.v1)) folders.set(folder, [...(folders.get(folder) ?? []), controller]);
  return folders;
}

export const hasCgroups = (paths: CgroupPaths): boolean => paths.v2 !== undefined || Object.keys(paths.v1).length > 0;
