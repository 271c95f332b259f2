/** `minirun unpause CONTAINER...` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { each } from '../output/each.ts';

export const command = (): Command =>
  withExamples(anywhereCommand('minirun unpause', 'Let frozen containers go on.').usage('CONTAINER...'), [
    'unpause web',
    'it goes on where it was',
  ]);

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER…']);
  const connection = await connect(context);
  return each(names, (name) => ask(connection, `/containers/${name}/unpause`, { method: 'POST' }));
}
