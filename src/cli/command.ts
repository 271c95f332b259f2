/** What main.ts gives to a subcommand, and what it gets back. */
import { writeSync } from 'node:fs';
import type { Command } from 'commander';

export interface Context {
  /** Folder that holds the state of all containers made without the daemon: --root, or the default. */
  stateRoot: () => Promise<string>;
  /** --root or MINIRUN_ROOT named that folder: only its containers are meant, and no daemon is asked unless one is named. */
  rootGiven?: boolean;
  /** -H, --host: the daemon's address as typed. */
  host?: string;
  /** -c, --context: the name of a context of Docker's. */
  contextName?: string;
}

export interface Subcommand {
  /** @returns the exit code */
  run(args: string[], context: Context): Promise<number>;
  /** What it takes: for help, completion and the manual page. */
  command(): Command;
}

/** A sentence on standard error that is no failure. */
export const warn = (sentence: string): void => {
  writeSync(2, `minirun: warning: ${sentence}\n`);
};
