/** A step that failed, said so that a person can do something about it. */
import { errnoMeaning, errnoName } from '../../libc/errno.ts';
import type { Program, Step } from '../program/step.ts';

export class StepError extends Error {
  declare readonly program: Program;
  declare readonly step: Step;
  readonly index: number;
  /** errno by name; undefined when a check, not a call, failed. */
  readonly code: string | undefined;

  /**
   * @param errno 0 when a check failed; `because` then says what it means
   * @param said the words of a program that was run for the step
   */
  constructor(program: Program, index: number, errno: number, because?: string, said?: string) {
    const step = program.steps[index] as Step;
    const name = errno ? errnoName(errno) : undefined;
    const means = name === undefined ? undefined : step.means?.[name];
    const what = name ? `${errnoMeaning(name)} (${name})${means ? `: ${means}` : ''}` : (because ?? 'unexpected result');
    const helper = said ? ` It said: ${said}` : '';
    super(`step ${index + 1} of ${program.steps.length}, ${step.call.name} by ${step.actor} (${step.chapter}): ${what}${helper}`);
    this.name = 'StepError';
    // For explanations, not for printing with the stack.
    Object.defineProperty(this, 'program', { value: program, enumerable: false });
    Object.defineProperty(this, 'step', { value: step, enumerable: false });
    this.index = index;
    this.code = name;
  }
}
