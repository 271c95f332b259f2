/** `minirun restart [-t SECONDS] CONTAINER...` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { parseInteger } from '../../sizes.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { each } from '../output/each.ts';

const seconds = (text: string): number => parseInteger('--timeout', text, -1, 86400);

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun restart', 'Stop containers and start them again.')
      .option('-t, --timeout <SECONDS>', 'how long to wait before killing', seconds)
      .option('--time <SECONDS>', 'the same', seconds)
      .option('-s, --signal <SIGNAL>', 'what to send first')
      .usage('[options] CONTAINER...'),
    ['restart -t 2 web', 'with two seconds of patience'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER…']);
  const { timeout, time = timeout, signal } = parsed.opts<{ timeout?: number; time?: number; signal?: string }>();
  const connection = await connect(context);
  return each(names, (name) => ask(connection, `/containers/${name}/restart`, { method: 'POST', query: { t: time, signal } }));
}
