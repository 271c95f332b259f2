/** A program, and a running program, for other programs to read. */
import { errnoName } from '../libc/errno.ts';
import type { Observer } from '../runc/engine/observer.ts';
import { encodeProgram } from '../runc/program/json.ts';
import type { Program } from '../runc/program/step.ts';
import { type Change, showChange } from './changes.ts';
import { showStep } from './decode.ts';
import { watchChanges } from './watch.ts';

/** One line of `--explain=json`. */
export interface StepRecord {
  /** From 1, of `total`. */
  step: number;
  total: number;
  actor: string;
  chapter: string;
  /** The call as strace would write it, with the results of earlier steps as numbers. */
  call: string;
  /** The call's result; -1 when it failed. */
  result: number;
  /** errno by name; only when the call failed. */
  errno?: string;
  /** The failure is one that the step expects. */
  ignored?: true;
  /** Nanoseconds; 0 where it was not measured. */
  ns: number;
  why: string;
  changed: (Change & { text: string })[];
  man: string;
  from: string;
  minor?: true;
}

/** The program as indented JSON: `explain --format json`. Numbers beyond 2^53 are strings, "0x…". */
export const renderJson = (program: Program): string => `${encodeProgram(program, 2)}\n`;

/** An observer that writes one JSON line ({@link StepRecord}) for each step, after it. */
export function jsonNarrator(options: { write: (text: string) => void }): Observer {
  const watch = watchChanges();
  return {
    begin: (where) => watch.begin(where),
    end(where, outcome) {
      const { program, step, index } = where;
      const call = showStep(program, index, { value: watch.value });
      const changed = watch.end(where, outcome).map((change) => ({ ...change, text: showChange(change) }));
      const record: StepRecord = {
        step: index + 1,
        total: program.steps.length,
        actor: step.actor,
        chapter: step.chapter,
        call,
        result: outcome.result < 0 ? -1 : outcome.result,
        ...(outcome.result < 0 ? { errno: errnoName(-outcome.result) } : {}),
        ...(outcome.ignored ? { ignored: true } : {}),
        ns: outcome.ns,
        why: step.why,
        changed,
        man: step.man,
        from: step.from,
        ...(step.minor ? { minor: true } : {}),
      };
      options.write(`${JSON.stringify(record)}\n`);
    },
  };
}
