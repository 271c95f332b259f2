/** `minirun rm [-f] CONTAINER...` */
import { deleteContainer } from '../../runc/container/remove.ts';
import type { Context } from '../command.ts';
import { newCommand, parseCommand, takeOperands } from '../command-line.ts';
import { eachContainer } from '../each-container.ts';

export async function run(args: string[], context: Context): Promise<number> {
  const command = newCommand('minirun rm', 'Remove containers that have ended.')
    .option('-f, --force', 'kill those that run')
    .usage('[options] CONTAINER...');
  const names = takeOperands(command, parseCommand(command, args), ['CONTAINER…']);
  const { force = false } = command.opts() as { force?: boolean };
  return eachContainer(await context.stateRoot(), names, (view) => deleteContainer(view, { force }), force);
}
