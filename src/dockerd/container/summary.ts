/** A container in one row: what `docker ps` shows of it. */
import { basename } from 'node:path';
import type { Daemon } from '../daemon.ts';
import type { Container } from './containers.ts';
import { mountOf, networksOf } from './inspect.ts';
import type { State } from './record.ts';
import { processArgs } from './spec/process-args.ts';
import { ago, howLong } from './times.ts';

/**
 * What to call the images of containers: as they were named when the container was made, or, where
 * that name means another image now or none, by their id.
 * @returns by the container's id
 */
export async function imageNames({ images }: Pick<Daemon, 'images'>, containers: readonly Container[]): Promise<Map<string, string>> {
  const found = new Map<string, Promise<string | undefined>>();
  const idOf = (name: string): Promise<string | undefined> => {
    const known =
      found.get(name) ??
      images.get(name).then(
        ({ id }) => id,
        () => undefined,
      );
    found.set(name, known);
    return known;
  };
  return new Map(
    await Promise.all(
      containers.map(async ({ id, record }): Promise<[string, string]> => {
        const name = record.Config.Image ?? '';
        return [id, (await idOf(name)) === record.Image ? name : record.Image];
      }),
    ),
  );
}

/**
 * A row of `docker ps`.
 * @param image by {@link imageNames}
 */
export function summaryOf(daemon: Daemon, container: Container, image: string): object {
  const { record } = container;
  const { Config, State, HostConfig } = record;
  return {
    Id: record.Id,
    Names: [`/${record.Name}`],
    Image: image,
    ImageID: record.Image,
    Command: commandLine(processArgs(Config)),
    Created: Math.floor(Date.parse(record.Created) / 1000),
    Ports: [],
    Labels: Config.Labels ?? {},
    State: State.Status,
    Status: statusLine(State),
    HostConfig: { NetworkMode: HostConfig.NetworkMode ?? 'default' },
    NetworkSettings: { Networks: networksOf(daemon, container) },
    Mounts: record.Mounts.map(mountOf),
  };
}

/** As a person would type it. */
function commandLine([path = '', ...args]: string[]): string {
  const quoted = args.map((arg) => (/\s/.test(arg) ? `'${arg}'` : arg));
  return [/\//.test(path) ? path : basename(path), ...quoted].join(' ');
}

/** `Up 5 minutes (healthy)`, `Exited (0) 2 hours ago`: Docker's words. */
export function statusLine({ Status, StartedAt, FinishedAt, ExitCode, Health }: State, now = Date.now()): string {
  const health = Health && Health.Status !== 'none' ? (Health.Status === 'starting' ? ' (health: starting)' : ` (${Health.Status})`) : '';
  switch (Status) {
    case 'running':
      return `Up ${howLong(now - Date.parse(StartedAt))}${health}`;
    case 'paused':
      return `Up ${howLong(now - Date.parse(StartedAt))} (Paused)`;
    case 'restarting':
      return `Restarting (${ExitCode}) ${ago(now - Date.parse(FinishedAt))}`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    case 'created':
      return 'Created';
    default:
      return `Exited (${ExitCode}) ${ago(now - Date.parse(FinishedAt))}`;
  }
}
