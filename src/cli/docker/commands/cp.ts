/** `minirun cp [options] CONTAINER:PATH PATH|-` and `minirun cp [options] PATH|- CONTAINER:PATH` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { UsageError } from '../../usage-error.ts';
import { connect } from '../connect/connect.ts';
import { copyFrom } from '../copy/from-container.ts';
import { copyTo } from '../copy/to-container.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand(
      'minirun cp',
      'Copy files into and out of containers; they need not run. - is a tar archive on standard input or output.',
    )
      .option('-a, --archive', 'keep user and group ids')
      .option('-L, --follow-link', 'copy what a symbolic link leads to')
      .option('-q, --quiet', 'say nothing')
      .usage('[options] CONTAINER:PATH PATH|-\n       minirun cp [options] PATH|- CONTAINER:PATH'),
    ['cp web:/etc/nginx.conf .', 'out of it'],
    ['cp ./site/. web:/srv', 'the content of a folder, into it'],
    ['cp web:/srv - | tar t', 'as an archive'],
  );

export interface Place {
  /** undefined: on this machine. */
  container?: string;
  path: string;
}

/** `NAME:PATH` is in a container; a path with a slash or a dot before the colon is here, and so is `-`. */
export function placeOf(text: string): Place {
  const colon = text.indexOf(':');
  if (colon <= 0 || text.startsWith('.') || text.startsWith('/') || text.slice(0, colon).includes('/')) return { path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) };
}

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [source = '', target = ''] = takeOperands(parsed, parseCommand(parsed, args), ['SOURCE', 'TARGET']);
  const options = parsed.opts<{ archive?: boolean; followLink?: boolean; quiet?: boolean }>();
  const [from, to] = [placeOf(source), placeOf(target)];
  if (from.path === '' || to.path === '') throw new UsageError('the path is missing; write CONTAINER:PATH');
  if (from.container !== undefined && to.container !== undefined) throw new UsageError('copying between containers is not supported');
  if (from.container === undefined && to.container === undefined) throw new UsageError('must specify at least one container source');
  const connection = await connect(context);
  const report =
    from.container === undefined
      ? await copyTo(connection, from.path, { container: to.container as string, path: to.path }, options)
      : await copyFrom(connection, { container: from.container, path: from.path }, to.path, options);
  if (!options.quiet && process.stderr.isTTY && report) process.stderr.write(`${report}\n`);
  return 0;
}
