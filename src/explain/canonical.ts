/**
 * A step in a form that two programs can be compared by: names of results carry a serial number
 * (`file.12`) that says nothing, so each is replaced by what it stands for, the call that made it
 * and the paths in it.
 */
import type { Arg, Program, Ref, Step } from '../runc/program/step.ts';

export interface Canonical {
  /** Equal for steps that do the same. */
  key: string;
  /** Equal for steps that act on the same thing, perhaps with other arguments. */
  identity: string;
}

/**
 * Which arguments say what a call acts on; for other calls it is every path and every descriptor.
 * An empty list: there is only one thing to act on.
 */
const IDENTIFYING: Record<string, readonly number[]> = {
  mount: [1],
  write: [0],
  sendto: [0],
  symlinkat: [1, 2],
  prctl: [0],
  prlimit: [1],
  unshare: [0],
  setns: [1],
  ioctl: [0, 1],
  clone: [],
  clone3: [],
  execve: [],
  run_hook: [0],
  capset: [],
  sethostname: [],
  setdomainname: [],
  chdir: [],
  posix_spawn: [0],
  keyctl: [0],
};

/** The canonical forms of a program's steps, in order. */
export function canonicalSteps(program: Program): Canonical[] {
  const origins = new Map<string, string>();
  const refText = (ref: Ref): string => `<${origins.get(ref.of) ?? ref.of}>`;
  const text = (arg: Arg): string => {
    switch (arg.kind) {
      case 'result':
        return refText(arg);
      case 'text':
        return JSON.stringify(arg.parts.map((part) => (typeof part === 'string' ? part : refText(part))).join(''));
      case 'int':
        return String(arg.value);
      case 'data':
        return arg.hex;
      case 'list':
        return JSON.stringify(arg.items);
      case 'struct':
        return `{${arg.fields.map((f) => `${f.name}=${text(f.value)}`).join(',')}}`;
      case 'buffer':
        return `[${arg.size}]`;
      case 'memory':
        return `<${arg.of}>+${arg.offset}`;
      case 'null':
        return 'NULL';
    }
  };
  const paths = (step: Step): string[] => step.call.args.filter((arg) => arg.kind === 'text' || arg.kind === 'result').map(text);
  const acted = (step: Step): string[] => {
    // Each capability that is dropped is a thing of its own.
    if (step.call.name === 'prctl' && text(step.call.args[0] as Arg) === String(PR_CAPBSET_DROP))
      return step.call.args.slice(0, 2).map(text);
    const places = IDENTIFYING[step.call.name];
    return places ? places.flatMap((place) => (step.call.args[place] ? [text(step.call.args[place])] : [])) : paths(step);
  };

  return program.steps.map((step) => {
    const head = `${step.actor} ${step.call.name}`;
    const canonical = { key: `${head}(${step.call.args.map(text).join(', ')})`, identity: `${head} ${acted(step).join(' ')}` };
    if (step.saves) origins.set(step.saves, `${step.call.name} ${paths(step).join(' ')}`.trim());
    return canonical;
  });
}

const PR_CAPBSET_DROP = 24;
