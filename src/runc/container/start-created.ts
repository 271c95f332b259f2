/** The second half of a start: a created container's command begins. */

import { join } from 'node:path';
import { compile } from '../compile/compile.ts';
import { hooksOf } from '../compile/hooks.ts';
import type { Observer } from '../engine/observer.ts';
import { probeHost } from '../host/probe.ts';
import type { Program, Step } from '../program/step.ts';
import type { Config } from '../spec/config.ts';
import { NotWaiting, passGate } from './gate.ts';
import { withHome } from './home.ts';
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
    const saved = loadConfig(view);
    const config = saved.process ? { ...saved, process: withHome(saved.process, state.rootfs) } : saved;
    const host = probeHost(config, { bundle: state.bundle, filterCache: join(view.stateRoot, '.seccomp'), warn: () => {} });
    program = numberedAs(state.steps, compile(config, host, { id: state.id, bundle: state.bundle, ...state.choices }));
    return program;
  };
}

/**
 * What has changed since create (its caller's streams, files of the rootfs) makes a difference before
 * the gate only: steps are counted from the end, so that those after it have the numbers that init reports.
 */
function numberedAs(count: number | undefined, program: Program): Program {
  const { steps } = program;
  const [first] = steps;
  const missing = (count ?? steps.length) - steps.length;
  if (!first || missing === 0) return program;
  return { ...program, steps: missing < 0 ? steps.slice(-missing) : [...Array<Step>(missing).fill(first), ...steps] };
}

/** @throws Error in runc's words when it is not one that waits for its start */
export function checkCreated({ status }: ContainerView): void {
  if (status === 'stopped') throw new Error('cannot start a container that has stopped');
  if (status !== 'created') throw new Error('cannot start an already running container');
}

/**
 * Runs the startContainer hooks, says start, and waits until the command has been executed. A hook
 * that fails ends the container. The caller has the container's lock: hooks run once.
 * @throws Error in runc's words when it has started already; StepError; HookError
 */
export function startCreated(view: ContainerView, config: Config, observer?: Observer): void {
  const { state, pid } = view;
  const container = { id: state.id, bundle: state.bundle, pid };
  if (hooksOf(config, 'startContainer').length) {
    const host = probeHost(config, { bundle: state.bundle, filterCache: join(view.stateRoot, '.seccomp'), warn: () => {} });
    orKill(state, () =>
      runHooks(
        config,
        'startContainer',
        container,
        { config, host, id: state.id, bundle: state.bundle, cgroups: state.cgroups },
        undefined,
        observer,
      ),
    );
  }
  try {
    passGate(view.folder, pid, programOf(view), observer);
  } catch (error) {
    if (error instanceof NotWaiting) throw new Error('cannot start an already running container');
    throw error;
  }
}

/** Runs the hooks that come after the command's begin. One that fails ends the container. @throws HookError */
export function runPoststart({ state }: { state: State }, config: Config, observer?: Observer): void {
  if (!hooksOf(config, 'poststart').length) return;
  orKill(state, () =>
    runHooks(config, 'poststart', { id: state.id, bundle: state.bundle, pid: state.init?.pid ?? 0 }, undefined, undefined, observer),
  );
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
