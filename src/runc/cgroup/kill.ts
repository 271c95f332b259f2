/** Signals to everything in a container. */
import { existsSync, writeFileSync } from 'node:fs';
import type { CgroupPaths } from '../compile/cgroup-paths.ts';
import { processesIn, processesOf, sleep } from './processes.ts';

const SIGKILL = 9;
/** Rounds of looking for processes that were born while others were being killed. */
const ROUNDS = 50;

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

/** v1: nobody can fork while everybody is frozen. SIGKILL reaches the frozen ones as soon as they are thawed. */
function setFreezer(paths: CgroupPaths, state: 'FROZEN' | 'THAWED'): void {
  if (paths.v1.freezer === undefined) return;
  try {
    writeFileSync(`${paths.v1.freezer}/freezer.state`, state);
  } catch {
    // gone already, or not ours: the rounds below do it without
  }
}

function killOneByOne(paths: CgroupPaths): void {
  for (let round = 0; round < ROUNDS; round++) {
    let pids = others(processesOf(paths));
    if (!pids.length) return;
    setFreezer(paths, 'FROZEN');
    try {
      pids = others(processesOf(paths));
      send(pids, SIGKILL);
    } finally {
      setFreezer(paths, 'THAWED');
    }
    sleep(round < 5 ? 1 : 20);
  }
}

/**
 * Sends a signal to every process of the container. SIGKILL goes on until none is left (one that
 * hangs in the kernel excepted, after a second); v2 has a file that does it without a race.
 * @throws Error when this process is in the container's cgroup
 */
export function killAll(paths: CgroupPaths, signal: number): void {
  if (signal !== SIGKILL) {
    send(others(processesOf(paths)), signal);
    return;
  }
  const kill = paths.v2 === undefined ? undefined : `${paths.v2}/cgroup.kill`; // Linux 5.14
  if (kill !== undefined && others(processesIn(paths.v2 as string)).length && existsSync(kill)) {
    try {
      writeFileSync(kill, '1');
    } catch {
      // removed meanwhile, or not ours to kill: one by one
    }
  }
  killOneByOne(paths);
}
