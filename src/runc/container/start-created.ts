/** The second half of a start: a created container's command begins. */

import { join } from 'node:path';
import { compile } from '../compile/compile.ts';
import { hooksOf } from '../compile/hooks.ts';
import type { Observer } from '../engine/observer.ts';
import { probeHost } from '../host/probe.ts';
import type { Program } from '../program/step.ts';
import { NotWaiting, passGate } from './gate.ts';
import { runHooks } from './hooks.ts';
import { signalProcess } from './kill.ts';
import { type ContainerView, loadConfig, type State } from './state.ts';

const SIGKILL = 9;

/** The program that made the container: compiled again, where something of it is to be told. */
function programOf(view: ContainerView): () => Program {
  let program: Program | undefined;
  return () => {
    if (program) return program;
    const { state } = view;
    const config = loadConfig(view);
    const host = probeHost(config, { bundle: state.bundle, filterCache: join(view.stateRoot, '.seccomp'), warn: () => {} });
    program = compile(config, host, { id: state.id, bundle: state.bundle, ...state.choices });
    return program;
  };
}

/**
 * Runs the startContainer hooks, says start, waits until the command has been executed, and runs
 * the poststart hooks. What fails before the command runs ends the container.
 * @throws Error in runc's words when it has started already; StepError; HookError
 */
export function startCreated(view: ContainerView, options: { observer?: Observer; warn: (sentence: string) => void }): void {
  const { state, pid } = view;
  const config = loadConfig(view);
  const container = { id: state.id, bundle: state.bundle, pid };
  if (hooksOf(config, 'startContainer').length) orKill(state, () => runHooks(config, 'startContainer', container));
  try {
    passGate(view.folder, pid, programOf(view), options.observer);
  } catch (error) {
    if (error instanceof NotWaiting) throw new Error('cannot start an already running container');
    throw error;
  }
  if (hooksOf(config, 'poststart').length) orKill(state, () => runHooks(config, 'poststart', container));
}

/** A hook that fails ends the container (runtime.md, "Lifecycle"). */
function orKill(state: State, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (state.init) signalProcess(state.init, SIGKILL);
    throw error;
  }
}
