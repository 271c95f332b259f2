/** `minirun completion bash|zsh|fish`: prints what a shell needs to complete minirun's commands. */
import type { Command } from 'commander';
import type { Context } from '../command.ts';
import { anywhereCommand, parseCommand, takeOperands, withExamples } from '../command-line.ts';
import { suggestion } from '../nearest.ts';
import { UsageError } from '../usage-error.ts';

const SHELLS = ['bash', 'zsh', 'fish'];

export const command = (): Command =>
  withExamples(
    anywhereCommand('minirun completion', 'Print completions of commands, options, containers and images for a shell.').usage(
      'bash|zsh|fish',
    ),
    ['completion bash > /etc/bash_completion.d/minirun', 'for everybody who uses bash'],
    ['completion zsh > /usr/local/share/zsh/site-functions/_minirun', 'for zsh'],
    ['completion fish > ~/.config/fish/completions/minirun.fish', 'for fish'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  // The scripts ask for candidates with this word, which is not for people: the line so far, the last word unfinished.
  if (args[0] === '--candidates') {
    const { candidates } = await import('../completion/candidates.ts');
    process.stdout.write((await candidates(args.slice(1), context)).map((word) => `${word}\n`).join(''));
    return 0;
  }
  const parsed = command();
  const [shell = ''] = takeOperands(parsed, parseCommand(parsed, args), ['bash|zsh|fish']);
  if (!SHELLS.includes(shell)) throw new UsageError(`${shell}: choose ${SHELLS.join(', ')}${suggestion(shell, SHELLS)}`);
  const { completionScript } = await import('../completion/scripts.ts');
  process.stdout.write(completionScript(shell));
  return 0;
}
