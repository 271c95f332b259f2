/** Calls to containerd about a container's task that forgive what does not matter. */
import { Code, ConnectError } from '@connectrpc/connect';
import type { ContainerdClients } from '../containerd/clients.ts';

export const isNotFound = (error: unknown): boolean => error instanceof ConnectError && error.code === Code.NotFound;

/** What a call for a task says whose container has ended a moment ago, before anybody has told us. */
export const hasEnded = (error: unknown): boolean =>
  isNotFound(error) || (error instanceof ConnectError && /not running|stopped|already finished|ttrpc: closed/.test(error.rawMessage));

/** Waits; something that is not there is as good as gone. */
export async function unlessGone(action: Promise<unknown>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** containerd has a code for it, shims have only words. */
const stillRuns = (error: unknown): boolean =>
  error instanceof ConnectError && (error.code === Code.FailedPrecondition || /cannot delete a (running|paused)/.test(error.rawMessage));

/** Takes the task away, whatever its state, and containerd's record of the container. The snapshot stays. */
export async function removeTask({ tasks, containers }: ContainerdClients, id: string): Promise<void> {
  try {
    await unlessGone(tasks.delete({ containerId: id }));
  } catch (error) {
    if (!stillRuns(error)) throw error;
    const ended = tasks.wait({ containerId: id });
    await unlessGone(tasks.kill({ containerId: id, signal: 9, all: true }));
    // A signal ends nothing that is frozen; most is not.
    await tasks.resume({ containerId: id }).catch(() => undefined);
    await unlessGone(ended);
    await unlessGone(tasks.delete({ containerId: id }));
  }
  await unlessGone(containers.delete({ id }));
}
