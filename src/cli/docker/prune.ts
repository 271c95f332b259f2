/** Removing what nothing uses: the requests that `prune` commands make, and how they tell of it. */
import type { Connection } from './connect/connect.ts';
import { ask, filtersOf } from './connect/request.ts';

export interface Pruned {
  /** What is printed for each thing, and before them. */
  title: string;
  removed: string[];
  reclaimed: number;
}

interface Answer {
  ContainersDeleted?: string[] | null;
  ImagesDeleted?: { Untagged?: string; Deleted?: string }[] | null;
  VolumesDeleted?: string[] | null;
  NetworksDeleted?: string[] | null;
  CachesDeleted?: string[] | null;
  SpaceReclaimed?: number;
}

const post = (connection: Connection, path: string, filters: Record<string, string[]> | undefined): Promise<Answer> =>
  ask(connection, path, { method: 'POST', query: { filters } });

export async function pruneContainers(connection: Connection, filter?: readonly string[]): Promise<Pruned> {
  const answer = await post(connection, '/containers/prune', filtersOf(filter));
  return { title: 'Deleted Containers', removed: answer.ContainersDeleted ?? [], reclaimed: answer.SpaceReclaimed ?? 0 };
}

/** @param all also those that have a name, as long as no container uses them */
export async function pruneImages(connection: Connection, all: boolean, filter?: readonly string[]): Promise<Pruned> {
  const answer = await post(connection, '/images/prune', { dangling: [String(!all)], ...filtersOf(filter) });
  const removed = (answer.ImagesDeleted ?? []).map(({ Untagged, Deleted }) => (Deleted ? `deleted: ${Deleted}` : `untagged: ${Untagged}`));
  return { title: 'Deleted Images', removed, reclaimed: answer.SpaceReclaimed ?? 0 };
}

/** @param all also those with a name (before API 1.42 these were always taken) */
export async function pruneVolumes(connection: Connection, all: boolean, filter?: readonly string[]): Promise<Pruned> {
  const filters: Record<string, string[]> = { ...(all && connection.api >= 42 ? { all: ['true'] } : {}), ...filtersOf(filter) };
  const answer = await post(connection, '/volumes/prune', Object.keys(filters).length > 0 ? filters : undefined);
  return { title: 'Deleted Volumes', removed: answer.VolumesDeleted ?? [], reclaimed: answer.SpaceReclaimed ?? 0 };
}

export async function pruneNetworks(connection: Connection, filter?: readonly string[]): Promise<Pruned> {
  const answer = await post(connection, '/networks/prune', filtersOf(filter));
  return { title: 'Deleted Networks', removed: answer.NetworksDeleted ?? [], reclaimed: 0 };
}

export const prunedText = ({ title, removed }: Pruned): string => (removed.length > 0 ? `${title}:\n${removed.join('\n')}\n\n` : '');
