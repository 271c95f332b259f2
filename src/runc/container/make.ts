/** Making a container: all that is written down and held while the engine performs the program. */
import { existsSync } from 'node:fs';
import { closeFd } from '../../libc/fd.ts';
import { startTime, waitBlocking } from '../../libc/process.ts';
import { hasNamespace } from '../compile/draft.ts';
import { resctrlLeftovers } from '../compile/intel-rdt.ts';
import { TOKENS } from '../program/tokens.ts';
import { deleteOci } from './delete.ts';
import { findCommand } from './find-command.ts';
import { makeGate } from './gate.ts';
import { runPoststop } from './hooks.ts';
import { tryLock } from './lock.ts';
import { notifyFolder, openRelay, type Relay, removeNotifySocket, withNotifySocket } from './notify-socket.ts';
import { prepare } from './prepare.ts';
import { removeTraces } from './remove.ts';
import type { RunRequest } from './request.ts';
import { type Started, type Streams, start } from './start.ts';
import { runPoststart } from './start-created.ts';
import { existsError, folderOf, reserve, type State, saveConfig, saveState, self } from './state.ts';

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
  const { program, host, rootfs, cgroups, hostRoot } = prepared({ ...request, config }, streams, ownStreams, notify);
  const resctrl = resctrlLeftovers(config, host, id);
  const state: State = {
    ociVersion: config.ociVersion,
    id,
    name: request.name,
    owner: self(),
    ...(request.hosted ? { hosted: true } : {}),
    bundle: request.bundle,
    rootfs,
    created: new Date().toISOString(),
    engine: request.engine,
    remove: request.remove,
    cgroups,
    ...(hostRoot ? { hostRoot } : {}),
    ...(resctrl.length ? { resctrl } : {}),
    ...(notify === undefined ? {} : { notify }),
    ...(request.ownedRootfs ? { ownedRootfs: request.ownedRootfs } : {}),
    ...(request.stopSignal ? { stopSignal: request.stopSignal } : {}),
    ...(request.choices ? { choices: request.choices } : {}),
    steps: program.steps.length,
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
      hookPlace: { config, host, id, bundle: request.bundle, cgroups },
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

function prepared(request: RunRequest, streams: Streams, ownStreams: boolean, notify: string | undefined): ReturnType<typeof prepare> {
  try {
    return prepare(request, streams, ownStreams);
  } catch (error) {
    if (notify !== undefined) removeNotifySocket(notify);
    throw error;
  }
}
