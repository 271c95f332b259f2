/** A hook of the config, with what is known only while the container is made filled in. */
import type { Arg, Step } from '../program/step.ts';

export interface HookCall {
  /** The hook's place in config.json: `#/hooks/prestart/0`. */
  from: string;
  path: string;
  /** argv, the program's own name first. */
  args: string[];
  /** Undefined: the runtime's own. */
  env: string[] | undefined;
  /** Seconds; 0 for no limit. */
  timeout: number;
  /** The container's state as JSON: the hook's standard input. */
  state: string;
  /** The hook runs in the namespaces of this process; undefined: in the runtime's. */
  inside: number | undefined;
  /** Its working directory, where that is not the runtime's. */
  cwd?: string | undefined;
}

const strings = (arg: Arg | undefined): string[] => (arg?.kind === 'list' ? arg.items : []);

/** @param result the value that an earlier step saved under a name */
export function hookCall(step: Step, result: (name: string) => number): HookCall {
  const [path, args, env, timeout, state, inside, cwd] = step.call.args;
  const textOf = (arg: Arg | undefined): string =>
    arg?.kind === 'text' ? arg.parts.map((p) => (typeof p === 'string' ? p : String(result(p.of)))).join('') : '';
  return {
    from: step.from,
    path: textOf(path),
    args: strings(args),
    env: env?.kind === 'list' ? env.items : undefined,
    timeout: timeout?.kind === 'int' ? Number(timeout.value) : 0,
    state: textOf(state),
    inside: inside?.kind === 'result' ? result(inside.of) : undefined,
    cwd: cwd?.kind === 'text' ? textOf(cwd) : undefined,
  };
}
