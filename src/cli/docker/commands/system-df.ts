/** `minirun system df`: what is kept takes this much of the disk. */
import type { Command } from 'commander';
import type { ContainerInfo, ImageInfo, VolumeInspectInfo } from 'dockerode';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { UsageError } from '../../usage-error.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { FORMAT_HELP, type Listing, listText, printList } from '../output/listing.ts';
import { lookOf } from '../output/table.ts';
import { ago, humanSize, shortId } from '../output/units.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun system df', 'Show what images, containers and volumes take on the disk, and what could be had back.')
      .option('--format <FORMAT>', FORMAT_HELP)
      .option('-v, --verbose', 'each of them')
      .usage('[options]'),
    ['system df', 'the sums'],
    ['system df -v', 'each image, container and volume'],
  );

interface Usage {
  LayersSize: number;
  Images: (ImageInfo & { SharedSize: number })[] | null;
  Containers: (ContainerInfo & { SizeRw?: number })[] | null;
  Volumes: VolumeInspectInfo[] | null;
  BuildCache: { Size: number; InUse: boolean; Shared: boolean }[] | null;
}

interface Row {
  type: string;
  total: number;
  active: number;
  size: number;
  reclaimable: number;
}

const percent = (part: number, whole: number): string => (whole > 0 ? ` (${Math.floor((part * 100) / whole)}%)` : '');

const listing: Listing<Row> = {
  columns: {
    Type: { header: 'TYPE', value: (r) => r.type },
    TotalCount: { header: 'TOTAL', value: (r) => String(r.total) },
    Active: { header: 'ACTIVE', value: (r) => String(r.active) },
    Size: { header: 'SIZE', value: (r) => humanSize(r.size, 4) },
    Reclaimable: { header: 'RECLAIMABLE', value: (r) => `${humanSize(r.reclaimable, 4)}${percent(r.reclaimable, r.size)}` },
  },
  shown: ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'],
};

const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);

/** Pure, for tests. */
export function summary(usage: Usage): Row[] {
  const images = usage.Images ?? [];
  const used = images.filter(({ Containers }) => Containers > 0);
  const containers = usage.Containers ?? [];
  const running = containers.filter(({ State }) => State === 'running' || State === 'paused' || State === 'restarting');
  const written = (of: typeof containers) => sum(of.map(({ SizeRw = 0 }) => SizeRw));
  const volumes = usage.Volumes ?? [];
  const mounted = volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0);
  const stored = (of: typeof volumes) => sum(of.map(({ UsageData }) => Math.max(0, UsageData?.Size ?? 0)));
  const cache = usage.BuildCache ?? [];
  const cached = (of: typeof cache) => sum(of.map(({ Size }) => Size));
  const inUse = sum(used.map(({ Size, SharedSize }) => Size - Math.max(0, SharedSize)));
  return [
    {
      type: 'Images',
      total: images.length,
      active: used.length,
      size: usage.LayersSize,
      reclaimable: Math.max(0, usage.LayersSize - inUse),
    },
    {
      type: 'Containers',
      total: containers.length,
      active: running.length,
      size: written(containers),
      reclaimable: written(containers) - written(running),
    },
    {
      type: 'Local Volumes',
      total: volumes.length,
      active: mounted.length,
      size: stored(volumes),
      reclaimable: stored(volumes) - stored(mounted),
    },
    {
      type: 'Build Cache',
      total: cache.length,
      active: cache.filter(({ InUse }) => InUse).length,
      size: cached(cache.filter(({ Shared }) => !Shared)),
      reclaimable: cached(cache.filter(({ Shared, InUse }) => !Shared && !InUse)),
    },
  ];
}

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const { format, verbose } = parsed.opts<{ format?: string; verbose?: boolean }>();
  if (verbose && format !== undefined) throw new UsageError('--verbose and --format: choose one of them');
  const usage = await ask<Usage>(await connect(context), '/system/df');
  if (verbose) process.stdout.write(details(usage));
  else printList(summary(usage), listing, { format });
  return 0;
}

const text = (value: (row: never) => string, header: string) => ({ header, value });

function details(usage: Usage): string {
  const look = lookOf(process.stdout);
  const table = <T>(title: string, rows: readonly T[], columns: [string, (row: T) => string][]) =>
    `${title}:\n\n${listText(
      rows,
      {
        columns: Object.fromEntries(columns.map(([header, value]) => [header, text(value as never, header)])),
        shown: columns.map(([header]) => header),
      },
      {},
      look,
    )}\n`;
  return [
    table('Images space usage', usage.Images ?? [], [
      ['REPOSITORY:TAG', (i) => i.RepoTags?.[0] ?? '<none>:<none>'],
      ['IMAGE ID', (i) => shortId(i.Id)],
      ['CREATED', (i) => ago(i.Created)],
      ['SIZE', (i) => humanSize(i.Size)],
      ['SHARED SIZE', (i) => humanSize(Math.max(0, i.SharedSize))],
      ['UNIQUE SIZE', (i) => humanSize(i.Size - Math.max(0, i.SharedSize))],
      ['CONTAINERS', (i) => String(i.Containers)],
    ]),
    table('Containers space usage', usage.Containers ?? [], [
      ['CONTAINER ID', (c) => shortId(c.Id)],
      ['IMAGE', (c) => c.Image],
      ['COMMAND', (c) => JSON.stringify(c.Command)],
      ['SIZE', (c) => humanSize(c.SizeRw ?? 0)],
      ['STATUS', (c) => c.Status],
      ['NAMES', (c) => c.Names.map((name) => name.replace(/^\//, '')).join(',')],
    ]),
    table('Local Volumes space usage', usage.Volumes ?? [], [
      ['VOLUME NAME', (v) => v.Name],
      ['LINKS', (v) => String(v.UsageData?.RefCount ?? 'N/A')],
      ['SIZE', (v) => (v.UsageData && v.UsageData.Size >= 0 ? humanSize(v.UsageData.Size) : 'N/A')],
    ]),
  ].join('\n');
}
