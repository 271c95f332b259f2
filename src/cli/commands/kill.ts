/** `minirun kill [-s SIGNAL] CONTAINER...` */
import type { Command } from 'commander';
import { killContainer } from '../../runc/container/kill.ts';
import type { Context } from '../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../command-line.ts';
import { eachContainer } from '../docker/lookup.ts';
import { parseSignal } from '../sizes.ts';

const SIGKILL = 9;

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun kill', 'Send a signal to the first process of containers.')
      .option('-s, --signal <SIGNAL>', 'name or number (default KILL)', (text: string) => parseSignal('--signal', text))
      .usage('[options] CONTAINER...'),
    ['kill web', 'end it at once'],
    ['kill -s HUP web', 'ask many servers to read their configuration again'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER…']);
  const { signal = SIGKILL } = parsed.opts() as { signal?: number };
  return eachContainer(context, names, {
    without: (view) => killContainer(view, signal),
    async daemon(connection, name) {
      const { ask } = await import('../docker/connect/request.ts');
      await ask(connection, `/containers/${name}/kill`, { method: 'POST', query: { signal } });
    },
  });
}
