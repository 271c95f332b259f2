/** What main.ts gives to a subcommand, and what it gets back. */
import { writeSync } from 'node:fs';

export interface Context {
  /** Folder that holds the state of all containers: --root, or the default. */
  stateRoot: () => Promise<string>;
}

export interface Subcommand {
  /** @returns the exit code */
  run(args: string[], context: Context): Promise<number>;
}

/** A sentence on standard error that is no failure. */
export const warn = (sentence: string): void => {
  writeSync(2, `minirun: warning: ${sentence}\n`);
};
