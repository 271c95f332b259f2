/** `docker image prune`: what no container uses goes, if it has no tag, or (`-a`) anyway. */
import type { Daemon } from '../daemon.ts';
import { pointInTime } from '../http/point-in-time.ts';
import { booleanFilter, type Filters, labelsMatch } from '../http/query.ts';
import type { Image } from './images.ts';
import { createdAt } from './list.ts';
import { type ImageReference, isDigestReference, referencesOf } from './references.ts';
import { carryOut, type Removed, usersOf } from './remove.ts';

export const PRUNE_FILTERS = ['dangling', 'label', 'label!', 'until'] as const;

export interface Pruned {
  ImagesDeleted: Removed[] | null;
  /** bytes */
  SpaceReclaimed: number;
}

/** @throws 400 for the filters */
export async function pruneImages(
  daemon: Pick<Daemon, 'images' | 'stores' | 'clients' | 'events' | 'containers'>,
  filters: Filters,
): Promise<Pruned> {
  const danglingOnly = booleanFilter(filters, 'dangling') ?? true;
  const until = Math.min(...(filters.get('until') ?? []).map((text) => pointInTime(text)));
  const unwanted = filters.get('label!') ?? [];
  const chosen: { image: Image; references: ImageReference[] }[] = [];
  for (const image of await daemon.images.list()) {
    const labels = image.config.config?.Labels;
    if (createdAt(image) > until || !labelsMatch(filters.get('label'), labels)) continue;
    if (unwanted.some((entry) => labelsMatch([entry], labels))) continue;
    const references = await referencesOf(daemon.stores.content, image);
    if (danglingOnly && !references.every(isDigestReference)) continue;
    if (usersOf(daemon, image).length === 0) chosen.push({ image, references });
  }
  const removed: Removed[] = [];
  let SpaceReclaimed = 0;
  for (const [i, { image, references }] of chosen.entries()) {
    // Meanwhile somebody may have made a container of it.
    if (usersOf(daemon, image).length > 0) continue;
    const sizes = new Map((await daemon.images.layers(image)).map(({ chainId, size }) => [chainId, size]));
    const done = await carryOut(daemon, image, { untag: references, image: 'gone' }, i + 1 === chosen.length);
    removed.push(...done);
    for (const entry of done) if ('Deleted' in entry) SpaceReclaimed += sizes.get(entry.Deleted) ?? 0;
  }
  daemon.events.publish('image', 'prune', '', { reclaimed: String(SpaceReclaimed) });
  return { ImagesDeleted: removed.length > 0 ? removed : null, SpaceReclaimed };
}
