/** `minirun stats [options] [CONTAINER...]` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { USAGE_COLUMNS, type Usage } from '../container/usage.ts';
import { FORMAT_HELP, type Listing, listText, printList } from '../output/listing.ts';
import { openScreen } from '../output/screen.ts';
import { lookOf } from '../output/table.ts';
import { shortId } from '../output/units.ts';
import { sampleOnce, targets, watchStats } from '../stats-watch.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun stats', 'Show what containers use of processor, memory, network and disk, kept up to date.')
      .option('-a, --all', 'also those that do not run')
      .option('--format <FORMAT>', FORMAT_HELP)
      .option('--no-stream', 'once, and end')
      .option('--no-trunc', 'whole ids')
      .usage('[options] [CONTAINER...]'),
    ['stats', 'all that run; q or Ctrl-C ends it'],
    ["stats --no-stream --format '{{.Name}} {{.MemUsage}}'", 'once, for a script'],
  );

const listing = (whole: boolean): Listing<Usage> => ({
  columns: { ...USAGE_COLUMNS, ID: { header: 'CONTAINER ID', value: (u) => (whole ? u.id : shortId(u.id)) } },
  shown: ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'],
});

const REFRESH_MS = 1000;

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['[CONTAINER…']);
  const { all = false, format, stream, trunc } = parsed.opts<{ all?: boolean; format?: string; stream: boolean; trunc: boolean }>();
  const connection = await connect(context);
  const found = await targets(connection, names, all);
  if (!stream) {
    printList(await sampleOnce(connection, found), listing(!trunc), { format });
    return 0;
  }
  const watch = watchStats(connection);
  watch.follow(found);
  const screen = openScreen();
  try {
    // The first numbers come with the first sample: a second without them would look like an error.
    for (; await screen.pause(REFRESH_MS); ) {
      if (names.length === 0) watch.follow(await targets(connection, [], all));
      const usages = watch.usages();
      if (names.length > 0 && !all && usages.every(({ running }) => !running)) break;
      screen.show(listText(usages, listing(!trunc), { format }, lookOf(process.stdout)));
    }
  } finally {
    screen.close();
    watch.close();
  }
  return 0;
}
