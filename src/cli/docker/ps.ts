/** `minirun ps` where a daemon takes part: its containers, and those made without it, in Docker's form. */
import type { ContainerInfo } from 'dockerode';
import type { ContainerView } from '../../runc/container/state.ts';
import { commandOf, type PsOptions, statusOf } from '../commands/ps.ts';
import { UsageError } from '../usage-error.ts';
import type { Connection } from './connect/connect.ts';
import { readConfig } from './connect/docker-config.ts';
import { ask, filtersOf } from './connect/request.ts';
import { type Port, portText } from './container/port-text.ts';
import { type Listing, printList } from './output/listing.ts';
import { ago, goTime, humanSize, shortId } from './output/units.ts';

type Row = Pick<ContainerInfo, 'Id' | 'Names' | 'Image' | 'Command' | 'Created' | 'Status' | 'State' | 'Labels'> & {
  Ports: Port[];
  Mounts: { Name?: string; Source?: string }[];
  Networks: string[];
  SizeRw?: number;
  SizeRootFs?: number;
};

/** With a daemon's row beside it, what was made without one looks alike; its image is its root file system. */
const rowOf = (view: ContainerView): Row => ({
  Id: view.state.id,
  Names: [`/${view.state.name}`],
  Image: view.state.rootfs,
  Command: commandOf(view),
  Created: Math.floor(Date.parse(view.state.created) / 1000),
  Status: statusOf(view),
  State: view.status === 'stopped' ? 'exited' : view.status,
  Labels: {},
  Ports: [],
  Mounts: [],
  Networks: [],
});

const LONGEST_COMMAND = 20;

function commandText(command: string, whole: boolean): string {
  const cut = whole || command.length <= LONGEST_COMMAND ? command : `${command.slice(0, LONGEST_COMMAND - 1)}…`;
  return JSON.stringify(cut);
}

/** Docker's names of an image that is known by its id alone are cut too. */
const imageText = (image: string, whole: boolean): string => (whole || !/^sha256:[0-9a-f]{64}$/.test(image) ? image : shortId(image));

export const containerListing = (whole: boolean, size: boolean): Listing<Row> => ({
  columns: {
    ID: { header: 'CONTAINER ID', value: (c) => (whole ? c.Id : shortId(c.Id)) },
    Image: { header: 'IMAGE', value: (c) => imageText(c.Image, whole) },
    Command: { header: 'COMMAND', value: (c) => commandText(c.Command, whole) },
    RunningFor: { header: 'CREATED', value: (c) => ago(c.Created) },
    CreatedAt: { header: 'CREATED AT', value: (c) => goTime(c.Created * 1000) },
    Status: { header: 'STATUS', value: (c) => c.Status },
    State: { header: 'STATE', value: (c) => c.State },
    Ports: { header: 'PORTS', value: (c) => portText(c.Ports) },
    Names: {
      header: 'NAMES',
      value: (c) =>
        c.Names.map((name) => name.replace(/^\//, ''))
          .filter((name) => whole || !name.includes('/'))
          .join(','),
    },
    Size: { header: 'SIZE', value: (c) => `${humanSize(c.SizeRw ?? 0)}${c.SizeRootFs ? ` (virtual ${humanSize(c.SizeRootFs)})` : ''}` },
    Labels: {
      header: 'LABELS',
      value: (c) =>
        Object.entries(c.Labels)
          .map(([name, value]) => `${name}=${value}`)
          .join(','),
    },
    Mounts: { header: 'MOUNTS', value: (c) => c.Mounts.map(({ Name, Source }) => Name || Source || '').join(',') },
    LocalVolumes: { header: 'LOCAL VOLUMES', value: (c) => String(c.Mounts.filter(({ Name }) => Name).length) },
    Networks: { header: 'NETWORKS', value: (c) => c.Networks.join(',') },
  },
  shown: ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names', ...(size ? ['Size'] : [])],
  methods: { Label: (c, name = '') => c.Labels[name] ?? '' },
});

/** Filters that say something of containers which the daemon does not know. */
function fits(row: Row, filters: Record<string, string[]>): boolean {
  return Object.entries(filters).every(([name, values]) =>
    values.some((value) => {
      if (name === 'name') return row.Names.some((own) => new RegExp(value).test(own));
      if (name === 'id') return row.Id.startsWith(value);
      return name === 'status' && row.State === value;
    }),
  );
}

/** @param views those made without a daemon */
export async function printContainers(connection: Connection | undefined, views: ContainerView[], o: PsOptions): Promise<number> {
  const last = o.latest ? 1 : o.last !== undefined && o.last > 0 ? o.last : undefined;
  const filters = filtersOf(o.filter);
  const size = o.size || /\{\{[^}]*\.Size/.test(o.format ?? '');
  const query = { all: o.all || last !== undefined, limit: last, size, filters };
  const daemons = connection ? await ask<(ContainerInfo & Row)[]>(connection, '/containers/json', { query }) : [];
  if (!connection && o.size) throw new UsageError('--size: it is the daemon that counts what containers have written, and none runs');
  const all = o.all || last !== undefined || filters?.status !== undefined;
  const others = views
    .filter((view) => all || view.status !== 'stopped')
    .map(rowOf)
    .filter((row) => !filters || fits(row, filters));
  const rows = daemons.map((c) => ({
    ...c,
    Labels: c.Labels ?? {},
    Ports: (c.Ports ?? []) as Port[],
    Networks: Object.keys(c.NetworkSettings?.Networks ?? {}),
  }));
  const merged = [...rows, ...others].sort((a, b) => b.Created - a.Created).slice(0, last);
  printList(merged, containerListing(!o.trunc, size), { format: o.format ?? readConfig().psFormat, quiet: o.quiet && 'ID' });
  return 0;
}
