/**
 * One command at a time changes a container: it holds a lock on the container's state folder. The
 * kernel takes the lock back when the command is killed, so there are no stale ones (flock(2)).
 * Who only looks needs none: state.json is replaced as a whole.
 */
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { call } from '../../libc/fd.ts';
import { must } from '../../libc/ffi.ts';
import { sleep } from '../cgroup/processes.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;
const EWOULDBLOCK = 11;
/** Longer than a `delete` may take, which waits for an init that is slow to die. */
const PATIENCE_MS = 15_000;
/** Time for a command that has nothing to wait for to come to its end. */
const GRACE_MS = 500;

export interface Lock {
  release(): void;
}

/** The folder that the descriptor stands for still has its name: it was not removed, and no other took its place. */
function inPlace(fd: number, folder: string): boolean {
  const mine = fstatSync(fd);
  const there = statSync(folder, { throwIfNoEntry: false });
  return there !== undefined && there.ino === mine.ino && there.dev === mine.dev;
}

/**
 * Takes the lock of a container's folder if nobody has it.
 * @returns `busy` when another command has it; `gone` when the folder is not there, or was removed (and perhaps made anew)
 */
export function tryLock(folder: string): Lock | 'busy' | 'gone' {
  let fd: number;
  try {
    fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'gone';
    throw error;
  }
  let locked = false;
  try {
    const result = call('flock', fd, LOCK_EX | LOCK_NB);
    if (result === -EWOULDBLOCK) return 'busy';
    must(`lock ${folder}`, result);
    if (!inPlace(fd, folder)) return 'gone';
    locked = true;
    return { release: () => closeSync(fd) };
  } finally {
    if (!locked) closeSync(fd);
  }
}

/**
 * Takes the lock, and waits up to 15 seconds for whoever has it.
 * @param whileBusy called again and again once half a second is over: what makes the other command give up
 */
export function lock(folder: string, whileBusy: () => void = () => {}): Lock | 'busy' | 'gone' {
  const begin = Date.now();
  for (let wait = 1; ; wait = Math.min(2 * wait, 20)) {
    const answer = tryLock(folder);
    const waited = Date.now() - begin;
    if (answer !== 'busy' || waited > PATIENCE_MS) return answer;
    if (waited > GRACE_MS) whileBusy();
    sleep(wait);
  }
}

/** The one sentence for `busy`. */
export const busyError = (id: string): Error =>
  new Error(`another command has been working on container ${id} for ${PATIENCE_MS / 1000} seconds; wait for it, or use delete --force`);
