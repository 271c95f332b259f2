/** A process of a container as clients see it: its init, or one that Exec added. */
import { type Deferred, deferred } from './deferred.ts';
import type { ProcessIo, Stdio } from './stdio.ts';

export interface Exit {
  /** As a shell reports it: 128 + the signal's number where one ended it. */
  status: number;
  at: Date;
}

export type ProcessState = 'created' | 'running' | 'stopped';

export interface TaskProcess {
  /** The container's id for its init, else the exec's. */
  readonly id: string;
  readonly isInit: boolean;
  readonly stdio: Stdio;
  /** `process` of the OCI specification, for an exec. */
  readonly spec?: Record<string, unknown>;
  /** 0 until there is one. */
  pid: number;
  state: ProcessState;
  exit: Exit | undefined;
  /** Resolves when its end has been told. */
  readonly ended: Deferred<void>;
  io: ProcessIo | undefined;
  /** Of its terminal, from a resize that came before the terminal. */
  size: { rows: number; columns: number } | undefined;
  /** Resolves when its start has been told: its end must not be told before. */
  starting: Promise<void> | undefined;
}

export const newProcess = (id: string, stdio: Stdio, spec?: Record<string, unknown>): TaskProcess => ({
  id,
  isInit: spec === undefined,
  stdio,
  ...(spec === undefined ? {} : { spec }),
  pid: 0,
  state: 'created',
  exit: undefined,
  ended: deferred<void>(),
  io: undefined,
  size: undefined,
  starting: undefined,
});
