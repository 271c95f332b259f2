/** `minirun network disconnect [-f] NETWORK CONTAINER` */
import type { Command } from 'commander';
import type { Context } from '../../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { connect } from '../connect/connect.ts';
import { ask } from '../connect/request.ts';

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun network disconnect', 'Take a container out of a network.')
      .option('-f, --force', 'also one that is gone')
      .usage('[options] NETWORK CONTAINER'),
    ['network disconnect shop postgres', 'its address is free again'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [network, Container] = takeOperands(parsed, parseCommand(parsed, args), ['NETWORK', 'CONTAINER']);
  const { force = false } = parsed.opts<{ force?: boolean }>();
  await ask(await connect(context), `/networks/${network}/disconnect`, { method: 'POST', body: { Container, Force: force } });
  return 0;
}
