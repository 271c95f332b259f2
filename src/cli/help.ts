/** `minirun --help`, and the help of a group of commands. */
import { CHAPTERS, type Entry, GROUPS } from './commands.ts';

const lines = (commands: Record<string, { summary: string }>): string =>
  Object.entries(commands)
    .map(([name, { summary }]) => `  ${name.padEnd(11)} ${summary}\n`)
    .join('');

/** Options that stand before the command. */
export const GLOBAL_OPTIONS: readonly [flags: string, description: string][] = [
  ['-H, --host ADDRESS', 'ask the daemon at unix:///PATH, tcp://HOST:PORT or ssh://[USER@]HOST, and no other'],
  ['-c, --context NAME', "ask the daemon of a context of Docker's"],
  ['--root DIR', 'folder for the state of containers made without a daemon (default: /run/minirun, or a folder of your own)'],
  ['--version', 'print the version'],
  ['--help', "show this help; minirun COMMAND --help shows a command's options and examples"],
];

export const ABOUT_DAEMONS = `Commands ask the daemon that -H, --context, DOCKER_HOST or DOCKER_CONTEXT names. Without any of these that is
minirun's own, minirund, at unix:///run/minirun/docker.sock; it is started when it is needed, and ends when
it was not needed for a while. A root file system (minirun run ./rootfs) needs no daemon; its container is
looked up by name before those of the daemon.`;

/** @param group the name of a management command, whose own commands are listed then */
export function helpText(group?: string): string {
  const own = group !== undefined && Object.hasOwn(GROUPS, group) ? GROUPS[group] : undefined;
  if (own) {
    const commands: Record<string, Entry> = { ...own.commands };
    delete commands.list;
    return `minirun ${group}: ${own.summary}\n\nUsage: minirun ${group} COMMAND ...\n\nCommands:\n${lines(commands)}\nminirun ${group} COMMAND --help shows a command's options and examples.\n`;
  }
  return `minirun: Docker, small enough to read and real enough to run

Usage: minirun [--root DIR] [-H ADDRESS] COMMAND ...

${CHAPTERS.map(({ title, commands }) => `${title}:\n${lines(commands)}`).join('\n')}
Groups:
${lines(GROUPS)}
Options:
${GLOBAL_OPTIONS.map(([flags, description]) => `  ${flags.padEnd(20)} ${description}\n`).join('')}
${ABOUT_DAEMONS}

Try: minirun run --explain ROOTFS /bin/sh
     minirun run --rm -it busybox sh
`;
}
