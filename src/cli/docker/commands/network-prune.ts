/** `minirun network prune` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { gather } from '../container/flags.ts';
import { confirm } from '../output/question.ts';
import { prunedText, pruneNetworks } from '../prune.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun network prune', 'Remove networks that no container uses.')
      .option('-f, --force', 'do not ask')
      .option('--filter <NAME=VALUE>', 'only those that fit: until, label', gather)
      .usage('[options]'),
    ['network prune -f', 'without a question'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const { force, filter } = parsed.opts<{ force?: boolean; filter?: string[] }>();
  const connection = await connect(context);
  if (!force) await confirm('network prune', 'This will remove all custom networks not used by at least one container.');
  const pruned = await pruneNetworks(connection, filter);
  process.stdout.write(`${prunedText(pruned)}`);
  return 0;
}
