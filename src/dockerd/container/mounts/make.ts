/** Mount points made of plans: volumes are created, images found. */
import type { Daemon } from '../../daemon.ts';
import type { MountPoint } from '../record.ts';
import { SNAPSHOT_LABEL } from '../snapshot-label.ts';
import { unlessGone } from '../task.ts';
import type { PlannedMount } from './mount-request.ts';

export interface MadeMounts {
  points: MountPoint[];
  /** The container is written down: nothing else has to hold the volumes. */
  keep(): void;
  /** The container could not be made. Volumes that nobody named go, others stay, as in Docker. */
  undo(): Promise<void>;
}

/** The snapshot of an image that a container has mounted; without the image's id, another one may be called so by the next start. */
export const imageSnapshotKey = (containerId: string, index: number): string => `${containerId}-image-${index}`;

/** @throws 404 for an image that is not here; nothing is left then */
export async function makeMounts(daemon: Daemon, planned: readonly PlannedMount[], containerId: string): Promise<MadeMounts> {
  const { volumes, images, clients, snapshotter } = daemon;
  const points: MountPoint[] = [];
  const undos: (() => Promise<unknown>)[] = [async () => volumes.release(containerId)];
  const undo = async (): Promise<void> => {
    for (const step of undos) await step().catch((error: unknown) => daemon.log('warn', 'mount of a container that failed', { error }));
  };
  try {
    for (const { point, volume, shared } of planned) {
      if (point.Type === 'image') {
        const { id, chainId } = await images.get(point.Source);
        const key = imageSnapshotKey(containerId, points.length);
        await clients.snapshots.view({
          snapshotter,
          key,
          parent: chainId,
          labels: { [SNAPSHOT_LABEL]: containerId, 'containerd.io/gc.root': id },
        });
        undos.push(() => unlessGone(clients.snapshots.remove({ snapshotter, key })));
        points.push({ ...point, Source: id, Snapshot: key });
      } else if (!volume) points.push(point);
      else {
        if (shared) volumes.get(volume.name as string);
        const anonymous = !volume.name;
        const { Name, Mountpoint } = await volumes.create(volume, containerId);
        if (anonymous) undos.push(() => volumes.remove(Name, true));
        points.push({ ...point, Name, Source: Mountpoint, Driver: 'local' });
      }
    }
  } catch (error) {
    await undo();
    throw error;
  }
  return { points, keep: () => volumes.release(containerId), undo };
}

/** With the container, what was made for it of images goes too. */
export async function removeImageMounts(
  { clients }: Pick<Daemon, 'clients'>,
  points: readonly MountPoint[],
  snapshotter: string,
): Promise<void> {
  for (const { Snapshot } of points) if (Snapshot !== undefined) await unlessGone(clients.snapshots.remove({ snapshotter, key: Snapshot }));
}
