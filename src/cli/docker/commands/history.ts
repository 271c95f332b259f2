/** `minirun history [options] IMAGE` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { FORMAT_HELP, type Listing, printList } from '../output/listing.ts';
import { ago, humanSize, shortId } from '../output/units.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun history', 'Show the steps by which an image was made, the newest first.')
      .option('--format <FORMAT>', FORMAT_HELP)
      .option('-H, --human', 'sizes and times for people (the default)')
      .option('--no-human', 'sizes in bytes, and times as dates')
      .option('--no-trunc', 'whole ids and commands')
      .option('-q, --quiet', 'only ids')
      .usage('[options] IMAGE'),
    ['history --no-trunc nginx', 'with whole commands'],
  );

interface Step {
  Id: string;
  Created: number;
  CreatedBy: string;
  Size: number;
  Comment: string;
}

const LONGEST = 45;

const listing = (whole: boolean, human: boolean): Listing<Step> => ({
  columns: {
    ID: { header: 'IMAGE', value: (s) => (whole ? s.Id : shortId(s.Id)) },
    CreatedSince: { header: human ? 'CREATED' : 'CREATED AT', value: (s) => (human ? ago(s.Created) : createdAt(s)) },
    CreatedAt: { header: 'CREATED AT', value: createdAt },
    CreatedBy: {
      header: 'CREATED BY',
      value({ CreatedBy }) {
        const text = CreatedBy.replaceAll('\t', ' ');
        return whole || text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 1)}…`;
      },
    },
    Size: { header: 'SIZE', value: (s) => (human ? humanSize(s.Size) : String(s.Size)) },
    Comment: { header: 'COMMENT', value: (s) => s.Comment },
  },
  shown: ['ID', 'CreatedSince', 'CreatedBy', 'Size', 'Comment'],
});

const createdAt = ({ Created }: Step): string => (Created > 0 ? new Date(Created * 1000).toISOString().replace('.000Z', 'Z') : 'N/A');

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [image = ''] = takeOperands(parsed, parseCommand(parsed, args), ['IMAGE']);
  const o = parsed.opts<{ format?: string; human?: boolean; trunc: boolean; quiet?: boolean }>();
  const steps = await ask<Step[]>(await connect(context), `/images/${image}/history`);
  printList(steps, listing(!o.trunc, o.human !== false), { format: o.format, quiet: o.quiet && 'ID' });
  return 0;
}
