/** Who is in a container's cgroups. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CgroupPaths } from '../compile/cgroup-paths.ts';

/** The text of a cgroup file; '' when the folder is gone or the process in question is. */
export function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Blocks this thread. */
export const sleep = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};

/** The folders below `folder`, deepest first, itself last. Empty when it is gone. */
export function subtree(folder: string): string[] {
  let entries: string[];
  try {
    entries = readdirSync(folder, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? [e.name] : []));
  } catch {
    return [];
  }
  return [...entries.flatMap((name) => subtree(join(folder, name))), folder];
}

/** All folders of a container, each once. */
export const foldersOf = (paths: CgroupPaths): string[] => [
  ...new Set([...Object.values(paths.v1), ...(paths.v2 === undefined ? [] : [paths.v2])]),
];

/** The pids in a folder and in those below it, as numbers of our own pid namespace. */
export function processesIn(folder: string): number[] {
  // The usual answer before a start, without the cost of an exception.
  if (!existsSync(folder)) return [];
  const pids = subtree(folder).flatMap((path) => readQuietly(`${path}/cgroup.procs`).split('\n'));
  return [...new Set(pids.filter(Boolean).map(Number))].filter((pid) => pid > 0);
}

/**
 * The pids of a container's processes, those in cgroups that it made itself included. All its
 * hierarchies hold the same processes; the first one is what init joins first.
 */
export function processesOf(paths: CgroupPaths): number[] {
  const folder = foldersOf(paths)[0];
  return folder === undefined ? [] : processesIn(folder);
}

const pidNamespace = (pid: number | string): string => {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return '';
  }
};

/**
 * The pids of a container's processes. Without cgroups of its own (an ordinary user to whom none were handed)
 * those in its pid namespace; without one of those either, its first process.
 * @param init the container's first process, 0 when it has ended
 */
export function containerProcesses(paths: CgroupPaths, init: number): number[] {
  if (!paths.shared && foldersOf(paths).length) return processesOf(paths);
  const its = init ? pidNamespace(init) : '';
  if (its === '') return [];
  if (its === pidNamespace('self')) return [init];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && pidNamespace(name) === its)
    .map(Number);
}

/** The folder itself, or the deepest one above it that exists. */
function existing(folder: string): string {
  let at = folder;
  while (at !== '/' && !existsSync(at)) at = dirname(at);
  return at;
}

/** True when what joins the folder stands still at once: it, or one above it, is frozen. */
function bornFrozen(paths: CgroupPaths): boolean {
  const { freezer } = paths.v1;
  if (freezer !== undefined) return /^FR/.test(readQuietly(`${existing(freezer)}/freezer.state`));
  return paths.v2 !== undefined && /^frozen 1$/m.test(readQuietly(`${existing(paths.v2)}/cgroup.events`));
}

/**
 * Who else is in the cgroups that a new container is to have. To be asked before anything is made, because
 * ending a container kills what is in its own cgroups. Undefined when they are free.
 */
export function cgroupsShared(paths: CgroupPaths): string | undefined {
  for (const folder of foldersOf(paths)) {
    const pids = processesIn(folder);
    if (pids.length)
      return `container's cgroup is not empty: ${pids.length} process(es) found (${pids.slice(0, 3).join(', ')}${pids.length > 3 ? ', …' : ''} in ${folder}); give the container a cgroupsPath of its own, or remove the container that has it`;
  }
  return undefined;
}

/** Why nothing can start in these cgroups: what enters them stands still. */
export function cgroupsFrozen(paths: CgroupPaths): string | undefined {
  if (bornFrozen(paths))
    return `container's cgroup unexpectedly frozen: ${paths.v1.freezer ?? paths.v2} or a folder above it stands still, and so would the container; thaw it, or give the container another cgroupsPath`;
  return undefined;
}

/** Why a container cannot have these cgroups for its own, or undefined. */
export const cgroupsTaken = (paths: CgroupPaths): string | undefined => cgroupsShared(paths) ?? cgroupsFrozen(paths);
