/**
 * The native engine: minirun-init, a static binary of a few kilobytes in a sealed memfd, makes
 * the starter's and init's calls. Being single-threaded it can make and join any namespace.
 */
import { existsSync, readFileSync } from 'node:fs';
import { closeFd, memoryFile, sealedExecutable, socketPair } from '../../libc/fd.ts';
import { signal, waitBlocking } from '../../libc/process.ts';
import { spawn } from '../../libc/spawn.ts';
import { descriptors } from '../program/descriptors.ts';
import { ACTORS, flatten } from '../program/flatten.ts';
import { load } from '../program/memory.ts';
import { serialise } from '../program/serialise.ts';
import type { Step } from '../program/step.ts';
import { conduct } from './conduct.ts';
import { initBinaryPath } from './installed.ts';
import type { Engine } from './launch.ts';

const SIGKILL = 9;

/** True when minirun-init has been built. */
export const nativeAvailable = (): boolean => existsSync(initBinaryPath());

let binary: Buffer | undefined;

export const startNative: Engine = (launch) => {
  const { program, observer } = launch;
  const flat = flatten(program);
  const numbers = descriptors(program.preserveFds);
  const indexes = (has: (s: Step) => boolean | undefined) => new Set(program.steps.flatMap((s, i) => (has(s) ? [i] : [])));
  binary ??= readFileSync(initBinaryPath());
  const image = serialise(
    flat,
    observer ? 'lockstep' : 'quiet',
    ACTORS.indexOf('starter'),
    indexes((s) => s.mutes),
    indexes((s) => s.unattended),
  );
  const open: number[] = [];
  let starter: number | undefined;
  let init: number | undefined;
  try {
    const executable = sealedExecutable('minirun-init', binary);
    open.push(executable);
    const programFile = memoryFile('program', image);
    open.push(programFile);
    const [ours, theirs] = socketPair('seqpacket');
    open.push(ours);
    try {
      starter = spawn({
        path: `/proc/self/fd/${executable}`,
        argv: ['minirun-init', String(numbers.control)],
        env: [],
        fds: new Map([...launch.fds, [numbers.control, theirs], [numbers.program, programFile]]),
      });
    } finally {
      closeFd(theirs);
    }
    const conductor = {
      program,
      flat,
      memory: load(flat),
      control: ours,
      local: new Set(['runtime'] as const),
      observer,
      starter,
      onSync: launch.onSync,
      hook: launch.hook,
    };
    return conduct(conductor, (pid) => {
      init = pid;
      launch.onInit?.(pid);
    });
  } catch (error) {
    if (init !== undefined) {
      signal(init, SIGKILL);
      waitBlocking(init);
    } else if (starter !== undefined) signal(starter, SIGKILL);
    throw error;
  } finally {
    for (const fd of open) closeFd(fd);
    if (starter !== undefined) waitBlocking(starter);
  }
};
