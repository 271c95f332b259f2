/** What main.ts gives to a subcommand, and what it gets back. */
import type { Observer } from '../engine/observer.ts';
import type { StepError } from '../engine/step-error.ts';
import type { Arguments, OptionSpecs } from './arguments.ts';

/** The narration of a container, where somebody asked for one. */
export interface Narration {
  observer?: Observer;
  close(): void;
}

/** The global options. */
export interface Context {
  /** Folder that holds the state of all containers. */
  root: string;
  systemdCgroup: boolean;
  /** `auto`, `true` or `false`, as given. */
  rootless: string;
  /** The criu program. */
  criu: string;
  /** Writes a warning to the log. */
  warn(sentence: string): void;
  /** Writes to the log what happens, with --debug. */
  say?: (sentence: string) => void;
  /** Tells of a failed step what was done with which values, the usual cause and what to do: one line. */
  explain(error: StepError): Promise<string>;
  /** Opens the narration for one container, if --explain or MINIRUN_EXPLAIN asks for one. */
  narrate(id: string, title: string): Promise<Narration>;
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
