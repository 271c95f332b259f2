/** Follows the stats of many containers at once: one stream for each, opened when it starts and closed when it ends. */
import type { ContainerInfo } from 'dockerode';
import type { Connection } from './connect/connect.ts';
import { ask, askStream } from './connect/request.ts';
import { type Sample, type Usage, usageOf } from './container/usage.ts';
import { jsonLines } from './streams/json-lines.ts';

export interface Watch {
  /** The newest of each, in the order in which they were found; undefined where nothing has come yet. */
  usages(): (Usage & { running: boolean })[];
  close(): void;
}

const NOTHING: Omit<Usage, 'id' | 'name'> = {
  cpuPercent: 0,
  memory: 0,
  memoryLimit: 0,
  received: 0,
  sent: 0,
  read: 0,
  written: 0,
  pids: 0,
};

/** The containers that are named, or all that run (with `all`, also those that do not). */
export async function targets(
  connection: Connection,
  names: readonly string[],
  all: boolean,
): Promise<{ id: string; name: string; running: boolean }[]> {
  if (names.length === 0) {
    const found = await ask<ContainerInfo[]>(connection, '/containers/json', { query: { all: all ? 1 : undefined } });
    return found.map(({ Id, Names, State }) => ({
      id: Id,
      name: (Names[0] ?? '').replace(/^\//, ''),
      running: State === 'running' || State === 'paused',
    }));
  }
  return Promise.all(
    names.map(async (name) => {
      const { Id, Name, State } = await ask<{ Id: string; Name: string; State: { Running: boolean } }>(
        connection,
        `/containers/${name}/json`,
      );
      return { id: Id, name: Name.replace(/^\//, ''), running: State.Running };
    }),
  );
}

/** One sample of each. */
export async function sampleOnce(connection: Connection, of: readonly { id: string; name: string }[]): Promise<Usage[]> {
  return Promise.all(
    of.map(async ({ id, name }) => usageOf(await ask<Sample>(connection, `/containers/${id}/stats`, { query: { stream: 0 } }), id, name)),
  );
}

/**
 * @param find which containers there are now; asked again by {@link Watch} users through `refresh`
 */
export function watchStats(
  connection: Connection,
): Watch & { follow(of: readonly { id: string; name: string; running: boolean }[]): void } {
  const followed = new Map<string, { name: string; running: boolean; usage?: Usage; stop: AbortController }>();
  async function read(id: string, entry: { name: string; usage?: Usage; running: boolean; stop: AbortController }) {
    try {
      const stream = await askStream(connection, `/containers/${id}/stats`, { query: { stream: 1 }, signal: entry.stop.signal });
      entry.stop.signal.addEventListener('abort', () => stream.destroy());
      for await (const sample of jsonLines<Sample>(stream)) entry.usage = usageOf(sample, id, entry.name);
    } catch {
      // It was removed, or nobody wants to know any more.
    }
    entry.running = false;
  }
  return {
    follow(of) {
      const there = new Set(of.map(({ id }) => id));
      for (const [id, { stop }] of followed)
        if (!there.has(id)) {
          stop.abort();
          followed.delete(id);
        }
      for (const { id, name, running } of of) {
        const known = followed.get(id);
        if (known) {
          known.name = name;
          if (known.running || !running) continue;
        }
        const entry = { name, running, stop: new AbortController() };
        followed.set(id, entry);
        if (running) void read(id, entry);
      }
    },
    usages: () => [...followed].map(([id, { name, running, usage }]) => ({ ...(usage ?? { id, name, ...NOTHING }), name, running })),
    close() {
      for (const { stop } of followed.values()) stop.abort();
    },
  };
}
