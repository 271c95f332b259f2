/** Volumes: create, list, inspect, remove, prune. */
import * as v from 'valibot';
import type { Daemon } from '../daemon.ts';
import { badRequest, conflict } from '../http/api-error.ts';
import { since } from '../http/call.ts';
import { labels, optional, text } from '../http/fields.ts';
import { booleanFilter, type Filters, filters, flag, labelsMatch } from '../http/query.ts';
import { type Route, route } from '../http/router.ts';
import { pruneVolumes } from '../volume/prune.ts';
import type { Volume } from '../volume/volumes.ts';

const createRequest = v.object({
  Name: text,
  Driver: text,
  DriverOpts: labels,
  Labels: labels,
  ClusterVolumeSpec: optional(v.looseObject({})),
});

/** As the API has it; without what only the daemon needs. */
const shown = ({ anonymous: _, ...volume }: Volume): Omit<Volume, 'anonymous'> => volume;

/** A part of the name, or a regular expression; as Docker takes it. */
function nameFits(wanted: readonly string[], name: string): boolean {
  return wanted.some((text) => {
    try {
      return text === name || new RegExp(text).test(name);
    } catch {
      return false;
    }
  });
}

function isWanted(volume: Volume, wanted: Filters, users: number): boolean {
  const dangling = booleanFilter(wanted, 'dangling');
  const [drivers = [], names = []] = [wanted.get('driver'), wanted.get('name')];
  return (
    (dangling === undefined || dangling === (users === 0)) &&
    (drivers.length === 0 || drivers.includes(volume.Driver)) &&
    (names.length === 0 || nameFits(names, volume.Name)) &&
    labelsMatch(wanted.get('label'), volume.Labels ?? {})
  );
}

/** Whether prune is to take volumes that have a name as well. */
function takesNamed(wanted: Filters): boolean {
  const all = wanted.get('all') ?? [];
  if (all.length > 1) throw badRequest(`invalid filter 'all=[${all.join(' ')}]': only one value is expected`);
  return booleanFilter(wanted, 'all') ?? false;
}

export function volumeRoutes({ volumes, events }: Daemon): Route[] {
  let pruning = false;
  return [
    route('GET', '/volumes', (call) => {
      const wanted = filters(call.query, ['dangling', 'driver', 'label', 'name']);
      const found = volumes.list().filter((volume) => isWanted(volume, wanted, volumes.usedBy(volume.Name).length));
      call.reply(200, { Volumes: found.map(shown), Warnings: null });
    }),
    route('POST', '/volumes/create', async (call) => {
      const { Name, Driver, DriverOpts, Labels, ClusterVolumeSpec } = await call.json(createRequest);
      if (ClusterVolumeSpec !== undefined)
        throw badRequest('ClusterVolumeSpec: this daemon is part of no swarm, and has no cluster volumes');
      call.reply(201, shown(await volumes.create({ name: Name, driver: Driver, options: DriverOpts, labels: Labels })));
    }),
    route('POST', '/volumes/prune', async (call) => {
      const wanted = filters(call.query, ['all', 'label', 'label!']);
      // Before version 1.42, unused volumes with a name were pruned as well.
      const named = !since(call, 42) || takesNamed(wanted);
      if (pruning) throw conflict('a prune operation is already running');
      pruning = true;
      try {
        const report = await pruneVolumes(
          volumes,
          ({ anonymous, Labels }) =>
            (named || anonymous) &&
            labelsMatch(wanted.get('label'), Labels ?? {}) &&
            !(wanted.has('label!') && labelsMatch(wanted.get('label!'), Labels ?? {})),
        );
        events.publish('volume', 'prune', '', { reclaimed: String(report.SpaceReclaimed) });
        call.reply(200, report);
      } finally {
        pruning = false;
      }
    }),
    route('GET', '/volumes/{name}', (call) => call.reply(200, shown(volumes.get(call.params.name as string)))),
    route('DELETE', '/volumes/{name}', async (call) => {
      await volumes.remove(call.params.name as string, flag(call.query, 'force'));
      call.empty(204);
    }),
  ];
}
