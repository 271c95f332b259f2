/** `exec`: one more command in a container that runs. */
import { join } from 'node:path';
import { shellCode, signal, waitChild } from '../../libc/process.ts';
import { execCgroups } from '../cgroup/exec-cgroups.ts';
import { compileExec } from '../compile/exec.ts';
import { unsupported } from '../compile/unsupported.ts';
import { ffiRefusal } from '../engine/ffi.ts';
import { nullStreams } from '../host/null-device.ts';
import { probeHost } from '../host/probe.ts';
import { TOKENS } from '../program/tokens.ts';
import type { Console } from './console.ts';
import { DEFAULT_DETACH_KEYS } from './detach-keys.ts';
import { withHome } from './home.ts';
import { namespacesOf } from './joined.ts';
import type { Ended, ExecRequest } from './request.ts';
import { forwardSignals } from './signals.ts';
import { OWN_STREAMS, type Started, type StartRequest, type Streams, start } from './start.ts';
import { type ContainerView, isAlive, loadConfig } from './state.ts';

const SIGHUP = 1;

/**
 * Starts a command in the container, on these streams or, without them, on a terminal. Blocks until it has been executed.
 * @returns its pid, a child of this process; and its terminal's master, where nobody else gets that
 * @throws Error when the container does not run; StepError when the command cannot be started
 */
export function startExec(view: ContainerView, request: ExecRequest, streams: Streams = OWN_STREAMS): Started {
  if (view.status === 'stopped' || view.status === 'creating') throw new Error(`container ${view.state.name} is not running`);
  if (view.status === 'paused') throw new Error(`cannot exec in a paused container: ${view.state.name}`);
  const config = loadConfig(view);
  const process = withHome(request.process, `/proc/${view.pid}/root`);
  const asked = { ...config, process };
  const host = probeHost(asked, { bundle: view.state.bundle, filterCache: join(view.stateRoot, '.seccomp'), warn: request.warn });
  const problem = unsupported(asked, host)[0];
  if (problem) throw new Error(problem);
  const program = compileExec(config, process, host, {
    id: view.state.id,
    bundle: view.state.bundle,
    ...namespacesOf(view.pid),
    nullStreams: request.process.terminal ? [] : nullStreams([streams.stdin, streams.stdout, streams.stderr]),
    cgroups: execCgroups(view.state.cgroups, view.pid, request.cgroups),
    ...request.choices,
    ...(request.ownStreams ? { ownStreams: true } : {}),
  });
  const refusal = request.engine === 'ffi' ? ffiRefusal(program) : undefined;
  if (refusal) throw new Error(refusal);
  program.warnings.forEach(request.warn);
  request.say?.(`nsexec container setup: a program of ${program.steps.length} steps`);
  const started = startIn(view, {
    program,
    engine: request.engine,
    terminal: request.process.terminal === true,
    streams,
    ...(request.consoleSocket === undefined ? {} : { consoleSocket: request.consoleSocket }),
    ...(request.observer ? { observer: request.observer } : {}),
  });
  request.say?.(`child process in init(): ${started.pid}`);
  request.say?.('setns_init: about to exec');
  request.onRunning?.(started.pid);
  return started;
}

/** Runs a command in the container and waits for it. With `detach` it returns at once, code 0. @throws as {@link startExec} */
export async function execInContainer(
  view: ContainerView,
  request: ExecRequest,
  options: { detach?: boolean; streams?: Streams } = {},
): Promise<Ended> {
  const forwarding = forwardSignals();
  let connection: Console | undefined;
  try {
    const started = startExec(view, request, options.streams);
    if (options.detach) return { code: 0, signal: 0, oomKilled: false };
    forwarding.to(started.pid);
    const end = waitChild(started.pid);
    if (started.master !== undefined) {
      const { connectConsole } = await import('./console.ts');
      connection = connectConsole(started.master, request.detachKeys ?? DEFAULT_DETACH_KEYS);
      const first = await Promise.race([end.ended.then(() => 'ended'), connection.detached.then(() => 'detached')]);
      if (first === 'detached') {
        // There is nobody to keep its terminal: the command is told that it has hung up.
        end.giveUp();
        signal(started.pid, SIGHUP);
        return { code: 0, signal: 0, oomKilled: false };
      }
    }
    const status = (await end.ended) ?? { code: 255, signal: 0 };
    return { code: shellCode(status), signal: status.signal, oomKilled: false };
  } finally {
    forwarding.stop();
    await connection?.close();
  }
}

/**
 * Starts the program, and makes sure that the container was there to the end: its namespaces were
 * named by a number, which may have become another process's; and a delete kills only what it finds.
 */
function startIn(view: ContainerView, request: StartRequest): Started {
  const gone = () => !isAlive(view.state.init);
  const words = 'cannot exec in a stopped container';
  try {
    return start({
      ...request,
      onSync: (token) => {
        if (token === TOKENS.ready && gone()) throw new Error(words);
      },
    });
  } catch (error) {
    // Whatever step failed, this is why.
    throw gone() ? new Error(words) : error;
  }
}
