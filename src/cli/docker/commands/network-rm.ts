/** `minirun network rm [-f] NETWORK...` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { each } from '../output/each.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun network rm', 'Remove networks.')
      .option('-f, --force', 'one that is not there is no error')
      .usage('[options] NETWORK...'),
    ['network rm shop', 'refused while a container is in it'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['NETWORK…']);
  const { force } = parsed.opts<{ force?: boolean }>();
  const connection = await connect(context);
  return each(names, async (name) => {
    try {
      await ask(connection, `/networks/${name}`, { method: 'DELETE' });
      return name;
    } catch (error) {
      if (force && (error as { statusCode?: number }).statusCode === 404) return null;
      throw error;
    }
  });
}
