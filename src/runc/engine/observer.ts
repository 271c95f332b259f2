/** What watches a program while it runs: the narrator of --explain, the prompt of --step. */
import type { Program, Step } from '../program/step.ts';
import type { HookCall } from './hook-call.ts';

export interface Outcome {
  /** The call's result, or -errno. */
  result: number;
  /** How long the call took, in nanoseconds; 0 where it was not measured. */
  ns: number;
  /** True when the failure is one that the step ignores. */
  ignored: boolean;
}

/** Where a step is about to run, as seen from the runtime. */
export interface Where {
  program: Program;
  index: number;
  step: Step;
  /** The process that makes the call, in the runtime's pid namespace; undefined before it exists. */
  pid: number | undefined;
}

export interface Observer {
  /** Before the call. The actor waits until this returns; throwing {@link Aborted} ends the start. */
  begin?(where: Where): void;
  /** After the call; the actor waits at its next step. */
  end?(where: Where, outcome: Outcome): void;
  /** A hook that is no step of a program has ended: one around `start`, or after the end. */
  hook?(hook: HookCall, ended: HookEnd): void;
}

export type { HookCall };

export interface HookEnd {
  /** How long it took, in nanoseconds. */
  ns: number;
  /** Why it counts as failed. */
  failure?: string;
}

/** The person at --step asked to stop. */
export class Aborted extends Error {
  constructor() {
    super('stopped at a step by the person watching');
    this.name = 'Aborted';
  }
}
