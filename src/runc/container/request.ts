/** What a caller (the command line, later the shim) asks of the runc layer. */
import type { CompileOptions } from '../compile/compile.ts';
import type { EngineName } from '../engine/launch.ts';
import type { Observer } from '../engine/observer.ts';
import type { Program } from '../program/step.ts';
import type { Config, Process } from '../spec/config.ts';

/** How a container is made, beside what its config says. */
export type Choices = Pick<CompileOptions, 'gated' | 'preserveFds' | 'noKeyring' | 'noPivot' | 'cloneInto'>;

/** How a container's command ended. */
export interface Ended {
  /** As a shell reports it: the status, or 128 + the signal. */
  code: number;
  signal: number;
  /** The kernel killed something in the container for going over its memory limit. */
  oomKilled: boolean;
}

export interface RunRequest {
  /** Folder that holds the state of all containers. */
  stateRoot: string;
  id: string;
  /** The name that a person gave it (`--name`), or one made up for it. */
  name: string;
  config: Config;
  /** Folder against which `config.root.path` is resolved. */
  bundle: string;
  engine: EngineName;
  observer?: Observer;
  /** Remove state (and an extracted rootfs) when it ends. */
  remove: boolean;
  /** The service manager's socket (`NOTIFY_SOCKET`). */
  notifySocket?: string;
  /** Leave its cgroups and its state when it ends: whoever asked for that deletes it. */
  keep?: boolean;
  /** A rootfs extracted from a tar for this container alone: deleted with it. */
  ownedRootfs?: string;
  /** Key sequence that detaches from a terminal, as bytes; default ctrl-p ctrl-q. */
  detachKeys?: Uint8Array;
  /** Where warnings go, one sentence each. */
  warn: (sentence: string) => void;
  /** Told what happens, in the words of runc's debug log. */
  say?: (sentence: string) => void;
  /** Changes the program before it runs: how tests make one step fail. */
  alter?: (program: Program) => Program;
  choices?: Choices;
  /** systemd makes the cgroups (`--systemd-cgroup`). */
  systemdCgroup?: boolean;
  /** Go on without cgroups that may not be made, or do not; undefined: where we are not the machine's root. */
  rootless?: boolean;
  /** This process makes others, too: a forced delete of this one must not end it. */
  hosted?: boolean;
  /** Called with the first process's number once it is made. */
  onRunning?: (pid: number) => void;
  /** A connected unix socket that gets the terminal's master (`--console-socket`). */
  consoleSocket?: number;
  /** Signal that `stop` sends first. */
  stopSignal?: number;
}

export interface ExecRequest {
  stateRoot: string;
  id: string;
  process: Process;
  engine: EngineName;
  observer?: Observer;
  detachKeys?: Uint8Array;
  choices?: Pick<Choices, 'preserveFds' | 'noKeyring' | 'cloneInto'>;
  consoleSocket?: number;
  /** The streams were made for this process: give them to its user. */
  ownStreams?: boolean;
  /** Sub-cgroups to run in: `[controller:]path`. */
  cgroups?: string[];
  say?: (sentence: string) => void;
  /** Called with the process's number once it is made. */
  onRunning?: (pid: number) => void;
  warn: (sentence: string) => void;
}
