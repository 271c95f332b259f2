/** Signals to everything in a container. */
import { existsSync, writeFileSync } from 'node:fs';
import type { CgroupPaths } from '../compile/cgroup-paths.ts';
import { isFrozen } from './freezer.ts';
import { containerProcesses, processesIn, processesOf, sleep } from './processes.ts';

const SIGKILL = 9;
/** How long killing goes on while processes are being born: longer than any that can be ended takes to end. */
const PATIENCE_MS = 2000;
/** How long a freeze may take before it is gone on without: a process that waits for a disk cannot be frozen. */
const FREEZE_MS = 100;

/** Whoever asks for it, this process does not end itself (a container was given the cgroup that we are in). */
function others(pids: number[]): number[] {
  if (pids.includes(process.pid))
    throw new Error(
      `not sending a signal to a cgroup that holds minirun itself (pid ${process.pid}); the container's cgroupsPath is not its own`,
    );
  return pids;
}

function send(pids: number[], signal: number): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // ended by itself meanwhile
    }
  }
}

/** Writes without asking whether it can be done. */
function tell(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch {
    // gone already, or not ours: what follows does it without
  }
}

/**
 * Acts while nobody in the container can fork. A list of processes that is read while they run is
 * out of date at once, and a fork bomb is always ahead of it.
 */
function whileFrozen(paths: CgroupPaths, act: () => void): void {
  const v1 = paths.v1.freezer;
  const [file, frozen, thawed] = v1 !== undefined ? [`${v1}/freezer.state`, 'FROZEN', 'THAWED'] : [`${paths.v2}/cgroup.freeze`, '1', '0'];
  const there = v1 !== undefined || paths.v2 !== undefined;
  try {
    if (there) tell(file, frozen);
    for (const end = Date.now() + FREEZE_MS; there && !isFrozen(paths) && Date.now() < end; ) {
      sleep(1);
      tell(file, frozen); // v1 forgets those that were born while it froze the others
    }
    act();
  } finally {
    if (there) tell(file, thawed);
  }
}

function killOneByOne(list: () => number[], paths: CgroupPaths): void {
  const end = Date.now() + PATIENCE_MS;
  for (let wait = 1; others(list()).length && Date.now() < end; wait = Math.min(2 * wait, 20)) {
    // SIGKILL reaches those that are frozen as soon as they are thawed.
    whileFrozen(paths, () => send(others(list()), SIGKILL));
    sleep(wait);
  }
}

/**
 * Sends a signal to every process of the container. SIGKILL goes on until none is left (one that
 * hangs in the kernel excepted, after two seconds); v2 has a file that does it without a race. A
 * container that is paused stays so, except for SIGKILL.
 * @param init its first process: all there is to go by where it has no cgroups
 * @throws Error when this process is in the container's cgroup
 */
export function killAll(paths: CgroupPaths, signal: number, init = 0): void {
  const list = () => containerProcesses(paths, init);
  if (signal !== SIGKILL) {
    const all = () => send(others(list()), signal);
    if (!list().length) return;
    if (isFrozen(paths)) all();
    else whileFrozen(paths, all);
    return;
  }
  const kill = paths.v2 === undefined || paths.shared ? undefined : `${paths.v2}/cgroup.kill`; // Linux 5.14
  if (kill !== undefined && others(processesIn(paths.v2 as string)).length && existsSync(kill)) tell(kill, '1');
  killOneByOne(list, paths);
}

/**
 * Lets a paused container's processes go, so that a SIGKILL that was sent to one of them can reach
 * it. Only v1 needs it: version 2 kills what is frozen.
 */
export function thawForKill(paths: CgroupPaths): void {
  if (paths.v1.freezer !== undefined && processesOf(paths).length) tell(`${paths.v1.freezer}/freezer.state`, 'THAWED');
}
