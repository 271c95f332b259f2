/** `minirun doctor`: what this machine can do, and how to mend the rest. */
import { newCommand, parseCommand, takeOperands } from '../command-line.ts';

export async function run(args: string[]): Promise<number> {
  const command = newCommand(
    'minirun doctor',
    'Say what this machine can do for containers, what will not work, and how to mend it.',
  ).option('--json', 'as JSON');
  takeOperands(command, parseCommand(command, args), []);
  const { doctor } = await import('../doctor.ts');
  return doctor({ json: (command.opts() as { json?: boolean }).json ?? false });
}
