/** Runs a program of the runtime's own steps alone: nothing is started, this process makes all calls. */
import { flatten, isHelperProgram } from '../program/flatten.ts';
import { load, perform, unexpected } from '../program/memory.ts';
import type { Program } from '../program/step.ts';
import { type Made, runHelper } from './helper.ts';
import type { Observer } from './observer.ts';
import { StepError } from './step-error.ts';

/**
 * Performs the steps in order.
 * @throws StepError at the first one that fails; those before it have been done
 */
export function performLocally(program: Program, observer?: Observer): void {
  const flat = flatten(program);
  const memory = load(flat);
  const saved = (name: string): number => memory.results[flat.slots.lastIndexOf(name)] ?? 0;
  program.steps.forEach((step, index) => {
    const numbers = flat.steps[index];
    if (step.actor !== 'runtime' || step.sync || !numbers)
      throw new Error(`step ${index + 1}, ${step.call.name}, is not one that the runtime makes alone`);
    const where = { program, index, step, pid: process.pid };
    observer?.begin?.(where);
    const started = process.hrtime.bigint();
    const { result, said }: Made = isHelperProgram(step) ? runHelper(step, saved) : { result: perform(numbers, memory) };
    const ns = Number(process.hrtime.bigint() - started);
    const ignored = result < 0 && numbers.ignore.includes(-result);
    observer?.end?.(where, { result, ns, ignored });
    if (result < 0 && !ignored) throw new StepError(program, index, -result, undefined, said);
    if (numbers.save >= 0) memory.results[numbers.save] = result;
    const wrong = result < 0 ? -1 : unexpected(numbers, memory);
    if (wrong >= 0) throw new StepError(program, index, 0, step.expect?.[wrong]?.otherwise);
  });
}
