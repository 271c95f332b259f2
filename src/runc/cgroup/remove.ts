/** Removing a container's cgroups. */
import { existsSync, rmdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { CgroupPaths } from '../compile/cgroup-paths.ts';
import type { Unit } from '../compile/systemd-unit.ts';
import { killAll } from './kill.ts';
import { foldersOf, processesIn, sleep, subtree } from './processes.ts';

/** A killed process leaves its cgroup when the kernel has torn it down, which takes longer the more memory it had. */
const PATIENCE_MS = 2000;
const SIGKILL = 9;

/** True when it is gone. */
function removed(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** rmdir refuses a folder with folders in it, and the container may have made some. The files go by themselves. */
const removedTree = (folder: string): boolean => removed(folder) || (subtree(folder).map(removed).at(-1) ?? true);

function killV2(folder: string): void {
  if (processesIn(folder).includes(process.pid)) return;
  try {
    writeFileSync(`${folder}/cgroup.kill`, '1');
  } catch {
    // before Linux 5.14, or gone
  }
}

/** systemd takes its own away when it has stopped the unit. A unit that it has forgotten already is as good. */
function stopUnit({ name, user, systemctl }: Unit): void {
  const { spawnSync } = createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');
  spawnSync(systemctl, [...(user ? ['--user'] : []), '--quiet', 'stop', '--', name], { stdio: 'ignore', timeout: 30_000 });
}

/**
 * Removes the container's cgroups, deepest folder first, and waits up to two seconds for processes
 * that are still ending. The folders above, which containers share, stay.
 * @param options.kill also kill what is still in v1 folders; in v2 it is killed in any case
 * @returns the folders that could not be removed, because somebody is still in them
 */
export function removeCgroups(paths: CgroupPaths, options: { kill?: boolean } = {}): string[] {
  if (paths.unit && foldersOf(paths).some((folder) => existsSync(folder))) stopUnit(paths.unit);
  let left = foldersOf(paths).filter((folder) => !removedTree(folder));
  // Others go on in them.
  if (!left.length || paths.shared) return [];
  if (paths.v2 !== undefined && left.includes(paths.v2)) killV2(paths.v2);
  if (options.kill) killAll(paths, SIGKILL);
  const end = Date.now() + PATIENCE_MS;
  for (let wait = 1; left.length && Date.now() < end; wait = Math.min(2 * wait, 50)) {
    sleep(wait);
    left = left.filter((folder) => !removedTree(folder));
  }
  return left;
}
