/** What a shim asks of an OCI runtime, whether that is a module of this process or a program. */
import type { Streams } from '../../runc/container/start.ts';

/** A process that has been made, a child of this one. */
export interface Made {
  pid: number;
  /** The master end of its terminal, if it has one; the caller closes it. */
  master: number | undefined;
}

export interface CreateRequest {
  id: string;
  bundle: string;
  /** Undefined where the process has a terminal. */
  streams: Streams | undefined;
}

export interface ExecRequest {
  execId: string;
  /** `process` of the OCI specification, its terminal set as the request had it. */
  process: Record<string, unknown>;
  streams: Streams | undefined;
}

export interface CheckpointChoices {
  images: string;
  work: string;
  parent?: string | undefined;
  leaveRunning: boolean;
  openTcp: boolean;
  externalUnixSockets: boolean;
  terminal: boolean;
  fileLocks: boolean;
  cgroupsMode?: string | undefined;
}

export interface RestoreRequest extends CreateRequest {
  images: string;
  work: string;
}

/** All of them reject with an Error whose message is the runtime's own, as runc words it. */
export interface OciRuntime {
  /** Makes the container; its command does not run yet. */
  create(request: CreateRequest): Promise<Made>;
  /** Resolves when the command runs. */
  start(id: string): Promise<void>;
  exec(id: string, request: ExecRequest): Promise<Made>;
  kill(id: string, signal: number, all: boolean): Promise<void>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /** @param resources linux.resources as JSON */
  update(id: string, resources: string): Promise<void>;
  pids(id: string): Promise<number[]>;
  delete(id: string, force: boolean): Promise<void>;
  checkpoint(id: string, choices: CheckpointChoices): Promise<void>;
  restore(request: RestoreRequest): Promise<Made>;
}
