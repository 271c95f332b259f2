/** `minirun rename CONTAINER NEW_NAME` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';

export const command = (): Command =>
  withExamples(anywhereCommand('minirun rename', 'Give a container another name.').usage('CONTAINER NEW_NAME'), [
    'rename web old-web',
    'the name web is free again',
  ]);

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [container, name] = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER', 'NEW_NAME']);
  await ask(await connect(context), `/containers/${container}/rename`, { method: 'POST', query: { name } });
  return 0;
}
