/** `minirun load [-i FILE]` */
import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { UsageError } from '../../usage-error.ts';
import { connect } from '../connect/connect.ts';
import { askStream } from '../connect/request.ts';
import { showProgress } from '../output/progress.ts';
import { opened } from '../streams/opened.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun load', 'Read images from a tar archive that save has written.')
      .option('-i, --input <FILE>', 'from a file instead of standard input')
      .option('-q, --quiet', 'show no progress')
      .option('--platform <OS/ARCHITECTURE>', 'only this one of a multi-platform image')
      .usage('[options]'),
    ['load -i app.tar', 'prints the names that it has read'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const { input, quiet = !process.stdout.isTTY, platform } = parsed.opts<{ input?: string; quiet?: boolean; platform?: string }>();
  if (input === undefined && process.stdin.isTTY)
    throw new UsageError('requested load from stdin, but stdin is empty; use -i FILE, or a pipe');
  const stream = input === undefined ? process.stdin : await opened(createReadStream(input), input);
  const [os = '', architecture = '', variant] = (platform ?? '').split('/');
  const answer = await askStream(await connect(context), '/images/load', {
    method: 'POST',
    query: { quiet: quiet ? 1 : undefined, platform: platform ? { os, architecture, variant } : undefined },
    upload: { stream, type: 'application/x-tar' },
  });
  await showProgress(answer, { to: process.stdout });
  return 0;
}
