/** Start: a created container's command begins, or an exec. */
import { criuWork } from './checkpoint.ts';
import { type Container, inTurn, stateOf } from './container.ts';
import type { ShimContext } from './context.ts';
import { makeInit, orSay, stdioOptions } from './create.ts';
import { deferred } from './deferred.ts';
import { failedPrecondition, messageOf, unknown } from './errors.ts';
import { openIo } from './open-io.ts';
import { check } from './state-rules.ts';
import type { TaskProcess } from './task-process.ts';

interface Watcher {
  /** Tells of the start. */
  told(): void;
  /** Begins to wait for the end. */
  watch(): void;
}

/** Resolves when the command runs and that has been told. @throws ConnectError */
export function startProcess(container: Container, process: TaskProcess, context: ShimContext, watcher: Watcher): Promise<void> {
  const start = process.isInit ? startInit : startExec;
  return inTurn(container, () => start(container, process, context, watcher));
}

async function startInit(container: Container, init: TaskProcess, context: ShimContext, watcher: Watcher): Promise<void> {
  check('start', stateOf(container, init));
  if (container.checkpoint) return restore(container, init, context, watcher);
  const told = deferred<void>();
  init.starting = told.promise;
  try {
    await orSay('OCI runtime start failed', () => container.runtime.start(container.id));
    // It may have ended meanwhile: that will be told in a moment.
    init.state = 'running';
    watcher.told();
  } finally {
    told.resolve();
  }
}

/** A container that was saved goes on where it was. */
async function restore(container: Container, init: TaskProcess, context: ShimContext, watcher: Watcher): Promise<void> {
  const { id, bundle, checkpoint, runtime } = container;
  await makeInit(container, context, 'OCI runtime restore failed', ({ streams }) =>
    runtime.restore({ id, bundle, streams, images: checkpoint, work: criuWork(container) }),
  );
  init.state = 'running';
  watcher.told();
  watcher.watch();
}

async function startExec(container: Container, exec: TaskProcess, context: ShimContext, watcher: Watcher): Promise<void> {
  check('start', stateOf(container, exec));
  if (container.init.state === 'stopped') throw failedPrecondition(`container ${container.id} init process is not running`);
  try {
    exec.io = await openIo(exec.stdio, stdioOptions(container, exec, context));
  } catch (error) {
    throw unknown(`failed to create exec process I/O: ${messageOf(error)}`);
  }
  const { io, id: execId } = exec;
  try {
    const made = await orSay('OCI runtime exec failed', () =>
      container.runtime.exec(container.id, { execId, process: sized(exec), streams: io.streams }),
    );
    exec.pid = made.pid;
    io.started(made.master);
  } catch (error) {
    io.close();
    exec.io = undefined;
    // Whoever waits for it is not to wait for ever.
    exec.ended.resolve();
    throw error;
  }
  exec.state = 'running';
  watcher.told();
  watcher.watch();
}

/** A size that was asked for before there was a terminal is the terminal's first one. */
const sized = ({ spec = {}, size, stdio }: TaskProcess): Record<string, unknown> =>
  stdio.terminal && size ? { ...spec, consoleSize: { height: size.rows, width: size.columns } } : spec;
