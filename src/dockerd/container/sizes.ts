/** How much a container has written, and how much that is with its image; in bytes. */
import type { Daemon } from '../daemon.ts';
import type { Container } from './containers.ts';
import { isNotFound, unlessGone } from './task.ts';

export interface Sizes {
  SizeRw: number;
  SizeRootFs: number;
}

/** The snapshot's own bytes, and those of all below it; nothing of a container that has just been removed. */
export async function sizesOf(daemon: Pick<Daemon, 'clients'>, container: Container): Promise<Sizes> {
  try {
    return await measured(daemon, container);
  } catch (error) {
    if (isNotFound(error)) return { SizeRw: 0, SizeRootFs: 0 };
    throw error;
  }
}

async function measured({ clients }: Pick<Daemon, 'clients'>, { id, record }: Container): Promise<Sizes> {
  const snapshotter = record.Snapshotter;
  const { size } = await clients.snapshots.usage({ snapshotter, key: id });
  let whole = size;
  let key = id;
  for (;;) {
    const { info } = await clients.snapshots.stat({ snapshotter, key });
    key = info?.parent ?? '';
    if (key === '') break;
    const below = key;
    await unlessGone(
      clients.snapshots.usage({ snapshotter, key: below }).then((usage) => {
        whole += usage.size;
      }),
    );
  }
  return { SizeRw: Number(size), SizeRootFs: Number(whole) };
}
