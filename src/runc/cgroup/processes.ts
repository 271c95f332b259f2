/** Who is in a container's cgroups. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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

/**
 * Why a new container cannot have these cgroups: somebody is in them. Undefined when they are free.
 * To be asked before anything is made, because ending a container kills what is in its cgroups.
 */
export function cgroupsTaken(paths: CgroupPaths): string | undefined {
  for (const folder of foldersOf(paths)) {
    const pids = processesIn(folder);
    if (pids.length)
      return `the cgroup ${folder} already holds ${pids.length === 1 ? `process ${pids[0]}` : `${pids.length} processes (${pids.slice(0, 3).join(', ')}${pids.length > 3 ? ', …' : ''})`}; give the container a cgroupsPath of its own, or remove the container that has it`;
  }
  return undefined;
}
