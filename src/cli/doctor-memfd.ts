/** Tries what the native engine does at every start: executing a file that exists in memory only. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { closeFd, sealedExecutable } from '../libc/fd.ts';

/** minirun-init's exit code when it finds no program to perform. */
const NOTHING_TO_DO = 125;

/**
 * Executes minirun-init from a sealed memfd, without a program, so that it ends at once.
 * @param binary path of minirun-init; where it is not built, only making the memfd is tried
 * @returns undefined, or why it does not work
 */
export function memfdRuns(binary: string): string | undefined {
  const built = existsSync(binary);
  let fd: number | undefined;
  try {
    fd = sealedExecutable('doctor', built ? readFileSync(binary) : Buffer.from('#'));
    if (!built) return undefined;
    const done = spawnSync(`/proc/${process.pid}/fd/${fd}`, [], { stdio: 'ignore', timeout: 5000 });
    if (done.error) return done.error.message;
    return done.status === NOTHING_TO_DO ? undefined : `it ended with exit code ${done.status} instead of ${NOTHING_TO_DO}`;
  } catch (error) {
    return (error as Error).message;
  } finally {
    if (fd !== undefined) closeFd(fd);
  }
}
