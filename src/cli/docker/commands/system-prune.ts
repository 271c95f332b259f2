/** `minirun system prune`: all that nothing uses, in Docker's order. */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { gather } from '../container/flags.ts';
import { confirm } from '../output/question.ts';
import { humanSize } from '../output/units.ts';
import { type Pruned, pruneContainers, prunedText, pruneImages, pruneNetworks, pruneVolumes } from '../prune.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun system prune', 'Remove containers that have ended, and networks and images that nothing uses.')
      .option('-a, --all', 'also images with a name that no container uses')
      .option('-f, --force', 'do not ask')
      .option('--volumes', 'also anonymous volumes that no container uses')
      .option('--filter <NAME=VALUE>', 'only what fits: until, label', gather)
      .usage('[options]'),
    ['system prune -f', 'without a question'],
    ['system prune -a --volumes', 'as much as can be'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const { all = false, force, volumes, filter } = parsed.opts<{ all?: boolean; force?: boolean; volumes?: boolean; filter?: string[] }>();
  const connection = await connect(context);
  if (!force) {
    const lines = [
      'all stopped containers',
      'all networks not used by at least one container',
      ...(volumes ? ['all anonymous volumes not used by at least one container'] : []),
      all ? 'all images without at least one container associated to them' : 'all dangling images',
    ];
    await confirm('system prune', `This will remove:\n${lines.map((line) => `  - ${line}\n`).join('')}`);
  }
  const done: Pruned[] = [];
  const tell = (pruned: Pruned) => {
    done.push(pruned);
    process.stdout.write(prunedText(pruned));
  };
  tell(await pruneContainers(connection, filter));
  tell(await pruneNetworks(connection, filter));
  if (volumes) tell(await pruneVolumes(connection, false));
  tell(await pruneImages(connection, all, filter));
  process.stdout.write(`Total reclaimed space: ${humanSize(done.reduce((sum, { reclaimed }) => sum + reclaimed, 0))}\n`);
  return 0;
}
