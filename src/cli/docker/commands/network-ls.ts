/** `minirun network ls` */
import type { Command } from 'commander';
import type { NetworkInspectInfo } from 'dockerode';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask, filtersOf } from '../connect/request.ts';
import { gather } from '../container/flags.ts';
import { FORMAT_HELP, type Listing, printList } from '../output/listing.ts';
import { shortId } from '../output/units.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun network ls', 'List networks.')
      .option('-f, --filter <NAME=VALUE>', 'only those that fit: driver, id, label, name, type', gather)
      .option('--format <FORMAT>', FORMAT_HELP)
      .option('--no-trunc', 'whole ids')
      .option('-q, --quiet', 'only their ids')
      .usage('[options]'),
    ['network ls --filter driver=bridge', 'bridges only'],
  );

const listing = (whole: boolean): Listing<NetworkInspectInfo> => ({
  columns: {
    ID: { header: 'NETWORK ID', value: (n) => (whole ? n.Id : shortId(n.Id)) },
    Name: { header: 'NAME', value: (n) => n.Name },
    Driver: { header: 'DRIVER', value: (n) => n.Driver },
    Scope: { header: 'SCOPE', value: (n) => n.Scope },
    IPv6: { header: 'IPV6', value: (n) => String(n.EnableIPv6) },
    Internal: { header: 'INTERNAL', value: (n) => String(n.Internal) },
    Labels: {
      header: 'LABELS',
      value: (n) =>
        Object.entries(n.Labels ?? {})
          .map(([name, value]) => `${name}=${value}`)
          .join(','),
    },
    CreatedAt: { header: 'CREATED AT', value: (n) => n.Created },
  },
  shown: ['ID', 'Name', 'Driver', 'Scope'],
  methods: { Label: (n, name = '') => n.Labels?.[name] ?? '' },
});

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const o = parsed.opts<{ filter?: string[]; format?: string; trunc: boolean; quiet?: boolean }>();
  const networks = await ask<NetworkInspectInfo[]>(await connect(context), '/networks', { query: { filters: filtersOf(o.filter) } });
  const sorted = networks.sort((a, b) => (a.Name < b.Name ? -1 : 1));
  printList(sorted, listing(!o.trunc), { format: o.format, quiet: o.quiet && 'ID' });
  return 0;
}
