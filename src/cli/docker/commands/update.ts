/** `minirun update [options] CONTAINER...` */
import { writeSync } from 'node:fs';
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { UsageError } from '../../usage-error.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { parseRestartPolicy, resources } from '../container/create-request.ts';
import { addResourceFlags, type ResourceFlags } from '../container/flags.ts';
import { each } from '../output/each.ts';

export const command = (): Command =>
  withExamples(
    addResourceFlags(anywhereCommand('minirun update', 'Change limits and the restart policy of containers.')).usage(
      '[options] CONTAINER...',
    ),
    ['update -m 128m --memory-swap 256m web', 'give it more memory while it runs'],
    ['update --restart unless-stopped web db', 'have both restarted'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER…']);
  const flags = parsed.opts<ResourceFlags>();
  const RestartPolicy = parseRestartPolicy(flags.restart);
  const body = { ...resources(flags), ...(RestartPolicy ? { RestartPolicy } : {}) };
  if (Object.keys(body).length === 0) throw new UsageError('you must provide one or more flags when using this command');
  const connection = await connect(context);
  return each(names, async (name) => {
    const { Warnings } = await ask<{ Warnings: string[] | null }>(connection, `/containers/${name}/update`, { method: 'POST', body });
    for (const warning of Warnings ?? []) writeSync(2, `WARNING: ${warning}\n`);
  });
}
