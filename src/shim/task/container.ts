/** A container of this shim. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Options } from '../../proto/containerd/runc/options_pb.ts';
import type { CgroupPaths } from '../../runc/compile/cgroup-paths.ts';
import { notFound } from './errors.ts';
import type { OciRuntime } from './runtime.ts';
import type { ProcessState } from './state-rules.ts';
import type { TaskProcess } from './task-process.ts';

export interface Container {
  readonly id: string;
  readonly bundle: string;
  readonly options: Options;
  readonly runtime: OciRuntime;
  readonly init: TaskProcess;
  /** By exec id. */
  readonly execs: Map<string, TaskProcess>;
  /** It has a pid namespace of its own: what runs in it ends with its init. */
  readonly ownPids: boolean;
  /** The folder that it is restored from when it is started; '' for a new one. */
  readonly checkpoint: string;
  /** Where its init is; empty before there is one. */
  cgroups: CgroupPaths;
  paused: boolean;
  /** Ends the watch for a lack of memory. */
  unwatch: () => void;
  /** Changes of the container wait for each other. */
  queue: Promise<unknown>;
}

/** Runs `act` after all that was asked of the container before. */
export function inTurn<T>(container: Container, act: () => Promise<T>): Promise<T> {
  const turn = container.queue.then(act, act);
  container.queue = turn.catch(() => {});
  return turn;
}

/** The process that a request means: '' is the init. @throws ConnectError */
export function processOf(container: Container, execId: string): TaskProcess {
  if (!execId) return container.init;
  const found = container.execs.get(execId);
  if (!found) throw notFound(`process does not exist ${execId}`);
  return found;
}

/** As clients are told: all processes of a paused container are paused. */
export const stateOf = (container: Container, process: TaskProcess): ProcessState =>
  container.paused && process.state !== 'stopped' ? 'paused' : process.state;

/** What of config.json decides how a container is looked after. */
export interface Traits {
  ownPids: boolean;
  /** Calls of the runtime in which hooks are run. */
  hooked: ('create' | 'start' | 'delete')[];
}

const HOOKS = {
  create: ['prestart', 'createRuntime', 'createContainer'],
  start: ['startContainer', 'poststart'],
  delete: ['poststop'],
} as const;

/** @throws Error where there is no config.json */
export function traitsOf(bundle: string): Traits {
  const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as {
    linux?: { namespaces?: { type: string; path?: string }[] };
    hooks?: Record<string, unknown[] | undefined>;
  };
  const pid = config.linux?.namespaces?.find((namespace) => namespace.type === 'pid');
  const hooked = (['create', 'start', 'delete'] as const).filter((call) => HOOKS[call].some((kind) => config.hooks?.[kind]?.length));
  return { ownPids: pid !== undefined && !pid.path, hooked };
}
