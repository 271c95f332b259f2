/** `minirun rmi [options] IMAGE...` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { each } from '../output/each.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun rmi', 'Remove names of images, and with the last name the image.')
      .option('-f, --force', 'also if a container that has ended uses it')
      .option('--no-prune', 'keep those without a name that it was made of')
      .usage('[options] IMAGE...'),
    ['rmi app:old', 'one name'],
    ['rmi $(minirun images -q --filter dangling=true)', 'all that have no name'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const images = takeOperands(parsed, parseCommand(parsed, args), ['IMAGE…']);
  const { force, prune } = parsed.opts<{ force?: boolean; prune: boolean }>();
  const connection = await connect(context);
  const code = await each(images, async (image) => {
    const done = await ask<{ Untagged?: string; Deleted?: string }[]>(connection, `/images/${image}`, {
      method: 'DELETE',
      query: { force: force ? 1 : undefined, noprune: prune ? undefined : 1 },
    });
    for (const { Untagged, Deleted } of done) process.stdout.write(Deleted ? `Deleted: ${Deleted}\n` : `Untagged: ${Untagged}\n`);
    return null;
  });
  return code;
}
