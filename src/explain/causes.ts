/** A start that failed, explained to the person who asked for it. */
import { errnoMeaning } from '../libc/errno.ts';
import { StepError } from '../runc/engine/step-error.ts';
import type { Arg, Program, Ref } from '../runc/program/step.ts';
import { causeOf } from './cause-table.ts';
import { showStep } from './decode.ts';
import { harmless } from './quote.ts';

/** Longest string in the call. */
const WIDTH = 60;

/**
 * What failed, the usual cause, and what to try: for a {@link StepError} with the step, its call
 * and the place in config.json that asks for it; for any other error its own message. Lines
 * without a newline at the end, not wrapped.
 */
export function explainFailure(error: Error): string {
  if (!(error instanceof StepError)) return error.message;
  const { program, index, step, code } = error;
  const call = showStep(program, index, { width: WIDTH });
  const head = `step ${index + 1} of ${program.steps.length}: ${call} by ${step.actor}`;
  if (code === undefined) return [`${head}: ${ownWords(error)}`, ...origins(program, index), source(error)].join('\n');
  const said = ownWords(error).split(' It said: ')[1];
  const row = causeOf(step, code);
  return [
    `${head}: ${code} (${errnoMeaning(code)})${step.means?.[code] ? `: ${step.means[code]}` : ''}.${said ? ` It said: ${harmless(said)}` : ''}`,
    ...origins(program, index),
    ...(row ? [`Usual cause: ${row.cause}`, `Try: ${row.remedy}`] : []),
    source(error),
  ].join('\n');
}

/** What StepError says behind the step's name: a failed check, a lost process, a helper's output. */
const ownWords = (error: StepError): string => error.message.replace(/^step \d+ of \d+, [^:]*: /, '');

/** Where the results that the call uses come from: `<proc.3> is step 28: openat2(<root>, "proc", …)`. */
function origins(program: Program, index: number): string[] {
  const names = new Set((program.steps[index]?.call.args ?? []).flatMap(refsIn).map((ref) => ref.of));
  return [...names].flatMap((name) => {
    const origin = program.steps.findLastIndex((step, i) => i < index && step.saves === name);
    return origin < 0 ? [] : [`There <${name}> is the result of step ${origin + 1}: ${showStep(program, origin, { width: WIDTH })}`];
  });
}

const refsIn = (arg: Arg): Ref[] => {
  if (arg.kind === 'result') return [arg];
  return arg.kind === 'text' ? arg.parts.filter((part) => typeof part !== 'string') : [];
};

function source({ step }: StepError): string {
  const asked = step.from === 'minirun' ? 'minirun makes this step by itself' : `Asked for by config ${step.from}`;
  return `${asked}; more in ${step.man}.`;
}
