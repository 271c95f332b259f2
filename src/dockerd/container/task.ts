/** Calls to containerd about a container's task that forgive what does not matter. */
import { Code, ConnectError } from '@connectrpc/connect';
import type { ContainerdClients } from '../containerd/clients.ts';

export const isNotFound = (error: unknown): boolean => error instanceof ConnectError && error.code === Code.NotFound;

/** Waits; something that is not there is as good as gone. */
export async function unlessGone(action: Promise<unknown>): Promise<void> {
  try {
    await action;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** Takes the task away, whatever its state, and containerd's record of the container. The snapshot stays. */
export async function removeTask({ tasks, containers }: ContainerdClients, id: string): Promise<void> {
  try {
    await unlessGone(tasks.delete({ containerId: id }));
  } catch (error) {
    if (!(error instanceof ConnectError) || error.code !== Code.FailedPrecondition) throw error;
    // It still runs.
    const ended = tasks.wait({ containerId: id });
    await unlessGone(tasks.kill({ containerId: id, signal: 9, all: true }));
    await unlessGone(ended);
    await unlessGone(tasks.delete({ containerId: id }));
  }
  await unlessGone(containers.delete({ id }));
}
