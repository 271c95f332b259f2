/** `run` in the foreground: make the container, wait for its command, take the container away. */

import { existsSync } from 'node:fs';
import { closeFd } from '../../libc/fd.ts';
import { shellCode, startTime, waitBlocking, waitChild } from '../../libc/process.ts';
import { killAll } from '../cgroup/kill.ts';
import { oomKills } from '../cgroup/oom.ts';
import { removeCgroups } from '../cgroup/remove.ts';
import { hasNamespace } from '../compile/draft.ts';
import { resctrlLeftovers } from '../compile/intel-rdt.ts';
import { TOKENS } from '../program/tokens.ts';
import type { Console } from './console.ts';
import { deleteOci } from './delete.ts';
import { DEFAULT_DETACH_KEYS } from './detach-keys.ts';
import { findCommand } from './find-command.ts';
import { makeGate } from './gate.ts';
import { hookFilter, runPoststop } from './hooks.ts';
import { lock, tryLock } from './lock.ts';
import { notifyFolder, openRelay, type Relay, removeNotifySocket, withNotifySocket } from './notify-socket.ts';
import { prepare } from './prepare.ts';
import { removeTraces } from './remove.ts';
import type { Ended, RunRequest } from './request.ts';
import { type Forwarding, forwardSignals } from './signals.ts';
import { OWN_STREAMS, type Started, type Streams, start } from './start.ts';
import { runPoststart } from './start-created.ts';
import { existsError, folderOf, reserve, type State, sameContainer, saveConfig, saveEnded, saveState, self, viewOf } from './state.ts';

const SIGKILL = 9;

/** A container that runs and belongs to this process. */
export interface Running extends Started {
  state: State;
  /** What it says to the service manager; the holder closes it. */
  relay?: Relay | undefined;
}

/**
 * Makes the container and starts its command, or leaves it before its gate.
 * @throws Error, StepError, HookError, Aborted; then nothing of it is left
 */
export function startContainer(request: RunRequest, streams: Streams, ownStreams: boolean): Running {
  const running = makeContainer(request, streams, ownStreams);
  if (request.choices?.gated) return running;
  try {
    runPoststart(running, request.config);
  } catch (error) {
    waitBlocking(running.pid);
    deleteOci(request.stateRoot, request.id, { force: true, warn: request.warn });
    throw error;
  }
  return running;
}

function makeContainer(request: RunRequest, streams: Streams, ownStreams: boolean): Running {
  const { stateRoot, id, notifySocket } = request;
  if (existsSync(folderOf(stateRoot, id))) throw existsError(id); // said before its cgroups are found to be taken
  const notify = notifySocket === undefined ? undefined : notifyFolder(stateRoot, id);
  const config = notify === undefined ? request.config : withNotifySocket(request.config, notifySocket as string, notify);
  const { program, host, rootfs, cgroups } = prepared({ ...request, config }, ownStreams, notify);
  const resctrl = resctrlLeftovers(config, host, id);
  const state: State = {
    ociVersion: config.ociVersion,
    id,
    name: request.name,
    owner: self(),
    bundle: request.bundle,
    rootfs,
    created: new Date().toISOString(),
    engine: request.engine,
    remove: request.remove,
    cgroups,
    ...(resctrl.length ? { resctrl } : {}),
    ...(notify === undefined ? {} : { notify }),
    ...(request.ownedRootfs ? { ownedRootfs: request.ownedRootfs } : {}),
    ...(request.stopSignal ? { stopSignal: request.stopSignal } : {}),
    ...(request.choices ? { choices: request.choices } : {}),
  };
  const folder = reserve(stateRoot, id, request.name);
  // Held until the container is made: whoever wants to delete it waits, or ends us first.
  const held = tryLock(folder);
  if (typeof held === 'string') throw new Error(`container ${id} was deleted while it was being made`);
  let gate: number | undefined;
  let relay: Relay | undefined;
  try {
    // Written before anything is made, so that whoever finds it after a SIGKILL knows what to clear away.
    saveConfig(stateRoot, id, config);
    saveState(stateRoot, state);
    if (request.choices?.gated) gate = makeGate(folder);
    else if (notify !== undefined) relay = openRelay(notify, notifySocket as string, () => state.init?.pid ?? 0);
    request.say?.(`nsexec container setup: a program of ${program.steps.length} steps`);
    const started = start({
      program,
      engine: request.engine,
      terminal: config.process?.terminal === true,
      streams,
      ...(gate === undefined ? {} : { gate }),
      hookFilter: hookFilter(config, host.seccompFilter),
      ...(request.consoleSocket === undefined ? {} : { consoleSocket: request.consoleSocket }),
      ...(request.observer ? { observer: request.observer } : {}),
      onInit: (pid) => {
        request.say?.(`child process in init(): ${pid}`);
        state.init = { pid, start: startTime(pid) ?? 0 };
      },
      onSync: (token) => {
        if (token !== TOKENS.ready) return;
        saveState(stateRoot, state);
        if (gate !== undefined && state.init && config.process) findCommand(state.init.pid, config.process, hasNamespace(config, 'user'));
      },
    });
    request.say?.('init: closing the pipe to signal completion');
    request.onRunning?.(started.pid);
    return { ...started, state, relay };
  } catch (error) {
    relay?.close();
    removeTraces(stateRoot, id, state);
    runPoststop(config, state, request.warn);
    throw error;
  } finally {
    if (gate !== undefined) closeFd(gate);
    held.release();
  }
}

