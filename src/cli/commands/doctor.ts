/** `minirun doctor`: what this machine can do, and how to mend the rest. */
import type { Command } from 'commander';
import { newCommand, parseCommand, takeOperands } from '../command-line.ts';

export const command = (): Command =>
  newCommand('minirun doctor', 'Say what this machine can do for containers, what will not work, and how to mend it.').option(
    '--json',
    'as JSON',
  );

export async function run(args: string[]): Promise<number> {
  const parsed = command();
  takeOperands(parsed, parseCommand(parsed, args), []);
  const { doctor } = await import('../doctor.ts');
  return doctor({ json: (parsed.opts() as { json?: boolean }).json ?? false });
}
