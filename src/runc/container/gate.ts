/**
 * The gate between create and start: a listening socket in the container's state folder. Init
 * waits at its other end (compile/command.ts); who connects says start, and then hears on the
 * connection what goes wrong until the command has been executed.
 */
import { readlinkSync, readSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { SyscallError } from '../../libc/errno.ts';
import { closeFd } from '../../libc/fd.ts';
import { connectTo, listenAt } from '../../libc/unix-socket.ts';
import type { Observer, Outcome } from '../engine/observer.ts';
import { decodeRecord, RECORD_SIZE } from '../engine/records.ts';
import { StepError } from '../engine/step-error.ts';
import type { Program, Step } from '../program/step.ts';

export const gatePath = (folder: string): string => join(folder, 'gate');

/** Makes the gate of a new container. Returns the descriptor that init gets; the caller closes its own copy. */
export const makeGate = (folder: string): number => listenAt(gatePath(folder), 'seqpacket');

/** True while init waits: the gate is there, and init is still the program that makes containers. */
export function waitsAtGate(folder: string, pid: number): boolean {
  try {
    readlinkSync(gatePath(folder)); // EINVAL: it is there
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') return false;
  }
  try {
    return !isCommand(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return true; // not ours to look at: the gate alone must tell
  }
}

/** Whoever said start may have been killed before it took the gate away. */
const isCommand = (exe: string): boolean => !exe.startsWith('/memfd:minirun-init');

/** The gate is closed: somebody else has started the container, or it has ended. */
export class NotWaiting extends Error {}

/**
 * Says start, and waits until the command has been executed.
 * @param program gives the program that init performs; asked for only when something is to be told
 * @throws NotWaiting; StepError when a step after the gate failed
 */
export function passGate(folder: string, pid: number, program: () => Program, observer?: Observer): void {
  let connection: number;
  try {
    connection = connectTo(gatePath(folder), 'seqpacket');
  } catch (error) {
    if (error instanceof SyscallError && ['ENOENT', 'ECONNREFUSED'].includes(error.code)) throw new NotWaiting();
    throw error;
  }
  try {
    listen(connection, pid, program, observer);
  } finally {
    closeFd(connection);
  }
  try {
    unlinkSync(gatePath(folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function listen(connection: number, pid: number, program: () => Program, observer: Observer | undefined): void {
  const bytes = Buffer.alloc(RECORD_SIZE);
  let started = false;
  let denied = false;
  let last = -1;
  const tell = (index: number, outcome: Outcome) => {
    if (!observer) return;
    const where = { program: program(), index, step: program().steps[index] as Step, pid };
    observer.begin?.(where);
    observer.end?.(where, outcome);
  };
  for (;;) {
    if (!receive(connection, bytes)) break;
    const record = decodeRecord(bytes);
    const { result, ns } = record;
    last = record.step;
    if (record.kind === 'signal') started = true;
    if (record.kind === 'end') {
      tell(record.step, { result, ns, ignored: result < 0 });
      denied ||= result === -EACCES;
    }
    if (record.kind === 'fail' || record.kind === 'unexpected') {
      const failed = program();
      const step = failed.steps[record.step] as Step;
      tell(record.step, { result, ns, ignored: false });
      if (record.kind === 'unexpected') throw new StepError(failed, record.step, 0, step.expect?.[result]?.otherwise);
      throw new StepError(failed, record.step, denied && step.call.name === 'execve' ? EACCES : -result);
    }
  }
  if (!started) throw new NotWaiting();
  if (!observer) return;
  const exec = program().steps.findIndex((s, i) => i > last && s.call.name === 'execve');
  if (exec >= 0) tell(exec, { result: 0, ns: 0, ignored: false });
}

const EACCES = 13;

/** One record; false at the end. An init that was killed resets the connection. */
function receive(connection: number, into: Buffer): boolean {
  for (;;) {
    try {
      return readSync(connection, into) > 0;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ECONNRESET') return false;
      if (code !== 'EINTR') throw error;
    }
  }
}
