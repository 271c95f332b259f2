/** What an engine needs to start a container, and what it gives back. */
import type { Program } from '../program/step.ts';
import type { HookCall } from './hook-call.ts';
import type { Observer } from './observer.ts';

export type EngineName = 'native' | 'ffi';

export interface Launch {
  program: Program;
  /** Descriptors of the new process → descriptors of this one. 0 to 2, and those the program names. */
  fds: Map<number, number>;
  observer?: Observer;
  /** Called after each sync step of the runtime, with its token. */
  onSync?: (token: string) => void;
  /** Runs a hook of the config; throws when it fails. */
  hook?: (hook: HookCall) => void;
  /** Called as soon as init exists, before any of its steps has run. */
  onInit?: (pid: number) => void;
}

/** Starts the program's actors. Blocks until init has executed the command; returns init's pid, a child of this process. */
export type Engine = (launch: Launch) => number;
