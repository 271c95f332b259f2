/** `minirun top CONTAINER [PS OPTIONS]` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { newCommand, parseCommand, withExamples } from '../../command-line.ts';
import { UsageError } from '../../usage-error.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { lookOf, tableText } from '../output/table.ts';

export const command = (): Command =>
  withExamples(
    newCommand('minirun top', 'List the processes of a container, as ps(1) sees them.').usage('CONTAINER [PS OPTIONS]'),
    ['top web', 'all processes'],
    ['top web -o pid,comm', 'with the columns that you choose'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [name, ...options] = parseCommand(parsed, args);
  if (name === undefined) throw new UsageError('CONTAINER is missing; usage: minirun top CONTAINER [PS OPTIONS]');
  const query = { ps_args: options.join(' ') || undefined };
  const { Titles, Processes } = await ask<{ Titles: string[]; Processes: string[][] | null }>(
    await connect(context),
    `/containers/${name}/top`,
    { query },
  );
  process.stdout.write(tableText([Titles, ...(Processes ?? [])], { ...lookOf(process.stdout), width: undefined, least: 20 }));
  return 0;
}
