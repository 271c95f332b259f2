/** Delete: what is left of a process that has ended, or was never started. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { atMost } from './at-most.ts';
import { type Container, inTurn, stateOf } from './container.ts';
import { messageOf, unknown } from './errors.ts';
import { unmountRootfs } from './rootfs.ts';
import { check } from './state-rules.ts';
import type { TaskProcess } from './task-process.ts';

const SIGKILL = 9;
/** How long Delete waits for output that is being copied, in ms: children of an exec may hold it open for ever. */
const COPY_MS = 2_000;
/** How long it waits for somebody to open a stream that nobody has read, in ms. A reader that is there loses nothing. */
const LATE_MS = 200;
const KILL_MS = 10_000;

/** @throws ConnectError when it still runs, or cannot be taken away */
export function deleteProcess(container: Container, process: TaskProcess, log: (sentence: string) => void): Promise<void> {
  return inTurn(container, () => (process.isInit ? deleteInit(container, log) : deleteExec(container, process)));
}

async function drain({ state, io }: TaskProcess): Promise<void> {
  if (state !== 'stopped' || !io) return;
  await atMost(io.copied, COPY_MS);
  await atMost(io.drained, LATE_MS);
}

async function deleteExec(container: Container, exec: TaskProcess): Promise<void> {
  check('delete', stateOf(container, exec));
  await drain(exec);
  exec.io?.close();
  exec.ended.resolve();
  rmSync(join(container.bundle, `${exec.id}.pid`), { force: true });
}

async function deleteInit(container: Container, log: (sentence: string) => void): Promise<void> {
  const { id, init, runtime, execs, bundle } = container;
  check('delete', stateOf(container, init));
  if (init.state === 'created' && init.pid) {
    // Its end is seen, told and reaped as any other: the runtime finds it gone.
    await runtime.kill(id, SIGKILL, false).catch(() => {});
    await atMost(init.ended.promise, KILL_MS);
  }
  await drain(init);
  try {
    await runtime.delete(id, false);
  } catch (error) {
    // A checkpoint has taken it away already.
    if (!messageOf(error).includes('does not exist')) throw unknown(`failed to delete task: ${messageOf(error)}`);
  }
  for (const process of [init, ...execs.values()]) {
    process.io?.close();
    process.ended.resolve();
  }
  container.unwatch();
  try {
    unmountRootfs(bundle);
  } catch (error) {
    log(`container ${id}: ${messageOf(error)}`);
    throw unknown(`failed rootfs umount: ${messageOf(error)}`);
  }
}
