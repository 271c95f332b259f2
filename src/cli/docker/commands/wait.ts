/** `minirun wait CONTAINER...` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { CommandFailed } from '../connect/failed.ts';
import { ask } from '../connect/request.ts';
import type { WaitAnswer } from '../exit-code.ts';
import { each } from '../output/each.ts';

export const command = (): Command =>
  withExamples(anywhereCommand('minirun wait', 'Wait until containers have ended, and print their exit codes.').usage('CONTAINER...'), [
    'wait job',
    'prints its exit code when it has ended',
  ]);

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER…']);
  const connection = await connect(context);
  return each(names, async (name) => {
    const { StatusCode, Error: failure } = await ask<WaitAnswer>(connection, `/containers/${name}/wait`, { method: 'POST' });
    if (failure?.Message) throw new CommandFailed(failure.Message);
    return String(StatusCode);
  });
}
