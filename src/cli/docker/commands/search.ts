/** `minirun search [options] TERM` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { parseInteger } from '../../sizes.ts';
import { connect } from '../connect/connect.ts';
import { ask, filtersOf } from '../connect/request.ts';
import { gather } from '../container/flags.ts';
import { registryAuth } from '../credentials.ts';
import { FORMAT_HELP, type Listing, printList } from '../output/listing.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun search', 'Search a registry for images.')
      .option('-f, --filter <NAME=VALUE>', 'only those that fit: stars=10, is-official=true', gather)
      .option('--format <FORMAT>', FORMAT_HELP)
      .option('--limit <NUMBER>', 'how many at most', (text: string) => parseInteger('--limit', text, 0, 100))
      .option('--no-trunc', 'whole descriptions')
      .usage('[options] TERM'),
    ['search --limit 5 redis', 'on Docker Hub'],
  );

interface Result {
  name: string;
  description: string;
  star_count: number;
  is_official: boolean;
  is_automated?: boolean;
}

const LONGEST = 45;

const listing = (whole: boolean): Listing<Result> => ({
  columns: {
    Name: { header: 'NAME', value: (r) => r.name },
    Description: {
      header: 'DESCRIPTION',
      value({ description }) {
        const text = description.replace(/[\r\n]+/g, ' ');
        return whole || text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
      },
    },
    StarCount: { header: 'STARS', value: (r) => String(r.star_count) },
    IsOfficial: { header: 'OFFICIAL', value: (r) => (r.is_official ? '[OK]' : '') },
    IsAutomated: { header: 'AUTOMATED', value: (r) => (r.is_automated ? '[OK]' : '') },
  },
  shown: ['Name', 'Description', 'StarCount', 'IsOfficial'],
});

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [term = ''] = takeOperands(parsed, parseCommand(parsed, args), ['TERM']);
  const o = parsed.opts<{ filter?: string[]; format?: string; limit?: number; trunc: boolean }>();
  const host = /^[^/]*[.:][^/]*(?=\/)/.exec(term)?.[0] ?? 'docker.io';
  const results = await ask<Result[]>(await connect(context), '/images/search', {
    query: { term, limit: o.limit, filters: filtersOf(o.filter) },
    registryAuth: await registryAuth(host),
  });
  const sorted = results.sort((a, b) => b.star_count - a.star_count);
  printList(sorted, listing(!o.trunc), { format: o.format });
  return 0;
}
