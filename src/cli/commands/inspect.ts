/** `minirun inspect CONTAINER...`: what is known of containers, as a JSON array. */
import { findContainer } from '../../runc/container/list.ts';
import { loadConfig } from '../../runc/container/state.ts';
import type { Context } from '../command.ts';
import { newCommand, parseCommand, takeOperands } from '../command-line.ts';

export async function run(args: string[], context: Context): Promise<number> {
  const command = newCommand('minirun inspect', 'Print state and config of containers as JSON.').usage('CONTAINER...');
  const names = takeOperands(command, parseCommand(command, args), ['CONTAINER…']);
  const root = await context.stateRoot();
  const found = names.map((name) => {
    const view = findContainer(root, name);
    const { state, status, pid, ended } = view;
    return { ...state, status, pid, ...(ended ? { ended } : {}), config: loadConfig(view) };
  });
  process.stdout.write(`${JSON.stringify(found, null, 2)}\n`);
  return 0;
}
