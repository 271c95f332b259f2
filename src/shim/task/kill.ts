/** Kill: a signal to a process, or to all of a container. */
import { signal as send } from '../../libc/process.ts';
import type { Container } from './container.ts';
import { failedPrecondition, messageOf, notFound, unknown } from './errors.ts';
import type { TaskProcess } from './task-process.ts';

const SIGKILL = 9;

/** What a runtime says of a kill, as clients know it: Docker and ctr look for "process already finished". */
function killError(error: unknown): Error {
  const text = messageOf(error);
  if (/container not running|process already finished|no such process/i.test(text)) return notFound('process already finished');
  if (text.includes('does not exist')) return notFound('no such container');
  return unknown(`unknown error after kill: ${text}`);
}

/** @throws ConnectError when the process is not there any more */
export async function killProcess(container: Container, process: TaskProcess, signal: number, all: boolean): Promise<void> {
  if (process.isInit) {
    if (process.state === 'stopped' && !all) throw notFound('process already finished');
    try {
      // SIGKILL to the init of a pid namespace is the kernel's word for "all", and asks for no patience.
      await container.runtime.kill(container.id, signal, all && !(signal === SIGKILL && container.ownPids && process.state !== 'stopped'));
    } catch (error) {
      throw killError(error);
    }
    return;
  }
  if (process.pid === 0) throw failedPrecondition('process not created');
  // Reaped or about to be: its number is not used again before that.
  if (process.state === 'stopped' || !send(process.pid, signal)) throw notFound('process already finished');
}
