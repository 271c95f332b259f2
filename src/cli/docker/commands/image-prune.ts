/** `minirun image prune` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { gather } from '../container/flags.ts';
import { confirm } from '../output/question.ts';
import { humanSize } from '../output/units.ts';
import { prunedText, pruneImages } from '../prune.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun image prune', 'Remove images that have no name and that no container uses.')
      .option('-a, --all', 'also those with a name')
      .option('-f, --force', 'do not ask')
      .option('--filter <NAME=VALUE>', 'only those that fit: until, label', gather)
      .usage('[options]'),
    ['image prune -f', 'without a question'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const { all, force, filter } = parsed.opts<{ all?: boolean; force?: boolean; filter?: string[] }>();
  const connection = await connect(context);
  if (!force)
    await confirm(
      'image prune',
      `This will remove all ${all ? 'images without at least one container associated to them' : 'dangling images'}.`,
    );
  const pruned = await pruneImages(connection, all === true, filter);
  process.stdout.write(`${prunedText(pruned)}Total reclaimed space: ${humanSize(pruned.reclaimed)}\n`);
  return 0;
}
