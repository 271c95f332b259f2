/**
 * Runs a program: makes the runtime's own steps, and follows the other actors over the control
 * socket. Both engines use it; they differ in who makes the starter's and init's calls.
 */
import { readSync, writeSync } from 'node:fs';
import { type FlatProgram, type FlatStep, isHelperProgram, NOBODY } from '../program/flatten.ts';
import { type ProgramMemory, perform, prepare, unexpected } from '../program/memory.ts';
import type { Actor, Program, Step } from '../program/step.ts';
import { TOKENS } from '../program/tokens.ts';
import { type Made, runHelper } from './helper.ts';
import { type HookCall, hookCall } from './hook-call.ts';
import type { Observer, Where } from './observer.ts';
import { decodeRecord, RECORD_SIZE } from './records.ts';
import { StepError } from './step-error.ts';

export interface Conductor {
  program: Program;
  flat: FlatProgram;
  memory: ProgramMemory;
  /** The runtime's end of the control socket. */
  control: number;
  /** Actors whose calls this process makes itself. */
  local: ReadonlySet<Actor>;
  observer: Observer | undefined;
  /** The native starter's pid. */
  starter: number | undefined;
  /** Called for each of the runtime's sync steps, after it: the place to save state. */
  onSync?: ((token: string) => void) | undefined;
  /** The ffi engine's way to make a clone step. Returns the child's pid, or -errno. */
  clone?: ((step: FlatStep) => number) | undefined;
  /** Runs a hook; throws when it fails. */
  hook?: ((hook: HookCall) => void) | undefined;
}

const GO = Buffer.from('g');
const EACCES = 13;

/**
 * Follows the program to the end, that is until init has executed the command (or has ended), or
 * waits at its gate.
 * Returns init's pid.
 * @throws StepError when a step failed; Aborted when the observer asked to stop
 */
