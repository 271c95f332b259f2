/** The end of a process: noticed, told in the right order, remembered. */
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { atMost } from './at-most.ts';
import type { Container } from './container.ts';
import { messageOf } from './errors.ts';
import type { TaskEvents } from './events.ts';
import { onExit } from './reaper.ts';
import type { TaskProcess } from './task-process.ts';

const SIGKILL = 9;
/** How long an init's end is held back for those of its execs, in ms. */
const PATIENCE_MS = 10_000;

/**
 * Waits for a process that has been made. Its end is told after its start, and an init's after those of
 * all execs: whoever hears of it may take the container away.
 */
export function awaitEnd(container: Container, process: TaskProcess, events: TaskEvents, log: (sentence: string) => void): void {
  const tell = async (status: number): Promise<void> => {
    const at = new Date();
    await process.starting;
    if (process.isInit) await endOthers(container, log);
    finish(container, process, { status, at });
    events.exited({
      containerId: container.id,
      id: process.id,
      pid: process.pid,
      exitStatus: status,
      exitedAt: timestampFromDate(at),
    });
    process.ended.resolve();
  };
  onExit(process.pid, (status) => {
    tell(status).catch((error) => log(`container ${container.id}: the end of ${process.id}: ${messageOf(error)}`));
  });
}

/** Written down at once, so that State and Delete see it before anybody is told. */
function finish(container: Container, process: TaskProcess, exit: { status: number; at: Date }): void {
  process.state = 'stopped';
  process.exit = exit;
  process.io?.ended();
  if (!process.isInit) return;
  container.paused = false;
  container.unwatch();
}

/** Without a pid namespace the others do not end with their init. */
async function endOthers(container: Container, log: (sentence: string) => void): Promise<void> {
  if (!container.ownPids) {
    try {
      await container.runtime.kill(container.id, SIGKILL, true);
    } catch (error) {
      log(`container ${container.id}: ending what is left after its init: ${messageOf(error)}`);
    }
  }
  const running = [...container.execs.values()].filter((exec) => exec.state === 'running');
  if (running.length) await atMost(Promise.all(running.map((exec) => exec.ended.promise)), PATIENCE_MS);
}
