/**
 * Stopping all processes of a container at once, and letting them go on. Unlike SIGSTOP nothing in
 * the container can see it or undo it.
 * Sources: Linux, admin-guide/cgroup-v1/freezer-subsystem.rst; admin-guide/cgroup-v2.rst, cgroup.freeze.
 */
import { writeFileSync } from 'node:fs';
import type { CgroupPaths } from '../compile/cgroup-paths.ts';
import { processesOf, readQuietly, sleep } from './processes.ts';

/** A process in the middle of a system call that cannot be left yet delays the freeze. */
const PATIENCE_MS = 2000;

/** The freezer's files, wherever they are. */
function freezer(paths: CgroupPaths): { file: string; frozen: string; thawed: string; state: () => boolean } | undefined {
  const v1 = paths.v1.freezer;
  if (v1 !== undefined) {
    const file = `${v1}/freezer.state`;
    return { file, frozen: 'FROZEN', thawed: 'THAWED', state: () => readQuietly(file).trim() === 'FROZEN' };
  }
  if (paths.v2 === undefined) return undefined;
  return {
    file: `${paths.v2}/cgroup.freeze`,
    frozen: '1',
    thawed: '0',
    state: () => /^frozen 1$/m.test(readQuietly(`${paths.v2}/cgroup.events`)),
  };
}

/** True when the whole container stands still. */
export const isFrozen = (paths: CgroupPaths): boolean => freezer(paths)?.state() ?? false;

/**
 * Freezes the container (or, with `frozen` false, thaws it), and returns when it is so.
 * @throws Error when there is no freezer, when this process is in it, or when a process would not stop within two seconds (it is thawed again then)
 */
export function freeze(paths: CgroupPaths, frozen = true): void {
  const f = freezer(paths);
  if (!f) throw new Error('this container has no cgroup, so it cannot be paused; minirun doctor says what is missing');
  if (frozen && processesOf(paths).includes(process.pid))
    throw new Error(`not freezing a cgroup that holds minirun itself (pid ${process.pid}); the container's cgroupsPath is not its own`);
  writeFileSync(f.file, frozen ? f.frozen : f.thawed);
  const end = Date.now() + PATIENCE_MS;
  while (f.state() !== frozen) {
    if (Date.now() > end) {
      if (frozen) writeFileSync(f.file, f.thawed);
      throw new Error(
        `${frozen ? 'freezing' : 'thawing'} ${f.file.slice(0, f.file.lastIndexOf('/'))}: not done after ${PATIENCE_MS / 1000} seconds; usual cause: a process waits for a disk or a network file system`,
      );
    }
    sleep(1);
    // v1 forgets about processes that were born while it froze the others: saying it again finds them.
    if (frozen) writeFileSync(f.file, f.frozen);
  }
}

/** Lets the container go on. */
export const thaw = (paths: CgroupPaths): void => freeze(paths, false);