export function conduct(c: Conductor, onInit: (pid: number) => void): number {
  const { program, flat, memory } = c;
  const record = Buffer.alloc(RECORD_SIZE);
  const signalled = new Set<string>();
  const finished = new Set<number>();
  let init: number | undefined;
  let released = false;
  const startSignalled = program.steps.some((s) => s.sync?.kind === 'signal' && s.sync.token === TOKENS.start);
  let denied = false;

  const where = (index: number): Where => {
    const step = program.steps[index] as Step;
    const pid = step.actor === 'init' ? init : c.local.has(step.actor) ? process.pid : c.starter;
    return { program, index, step, pid };
  };

  const saveResult = (index: number, result: number) => {
    const step = flat.steps[index] as FlatStep;
    if (step.save >= 0) memory.results[step.save] = result;
    if (step.op === 'clone' && step.becomes !== NOBODY) {
      init = result;
      onInit(result);
    }
  };

  /** Gives permission. When the other end is gone, what it said last explains why. */
  const goOn = (): void => {
    try {
      writeSync(c.control, GO);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
      while (pump());
      throw new StepError(
        program,
        program.steps.findLastIndex((s) => s.actor === 'init'),
        0,
        lostContact('the command'),
      );
    }
  };

  /** A watched start is told in the program's order: what other actors have to do before a step comes before it. */
  const catchUp = (index: number): void => {
    const behind = () => program.steps.some((s, i) => i < index && !c.local.has(s.actor) && !finished.has(i));
    while (behind()) if (!pump()) throw new StepError(program, index, 0, lostContact(`step ${index + 1}`));
  };

  /**
   * Init may say what failed before the starter has said that init exists. Whoever clears away must
   * know of it: a child that nobody waits for keeps its pid namespace, and all of the container, from ending.
   */
  const learnInit = (): void => {
    try {
      while (init === undefined && pump());
    } catch {
      // A second failure explains nothing more than the first.
    }
  };

  /** Handles one message of the other actors. Returns false at end of file. */
  const pump = (): boolean => {
    const n = readRetrying(c.control, record);
    if (n === 0) return false;
    const r = decodeRecord(record);
    const step = program.steps[r.step] as Step;
    switch (r.kind) {
      case 'begin':
        c.observer?.begin?.(where(r.step));
        goOn();
        break;
      case 'signal':
        signalled.add(step.sync?.token ?? '');
        break;
      case 'end':
        finished.add(r.step);
        denied ||= step.call.name === 'execve' && r.result === -EACCES;
        saveResult(r.step, r.result);
        c.observer?.end?.(where(r.step), { result: r.result, ns: r.ns, ignored: r.result < 0 });
        break;
      case 'fail':
        c.observer?.end?.(where(r.step), { result: r.result, ns: r.ns, ignored: false });
        learnInit();
        // As execvp(3): a candidate that was there but not executable explains more than a last one that is missing.
        throw new StepError(program, r.step, denied && step.call.name === 'execve' ? EACCES : -r.result);
      case 'unexpected':
        learnInit();
        throw new StepError(program, r.step, 0, step.expect?.[r.result]?.otherwise);
    }
    return true;
  };

  for (let index = 0; index < program.steps.length; index++) {
    const step = program.steps[index] as Step;
    if (!c.local.has(step.actor)) continue;
    if (c.observer) catchUp(index);
    c.observer?.begin?.(where(index));
    const started = process.hrtime.bigint();
    let made: Made = { result: 0 };
    if (step.sync?.kind === 'wait') {
      while (!signalled.has(step.sync.token)) {
        if (!pump()) throw new StepError(program, index, 0, lostContact(step.sync.token));
      }
    } else if (step.sync?.kind === 'signal') {
      const { token } = step.sync;
      const waiting = program.steps.find((w) => w.sync?.kind === 'wait' && w.sync.token === token);
      if (waiting && c.local.has(waiting.actor)) signalled.add(token);
      else goOn();
      released = token === TOKENS.start;
    } else {
      made = makeCall(c, index);
    }
    const { result } = made;
    if (step.sync) c.onSync?.(step.sync.token);
    const ns = Number(process.hrtime.bigint() - started);
    const ignored = result < 0 && (flat.steps[index] as FlatStep).ignore.includes(-result);
    c.observer?.end?.(where(index), { result, ns, ignored });
    if (result < 0 && !ignored) throw new StepError(program, index, -result, undefined, made.said);
    saveResult(index, result);
    const wrong = result < 0 ? -1 : unexpected(flat.steps[index] as FlatStep, memory);
    if (wrong >= 0) throw new StepError(program, index, 0, step.expect?.[wrong]?.otherwise);
  }
  // A gated init goes on when `start` says so, long after this process has left.
  if (!program.gated) while (pump());
  if (init === undefined || (startSignalled && !released))
    throw new StepError(program, program.steps.length - 1, 0, lostContact('the command'));
  if (!program.gated) narrateExec(c, finished, where);
  return init;
}

/** The control socket closes at the execve that succeeds, so nobody can report that one: we do. */
function narrateExec(c: Conductor, finished: Set<number>, where: (index: number) => Where): void {
  const index = c.program.steps.findIndex((s, i) => s.call.name === 'execve' && !finished.has(i));
  if (index >= 0) c.observer?.end?.(where(index), { result: 0, ns: 0, ignored: false });
}

const lostContact = (token: string): string =>
  `The process ended before it reached "${token}" without saying why: it was killed (by the kernel for memory, or by a person).`;

function makeCall(c: Conductor, index: number): Made {
  const step = c.program.steps[index] as Step;
  const flat = c.flat.steps[index] as FlatStep;
  if (flat.op === 'clone' && c.clone) {
    prepare(flat, c.memory);
    return { result: c.clone(flat) };
  }
  if (isHelperProgram(step)) {
    const result = (name: string): number => c.memory.results[c.flat.slots.lastIndexOf(name)] ?? 0;
    if (step.call.name !== 'run_hook') return runHelper(step, result);
    if (!c.hook) throw new Error(`${step.from}: nobody is here to run hooks`);
    c.hook(hookCall(step, result));
    return { result: 0 };
  }
  return { result: perform(flat, c.memory) };
}

function readRetrying(fd: number, into: Buffer): number {
  for (;;) {
    try {
      return readSync(fd, into);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      // The peer ended with messages of ours unread: said once, before what it had still sent can be read.
      if (code !== 'ECONNRESET' && code !== 'EINTR') throw error;
    }
  }
}
