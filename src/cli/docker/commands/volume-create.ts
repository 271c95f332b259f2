/** `minirun volume create [options] [NAME]` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { gather } from '../container/flags.ts';
import { mapOf } from '../container/values.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun volume create', 'Make a volume: a folder that outlives containers.')
      .option('-d, --driver <NAME>', 'who keeps it (default: local)')
      .option('--label <NAME=VALUE>', 'a label', gather)
      .option('-o, --opt <NAME=VALUE>', "an option of the driver's", gather)
      .usage('[options] [NAME]'),
    ['volume create data', 'minirun run -v data:/srv … uses it'],
    ['volume create -o type=tmpfs -o device=tmpfs -o o=size=10m small', 'one in memory'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [Name] = takeOperands(parsed, parseCommand(parsed, args), ['[NAME]']);
  const { driver = 'local', label = [], opt = [] } = parsed.opts<{ driver?: string; label?: string[]; opt?: string[] }>();
  const body = { ...(Name === undefined ? {} : { Name }), Driver: driver, DriverOpts: mapOf(opt), Labels: mapOf(label) };
  const volume = await ask<{ Name: string }>(await connect(context), '/volumes/create', { method: 'POST', body });
  process.stdout.write(`${volume.Name}\n`);
  return 0;
}
