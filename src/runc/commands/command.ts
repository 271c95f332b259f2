/** What main.ts gives to a subcommand, and what it gets back. */
import type { Observer } from '../engine/observer.ts';
import type { StepError } from '../engine/step-error.ts';
import type { Arguments, OptionSpecs } from './arguments.ts';

/** One call of the runtime, as the narration tells of it. */
export interface RuntimeCall {
  /** `create`, `delete`. */
  command: string;
  /** The container that it is about. */
  id: string;
}

/** The story of one call, where somebody asked for it. */
export interface Narration {
  observer: Observer;
  /** The call is over. @param failure what the log says of it */
  end(code: number, failure?: string): void;
}

/** The global options. */
export interface Context {
  /** Folder that holds the state of all containers. */
  root: string;
  systemdCgroup: boolean;
  /** Go on without cgroups that may not be made; undefined: where the caller is not the machine's root. */
  rootless: boolean | undefined;
  /** The criu program. */
  criu: string;
  /** Writes a warning to the log. */
  warn(sentence: string): void;
  /** Writes to the log what happens, with --debug. */
  say?: (sentence: string) => void;
  /** Tells of a failed step what was done with which values, the usual cause and what to do: one line. */
  explain(error: StepError): Promise<string>;
  /** Watches what is done, if --explain or MINIRUN_EXPLAIN asks for the story. */
  observer?: Observer;
}

export interface Command {
  /** After the name, in usage. */
  synopsis: string;
  /** More than the one line of summary. */
  description?: string;
  options: OptionSpecs;
  /** How many operands, at least and at most. */
  operands: readonly [least: number, most: number];
  /** Options end after this many operands. */
  stopAfter?: number;
  /** @returns the exit code */
  run(args: Arguments, context: Context): number | Promise<number>;
}
