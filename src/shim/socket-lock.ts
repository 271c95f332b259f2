/**
 * The lock on the folder of sockets: who makes or removes a socket there has it. It is held for a
 * moment only, never while something is waited for; the kernel takes it back from a killed process.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { call } from '../libc/fd.ts';
import { must } from '../libc/ffi.ts';

const LOCK_EX = 2;

export function withSocketLock<T>(folder: string, act: () => T): T {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    must(`lock ${folder}`, call('flock', fd, LOCK_EX));
    return act();
  } finally {
    closeSync(fd);
  }
}
