/** `minirun commit [options] CONTAINER [REPOSITORY[:TAG]]` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { gather } from '../container/flags.ts';
import { familiarReference, referenceOf } from '../reference.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun commit', "Make an image of a container's changes.")
      .option('-a, --author <TEXT>', 'who made it')
      .option('-c, --change <INSTRUCTION>', "an instruction of a Dockerfile, such as 'ENV A=1'", gather)
      .option('-m, --message <TEXT>', 'a remark for its history')
      .option('--no-pause', 'let it run on meanwhile')
      .option('-p, --pause', 'freeze it meanwhile (the default)')
      .usage('[options] CONTAINER [REPOSITORY[:TAG]]'),
    ["commit -m 'with curl' box box:curl", 'prints the id of the image'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [container = '', name] = takeOperands(parsed, parseCommand(parsed, args), ['CONTAINER', '[REPOSITORY]']);
  const { author, change, message, pause } = parsed.opts<{ author?: string; change?: string[]; message?: string; pause?: boolean }>();
  const { tag, ...rest } = name === undefined ? { tag: undefined } : referenceOf(name);
  const repo = name === undefined ? undefined : familiarReference(rest as ReturnType<typeof referenceOf>);
  const query = { container, repo, tag, author, changes: change, comment: message, pause: pause === false ? 0 : undefined };
  const { Id } = await ask<{ Id: string }>(await connect(context), '/commit', { method: 'POST', query });
  process.stdout.write(`${Id}\n`);
  return 0;
}
