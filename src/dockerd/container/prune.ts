/** `docker container prune`: those that do not run go. */
import { textOf } from '../../containerd/log.ts';
import type { Daemon } from '../daemon.ts';
import { badRequest, isStatus } from '../http/api-error.ts';
import { pointInTime } from '../http/point-in-time.ts';
import { type Filters, labelsMatch } from '../http/query.ts';
import type { Container } from './containers.ts';
import { isRunning } from './record.ts';
import { removeContainer } from './remove.ts';
import { isNotFound } from './task.ts';

export const PRUNE_FILTERS = ['label', 'label!', 'until'] as const;

export interface ContainersPruned {
  ContainersDeleted: string[] | null;
  /** bytes */
  SpaceReclaimed: number;
}

/**
 * Which containers go. `label` must fit in all its values, `label!` must not so fit; `until` is when it was made at the latest.
 * @throws 400
 */
export function prunable(filters: Filters, now = Date.now()): (container: Pick<Container, 'record'>) => boolean {
  const [until, ...more] = filters.get('until') ?? [];
  if (more.length > 0) throw badRequest('more than one until filter specified');
  const latest = until === undefined ? Number.POSITIVE_INFINITY : pointInTime(until, now);
  const unwanted = filters.get('label!') ?? [];
  return ({ record }) => {
    const labels = record.Config.Labels ?? {};
    return (
      !isRunning(record) &&
      record.State.Status !== 'removing' &&
      Date.parse(record.Created) <= latest &&
      labelsMatch(filters.get('label'), labels) &&
      !(unwanted.length > 0 && labelsMatch(unwanted, labels))
    );
  };
}

/** Their anonymous volumes stay, as in Docker. @throws 400 */
export async function pruneContainers(daemon: Daemon, filters: Filters): Promise<ContainersPruned> {
  const deleted: string[] = [];
  let reclaimed = 0;
  for (const container of daemon.containers.list().filter(prunable(filters))) {
    const { id, record } = container;
    try {
      const { size } = await daemon.clients.snapshots.usage({ snapshotter: record.Snapshotter, key: id });
      await removeContainer(daemon, container, { force: false, volumes: false });
      reclaimed += Number(size);
      deleted.push(id);
    } catch (error) {
      // Started, or removed by somebody else, since it was looked at; or its files cannot be removed. The others go.
      const known = isNotFound(error) || isStatus(error, 409);
      daemon.log(known ? 'debug' : 'warn', 'container not pruned', { id, error: textOf(error) });
    }
  }
  daemon.events.publish('container', 'prune', '', { reclaimed: String(reclaimed) });
  return { ContainersDeleted: deleted.length > 0 ? deleted : null, SpaceReclaimed: reclaimed };
}
