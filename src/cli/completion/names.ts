/** Names of what there is, for completion: what cannot be asked has none, and no daemon is started for it. */
import { listContainers } from '../../runc/container/list.ts';
import type { Context } from '../command.ts';
import { connectIfThere, daemonNamed } from '../docker/connect/connect.ts';
import { ask } from '../docker/connect/request.ts';

export type Things = 'containers' | 'images' | 'volumes' | 'networks' | 'everything';

export async function namesOf(things: Things, context: Context): Promise<string[]> {
  const wants = (kind: Things) => things === kind || things === 'everything';
  const names: string[] = [];
  if (wants('containers') && !daemonNamed(context)) names.push(...listContainers(await context.stateRoot()).map(({ state }) => state.name));
  const connection = await connectIfThere(context).catch(() => undefined);
  if (!connection) return names;
  try {
    if (wants('containers')) {
      const found = await ask<{ Names: string[] }[]>(connection, '/containers/json', { query: { all: 1 } });
      names.push(...found.map(({ Names }) => (Names[0] ?? '').replace(/^\//, '')));
    }
    if (wants('images')) {
      const found = await ask<{ RepoTags: string[] | null }[]>(connection, '/images/json');
      names.push(...found.flatMap(({ RepoTags }) => RepoTags ?? []).filter((name) => !name.startsWith('<')));
    }
    if (wants('volumes')) {
      const { Volumes } = await ask<{ Volumes: { Name: string }[] | null }>(connection, '/volumes');
      names.push(...(Volumes ?? []).map(({ Name }) => Name));
    }
    if (wants('networks')) names.push(...(await ask<{ Name: string }[]>(connection, '/networks')).map(({ Name }) => Name));
  } catch {
    // A daemon that cannot tell all of it has told what it could.
  }
  return [...new Set(names)];
}
