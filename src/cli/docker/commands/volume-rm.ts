/** `minirun volume rm [-f] VOLUME...` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { each } from '../output/each.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun volume rm', 'Remove volumes, with all that is in them.')
      .option('-f, --force', 'one that is not there is no error')
      .usage('[options] VOLUME...'),
    ['volume rm data', 'refused while a container has it'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['VOLUME…']);
  const { force } = parsed.opts<{ force?: boolean }>();
  const connection = await connect(context);
  return each(names, (name) => ask(connection, `/volumes/${name}`, { method: 'DELETE', query: { force: force ? 1 : undefined } }));
}
