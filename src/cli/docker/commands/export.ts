/** `minirun export [-o FILE] CONTAINER` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { askStream } from '../connect/request.ts';
import { requireNoTerminal, saveStream } from '../output/save-stream.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun export', "Write a container's files to a tar archive, its volumes left out.")
      .option('-o, --output <FILE>', 'to a file instead of standard output')
      .usage('[options] CONTAINER'),
    ['export web > web.tar', 'all its files'],
    ['export -o rootfs.tar web && minirun run rootfs.tar sh', 'run them without a daemon'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [name = ''] = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER']);
  const { output } = parsed.opts<{ output?: string }>();
  requireNoTerminal(output);
  await saveStream(await askStream(await connect(context), `/containers/${name}/export`), output);
  return 0;
}
