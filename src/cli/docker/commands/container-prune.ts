/** `minirun container prune` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { gather } from '../container/flags.ts';
import { confirm } from '../output/question.ts';
import { humanSize } from '../output/units.ts';
import { pruneContainers, prunedText } from '../prune.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun container prune', 'Remove all containers that have ended.')
      .option('-f, --force', 'do not ask')
      .option('--filter <NAME=VALUE>', 'only those that fit: until, label', gather)
      .usage('[options]'),
    ['container prune -f', 'without a question'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const { force, filter } = parsed.opts<{ force?: boolean; filter?: string[] }>();
  const connection = await connect(context);
  if (!force) await confirm('container prune', 'This will remove all stopped containers.');
  const pruned = await pruneContainers(connection, filter);
  process.stdout.write(`${prunedText(pruned)}Total reclaimed space: ${humanSize(pruned.reclaimed)}\n`);
  return 0;
}
