/** `minirun volume ls` */
import type { Command } from 'commander';
import type { VolumeInspectInfo } from 'dockerode';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask, filtersOf } from '../connect/request.ts';
import { gather } from '../container/flags.ts';
import { FORMAT_HELP, type Listing, printList } from '../output/listing.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun volume ls', 'List volumes.')
      .option('-f, --filter <NAME=VALUE>', 'only those that fit: dangling, driver, label, name', gather)
      .option('--format <FORMAT>', FORMAT_HELP)
      .option('-q, --quiet', 'only their names')
      .usage('[options]'),
    ['volume ls -q --filter dangling=true', 'those that no container uses'],
  );

const listing: Listing<VolumeInspectInfo> = {
  columns: {
    Driver: { header: 'DRIVER', value: (v) => v.Driver },
    Name: { header: 'VOLUME NAME', value: (v) => v.Name },
    Scope: { header: 'SCOPE', value: (v) => v.Scope },
    Mountpoint: { header: 'MOUNTPOINT', value: (v) => v.Mountpoint },
    Labels: {
      header: 'LABELS',
      value: (v) =>
        Object.entries(v.Labels ?? {})
          .map(([name, value]) => `${name}=${value}`)
          .join(','),
    },
    Links: { header: 'LINKS', value: (v) => (v.UsageData ? String(v.UsageData.RefCount) : 'N/A') },
    Size: { header: 'SIZE', value: (v) => (v.UsageData ? String(v.UsageData.Size) : 'N/A') },
  },
  shown: ['Driver', 'Name'],
  methods: { Label: (v, name = '') => v.Labels?.[name] ?? '' },
};

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const o = parsed.opts<{ filter?: string[]; format?: string; quiet?: boolean }>();
  const { Volumes } = await ask<{ Volumes: VolumeInspectInfo[] | null }>(await connect(context), '/volumes', {
    query: { filters: filtersOf(o.filter) },
  });
  const sorted = (Volumes ?? []).sort((a, b) => (a.Name < b.Name ? -1 : 1));
  printList(sorted, listing, { format: o.format, quiet: o.quiet && 'Name' });
  return 0;
}
