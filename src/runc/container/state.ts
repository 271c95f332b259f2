/**
 * What is known of a container, in a folder of its own below the state root:
 * `state.json` (written once it exists, replaced by rename), `config.json`, `log`, `exit.json`.
 */
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTime } from '../../libc/process.ts';
import type { CgroupPaths } from '../compile/cgroup-paths.ts';
import type { EngineName } from '../engine/launch.ts';
import type { Config } from '../spec/config.ts';
import { waitsAtGate } from './gate.ts';
import type { HostRoot } from './host-root.ts';
import type { Choices, Ended } from './request.ts';

/** A process named for good: numbers are used again, a number with its start time is not. */
export interface ProcessName {
  pid: number;
  /** Clock ticks since boot; see startTime. */
  start: number;
}

export interface State {
  ociVersion: string;
  id: string;
  name: string;
  /** The container's first process; undefined while it is being made. */
  init?: ProcessName;
  /** The minirun process that made it and waits for it. */
  owner: ProcessName;
  /** That process has others to look after as well (a shim): it is not to be ended for this one. */
  hosted?: boolean;
  bundle: string;
  rootfs: string;
  /** ISO 8601. */
  created: string;
  engine: EngineName;
  remove: boolean;
  ownedRootfs?: string;
  stopSignal?: number;
  cgroups: CgroupPaths;
  /** Its root mount, where it shares the host's mounts. */
  hostRoot?: HostRoot;
  /** Folders of the resctrl file system that are its own (intelRdt). */
  resctrl?: string[];
  /** The folder of the socket on which it says that it is ready. */
  notify?: string;
  /** How it was made: what the same program is compiled from again. */
  choices?: Choices;
  /** The number of steps of the program that made it. */
  steps?: number;
}

export type Status = 'creating' | 'created' | 'running' | 'paused' | 'stopped';

/** A container as a command sees it. */
export interface ContainerView {
  state: State;
  status: Status;
  /** 0 when it does not run. */
  pid: number;
  stateRoot: string;
  folder: string;
  ended?: Ended & { finished: string };
}

/** root: /run/minirun; others: a folder in their runtime directory, or in /tmp. */
export function defaultStateRoot(): string {
  if (process.env.MINIRUN_ROOT) return process.env.MINIRUN_ROOT;
  const uid = process.getuid?.() ?? 0;
  if (uid === 0) return '/run/minirun';
  const runtime = process.env.XDG_RUNTIME_DIR;
  return runtime && existsSync(runtime) ? join(runtime, 'minirun') : `/tmp/minirun-${uid}`;
}

/**
 * Makes the state root, closed to others.
 * @throws Error when it belongs to somebody else (a folder in /tmp could be anybody's)
 */
export function prepareStateRoot(root: string): void {
  mkdirSync(join(root, '.names'), { recursive: true, mode: 0o700 });
  const { uid } = statSync(root);
  if (uid !== (process.getuid?.() ?? 0)) throw new Error(`the state folder ${root} belongs to user ${uid}; use --root to name another`);
}

let own: ProcessName | undefined;

/** This process, named for good. */
export function self(): ProcessName {
  own ??= { pid: process.pid, start: startTime(process.pid) ?? 0 };
  return own;
}

/** The same container, not another one that got its id later. */
export const sameContainer = (a: State | undefined, b: State): boolean =>
  a !== undefined && a.created === b.created && a.owner.pid === b.owner.pid && a.owner.start === b.owner.start;

/** Where what is known of a container lies. */
export const folderOf = (root: string, id: string): string => join(root, id);

export const existsError = (id: string): Error => new Error(`container with given ID already exists: ${id}`);

export const isAlive = (p: ProcessName | undefined): boolean => p !== undefined && startTime(p.pid) === p.start;

/** Writes a file so that readers see the old or the new content, never half of it. */
export function writeWhole(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600 });
  renameSync(temporary, path);
}

/** Another container has the name. Nothing was made: the caller may try another one. */
export class NameInUseError extends Error {
  constructor(name: string, holder: string) {
    super(`the name "${name}" is in use by container ${holder.slice(0, 12)}; remove it (minirun rm ${name}) or choose another --name`);
    this.name = 'NameInUseError';
  }
}

/**
 * Takes the id and the name (which may be the id itself) for a new container, all or nothing, and makes its folder.
 * @throws Error when one of them is in use
 */
export function reserve(root: string, id: string, name: string): string {
  prepareStateRoot(root);
  const folder = join(root, id);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw existsError(id);
    throw error;
  }
  try {
    if (name !== id) takeName(root, id, name);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

/** A name is a file that holds an id, linked into place with its content: of two that want it at once, one gets it. */
function takeName(root: string, id: string, name: string): void {
  const place = join(root, '.names', name);
  const mine = join(root, id, 'name');
  writeFileSync(mine, id, { mode: 0o600 });
  for (let attempt = 0; ; attempt++) {
    try {
      linkSync(mine, place);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = readName(place);
    if (attempt > 2 || (holder !== undefined && existsSync(join(root, holder)))) throw new NameInUseError(name, holder ?? 'another');
    rmSync(place, { force: true }); // of a container that is gone
  }
}

function readName(place: string): string | undefined {
  try {
    return readFileSync(place, 'utf8');
  } catch {
    return undefined;
  }
}

export const saveState = (root: string, state: State): void => writeWhole(join(root, state.id, 'state.json'), JSON.stringify(state));
/** Written once, before anybody can find the container by its state. */
export const saveConfig = (root: string, id: string, config: Config): void =>
  writeFileSync(join(root, id, 'config.json'), JSON.stringify(config), { mode: 0o600 });
/** Replaces it, for whoever reads it next. */
export const saveChangedConfig = (view: ContainerView, config: Config): void =>
  writeWhole(join(view.folder, 'config.json'), JSON.stringify(config));

/** Another command has deleted the container since it was found. */
export class DeletedError extends Error {
  constructor() {
    super('container does not exist');
    this.name = 'DeletedError';
  }
}

/** @throws DeletedError */
export function loadConfig(view: ContainerView): Config {
  try {
    return JSON.parse(readFileSync(join(view.folder, 'config.json'), 'utf8')) as Config;
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? new DeletedError() : error;
  }
}

export const saveEnded = (root: string, id: string, ended: Ended): void =>
  writeWhole(join(root, id, 'exit.json'), JSON.stringify({ ...ended, finished: new Date().toISOString() }));

/** Where the output of a `run -d` container goes: one JSON object a line. */
export const logsPath = (view: ContainerView): string => join(view.folder, 'log');

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

/** Reads one container's folder. A folder without state is one that is just being made, or was left by a killed run. */
export function viewOf(root: string, id: string): ContainerView | undefined {
  const folder = join(root, id);
  const state = readJson<State>(join(folder, 'state.json'));
  if (!state) return undefined;
  const ended = readJson<Ended & { finished: string }>(join(folder, 'exit.json'));
  const alive = !ended && isAlive(state.init);
  const running = alive && (!state.choices?.gated || !waitsAtGate(folder, (state.init as ProcessName).pid));
  const status: Status = running ? 'running' : alive ? 'created' : !ended && !state.init && isAlive(state.owner) ? 'creating' : 'stopped';
  return { state, status, pid: alive ? (state.init as ProcessName).pid : 0, stateRoot: root, folder, ...(ended ? { ended } : {}) };
}

/** The ids in the state root. */
export function idsIn(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((e) => e.isDirectory() && !e.name.startsWith('.'))
      .map((e) => e.name);
  } catch {
    return [];
  }
}
