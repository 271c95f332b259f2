/** `minirun logout [SERVER]` */
import type { Command } from 'commander';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../../command-line.ts';
import { forgetCredentials, serverOf } from '../credentials.ts';

export const command = (): Command =>
  withExamples(anywhereCommand('minirun logout', 'Forget the password that login has kept.').usage('[SERVER]'), [
    'logout localhost:5000',
    'pull and push go on without a password',
  ]);

export async function run(args: string[]): Promise<number> {
  const parsed = command();
  const [server = 'docker.io'] = takeOperands(parsed, parseCommand(parsed, args), ['[SERVER]']);
  const host = server.replace(/^https?:\/\//, '').replace(/\/$/, '');
  const known = await forgetCredentials(host);
  process.stdout.write(known ? `Removing login credentials for ${serverOf(host)}\n` : `Not logged in to ${serverOf(host)}\n`);
  return 0;
}