function prepared(request: RunRequest, ownStreams: boolean, notify: string | undefined): ReturnType<typeof prepare> {
  try {
    return prepare(request, ownStreams);
  } catch (error) {
    if (notify !== undefined) removeNotifySocket(notify);
    throw error;
  }
}

type FinishRequest = Pick<RunRequest, 'stateRoot' | 'remove' | 'keep'> & Partial<Pick<RunRequest, 'warn' | 'config'>>;

/** After its first process has ended: what else runs in it is killed, cgroups go, the end is written down. */
export function finishContainer(request: FinishRequest, state: State, ended: Ended): void {
  const held = lock(folderOf(request.stateRoot, state.id));
  try {
    // Deleted meanwhile, and perhaps made anew by somebody else: what has its id now is not ours.
    if (held === 'gone' || !sameContainer(viewOf(request.stateRoot, state.id)?.state, state)) return;
    finish(request, state, ended);
  } finally {
    if (typeof held !== 'string') held.release();
  }
}

function finish(request: FinishRequest, state: State, ended: Ended): void {
  killAll(state.cgroups, SIGKILL); // only a container that shares a pid namespace can have any left
  if (request.keep) return;
  const left = removeCgroups(state.cgroups);
  if (left.length) request.warn?.(`${left[0]} could not be removed: processes are still in it, started by others than the container`);
  if (!request.remove) {
    saveEnded(request.stateRoot, state.id, ended);
    return;
  }
  removeTraces(request.stateRoot, state.id, state);
  if (request.config) runPoststop(request.config, state, request.warn ?? (() => {}));
}

const lookOnce = (relay: Relay, done: () => void) => () => {
  if (relay.look()) done();
};

/** Waits for a container's first process and says how it ended, unless the wait is given up. */
export function waitContainer(running: Running): { ended: Promise<Ended>; giveUp: () => void } {
  const wait = waitChild(running.pid);
  const ended = wait.ended.then((status = { code: 255, signal: 0 }) => ({
    code: shellCode(status),
    signal: status.signal,
    oomKilled: oomKills(running.state.cgroups) > 0,
  }));
  return { ended, giveUp: wait.giveUp };
}

/**
 * Runs a container on this process's streams until its command ends. With detach keys it returns
 * early (code 0) and leaves the container to a process of its own.
 * @param begin makes the container; `restore` has another way
 */
export async function runContainer(
  request: RunRequest,
  streams: Streams = OWN_STREAMS,
  begin: () => Running = () => startContainer(request, streams, false),
): Promise<Ended> {
  const signals: Forwarding = forwardSignals();
  let connection: Console | undefined;
  let relay: Relay | undefined;
  let looking: NodeJS.Timeout | undefined;
  try {
    const running = begin();
    relay = running.relay;
    if (relay)
      looking = setInterval(
        lookOnce(relay, () => clearInterval(looking)),
        50,
      );
    signals.to(running.pid);
    const end = waitContainer(running);
    if (running.master === undefined) {
      const ended = await end.ended;
      finishContainer(request, running.state, ended);
      return ended;
    }
    const { connectConsole } = await import('./console.ts');
    connection = connectConsole(running.master, request.detachKeys ?? DEFAULT_DETACH_KEYS);
    const ended = await Promise.race([end.ended, connection.detached.then(() => undefined)]);
    if (ended === undefined) {
      end.giveUp();
      const { adoptDetached } = await import('./detached.ts');
      await adoptDetached(request, running);
      return { code: 0, signal: 0, oomKilled: false };
    }
    finishContainer(request, running.state, ended);
    return ended;
  } finally {
    signals.stop();
    clearInterval(looking);
    relay?.look(); // what it said last
    relay?.close();
    await connection?.close();
  }
}
