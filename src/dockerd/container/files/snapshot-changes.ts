/** The changes of a container's snapshot, also while it runs. */
import { randomBytes } from 'node:crypto';
import { withChanges } from '../../../containerd/diff/diff.ts';
import type { Daemon } from '../../daemon.ts';
import type { Container } from '../containers.ts';
import { SNAPSHOT_LABEL } from '../snapshot-label.ts';
import { unlessGone } from '../task.ts';
import { type OwnChange, ownChanges } from './own-changes.ts';

/** Runs it with all that the container has changed of its image. */
export async function withOwnChanges<T>(
  { clients }: Pick<Daemon, 'clients'>,
  { id, record }: Container,
  act: (all: Generator<OwnChange>) => Promise<T>,
): Promise<T> {
  const snapshotter = record.Snapshotter;
  const { info } = await clients.snapshots.stat({ snapshotter, key: id });
  const { mounts } = await clients.snapshots.mounts({ snapshotter, key: id });
  const parent = info?.parent ?? '';
  const run = (lower: typeof mounts): Promise<T> => withChanges(lower, mounts, ({ all, lower: tree }) => act(ownChanges(all, tree)));
  if (parent === '') return run([]);
  const key = `${id}-parent-${randomBytes(6).toString('hex')}`;
  // Whoever is killed meanwhile leaves a view.
  const labels = { [SNAPSHOT_LABEL]: id, 'containerd.io/gc.root': new Date().toISOString() };
  const { mounts: lower } = await clients.snapshots.view({ snapshotter, key, parent, labels });
  try {
    return await run(lower);
  } finally {
    await unlessGone(clients.snapshots.remove({ snapshotter, key }));
  }
}
