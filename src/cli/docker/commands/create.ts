/** `minirun create [options] IMAGE [COMMAND [ARG...]]` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { newCommand, parseCommand, withExamples } from '../../command-line.ts';
import { UsageError } from '../../usage-error.ts';
import { connect } from '../connect/connect.ts';
import { addCreateFlags, type CreateFlags } from '../container/flags.ts';
import { createContainer, requestFor } from '../create.ts';

export const command = (): Command =>
  withExamples(
    addCreateFlags(newCommand('minirun create', 'Make a container of an image without starting it, and print its id.')).usage(
      '[options] IMAGE [COMMAND [ARG...]]',
    ),
    ['create --name web -p 8080:80 nginx', 'make it; minirun start web starts it'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [image, ...words] = parseCommand(parsed, args);
  if (image === undefined) throw new UsageError('IMAGE is missing; usage: minirun create [options] IMAGE [COMMAND [ARG...]]');
  const flags = parsed.opts<CreateFlags>();
  requestFor(flags, image, words, 50);
  const connection = await connect(context);
  process.stdout.write(`${await createContainer(connection, flags, image, words)}\n`);
  return 0;
}
