/** `minirun tag SOURCE TARGET` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';
import { familiarReference, referenceOf, withDefaultTag } from '../reference.ts';

export const command = (): Command =>
  withExamples(anywhereCommand('minirun tag', 'Give an image another name.').usage('SOURCE[:TAG] TARGET[:TAG]'), [
    'tag app localhost:5000/app:1.0',
    'so that it can be pushed there',
  ]);

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [source = '', target = ''] = takeOperands(parsed, parseCommand(parsed, args), ['SOURCE', 'TARGET']);
  const { tag, ...rest } = withDefaultTag(referenceOf(target));
  const repo = familiarReference(rest);
  await ask(await connect(context), `/images/${source}/tag`, { method: 'POST', query: { repo, tag } });
  return 0;
}
