/** Pause and unpause: all processes of a container are frozen by its cgroup. */
import type { Daemon } from '../daemon.ts';
import { conflict, serverError } from '../http/api-error.ts';
import type { Container } from './containers.ts';
import { hasEnded } from './task.ts';

export const pause = (daemon: Daemon, container: Container): Promise<void> =>
  container.locked(async () => {
    const { State } = container.record;
    if (State.Status === 'paused') throw conflict(`Container ${container.id} is already paused`);
    if (State.Status === 'restarting') throw conflict(`Container ${container.id} is restarting, wait until the container is running`);
    if (State.Status !== 'running') throw conflict(`Container ${container.id} is not running`);
    try {
      await daemon.clients.tasks.pause({ containerId: container.id });
    } catch (error) {
      // One that is being killed counts as running here until it has gone on for that.
      if (hasEnded(error) || /pause a paused/.test(String(error))) throw conflict(`Container ${container.id} is not running`);
      throw serverError(`Cannot pause container ${container.id}: ${(error as Error).message}`, error);
    }
    State.Status = 'paused';
    daemon.health.paused(container);
    container.note();
    container.tell('pause');
  });

export const unpause = (daemon: Daemon, container: Container): Promise<void> =>
  container.locked(async () => {
    const { State } = container.record;
    if (State.Status !== 'paused') throw conflict(`Container ${container.id} is not paused`);
    try {
      await daemon.clients.tasks.resume({ containerId: container.id });
    } catch (error) {
      // One that is killed goes on for that.
      if (hasEnded(error) || /not paused/.test(String(error))) throw conflict(`Container ${container.id} is not paused`);
      throw serverError(`Cannot unpause container ${container.id}: ${(error as Error).message}`, error);
    }
    State.Status = 'running';
    daemon.health.resumed(container);
    container.note();
    container.tell('unpause');
  });
