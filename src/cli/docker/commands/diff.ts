/** `minirun diff CONTAINER` */
import type { Command } from 'commander';
import { palette, wantsColour } from '../../../explain/style.ts';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun diff', 'List the files that a container has changed (C), added (A) or deleted (D).').usage('CONTAINER'),
    ['diff web', 'what differs from its image'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [name = ''] = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER']);
  const changes = await ask<{ Path: string; Kind: number }[] | null>(await connect(context), `/containers/${name}/changes`);
  const { yellow, green, red } = palette(wantsColour(process.stdout));
  const letters = [yellow('C'), green('A'), red('D')];
  process.stdout.write((changes ?? []).map(({ Path, Kind }) => `${letters[Kind] ?? '?'} ${Path}\n`).join(''));
  return 0;
}
