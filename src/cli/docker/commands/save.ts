/** `minirun save [-o FILE] IMAGE...` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { askStream } from '../connect/request.ts';
import { requireNoTerminal, saveStream } from '../output/save-stream.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun save', 'Write images, with their names and layers, to a tar archive.')
      .option('-o, --output <FILE>', 'to a file instead of standard output')
      .option('--platform <OS/ARCHITECTURE>', 'only this one of a multi-platform image')
      .usage('[options] IMAGE...'),
    ['save -o app.tar app:1.0 app:latest', 'two names in one archive'],
    ['save app | ssh other minirun load', 'to another machine'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['IMAGE…']);
  const { output, platform } = parsed.opts<{ output?: string; platform?: string }>();
  requireNoTerminal(output);
  const [os = '', architecture = '', variant] = (platform ?? '').split('/');
  const query = { names, platform: platform ? { os, architecture, variant } : undefined };
  await saveStream(await askStream(await connect(context), '/images/get', { query }), output);
  return 0;
}
