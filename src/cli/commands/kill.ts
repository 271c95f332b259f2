/** `minirun kill [-s SIGNAL] CONTAINER...` */
import { killContainer } from '../../runc/container/kill.ts';
import type { Context } from '../command.ts';
import { newCommand, parseCommand, takeOperands } from '../command-line.ts';
import { eachContainer } from '../each-container.ts';
import { parseSignal } from '../sizes.ts';

const SIGKILL = 9;

export async function run(args: string[], context: Context): Promise<number> {
  const command = newCommand('minirun kill', 'Send a signal to the first process of containers.')
    .option('-s, --signal <SIGNAL>', 'name or number (default KILL)', (text: string) => parseSignal('--signal', text))
    .usage('[options] CONTAINER...');
  const names = takeOperands(command, parseCommand(command, args), ['CONTAINER…']);
  const { signal = SIGKILL } = command.opts() as { signal?: number };
  return eachContainer(await context.stateRoot(), names, (view) => killContainer(view, signal));
}
