/** `minirun rm [-f] [-v] CONTAINER...` */
import type { Command } from 'commander';
import { deleteContainer } from '../../runc/container/remove.ts';
import type { Context } from '../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../command-line.ts';
import { eachContainer } from '../docker/lookup.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun rm', 'Remove containers that have ended.')
      .option('-f, --force', 'kill those that run')
      .option('-v, --volumes', 'and the anonymous volumes that they have')
      .option('-l, --link', 'remove the link of that name, not the container')
      .usage('[options] CONTAINER...'),
    ['rm web', 'remove a container that has ended'],
    ['rm -f $(minirun ps -aq)', 'remove all containers'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const names = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER…']);
  const { force = false, volumes, link } = parsed.opts() as { force?: boolean; volumes?: boolean; link?: boolean };
  return eachContainer(
    context,
    names,
    {
      without: (view) => deleteContainer(view, { force }),
      async daemon(connection, name) {
        const { ask } = await import('../docker/connect/request.ts');
        await ask(connection, `/containers/${name}`, { method: 'DELETE', query: { force, v: volumes, link } });
      },
    },
    force,
  );
}
