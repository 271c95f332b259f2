/** What could stand where the cursor is: commands, options, or names of containers, images, volumes and networks. */
import type { Command, Option } from 'commander';
import type { Context } from '../command.ts';
import { COMMANDS, GROUPS, resolveCommand } from '../commands.ts';
import { namesOf, type Things } from './names.ts';

/** Names of files: the shell knows these better. */
const FILES = ':files';

const GLOBAL = ['--root', '--host', '--context', '--help', '--version'];
const GLOBAL_WITH_VALUE = new Set(['--root', '-H', '--host', '-c', '--context']);

/** What stands for an operand in `usage`, or for an option's value → what it names. */
const THINGS: [RegExp, Things][] = [
  [/^CONTAINER/, 'containers'],
  [/^(?:IMAGE|ROOTFS\|IMAGE|SOURCE\[:TAG\])/, 'images'],
  [/^VOLUME/, 'volumes'],
  [/^NETWORK/, 'networks'],
  [/^NAME\.\.\./, 'everything'],
];

/** @param words the line without `minirun`; the last one is not finished, and may be empty */
export async function candidates(words: readonly string[], context: Context): Promise<string[]> {
  const rest = withoutGlobals(words);
  if (rest === undefined) return [FILES];
  const current = rest.at(-1) ?? '';
  const fitting = (list: readonly string[]) => list.filter((word) => word.startsWith(current)).sort();
  if (rest.length <= 1) return fitting(current.startsWith('-') ? GLOBAL : [...Object.keys(COMMANDS), ...Object.keys(GROUPS), 'help']);
  const group = GROUPS[rest[0] as string];
  if (Object.hasOwn(GROUPS, rest[0] as string) && group && rest.length === 2) return fitting(Object.keys(group.commands));
  const found = resolveCommand(rest);
  if (!found) return [];
  const command = (await found.entry.load()).command();
  return fitting(await behind(command, found.args, context));
}

/** Options before the command; undefined while the value of one is being typed. */
function withoutGlobals(words: readonly string[]): string[] | undefined {
  let i = 0;
  while (i < words.length - 1 && words[i]?.startsWith('-')) {
    i += GLOBAL_WITH_VALUE.has(words[i] as string) ? 2 : 1;
    if (i >= words.length) return undefined;
  }
  return words.slice(i);
}

async function behind(command: Command, args: readonly string[], context: Context): Promise<string[]> {
  const current = args.at(-1) ?? '';
  const find = (flag: string): Option | undefined => command.options.find((option) => option.long === flag || option.short === flag);
  let operands = 0;
  for (let i = 0; i < args.length - 1; i++) {
    const word = args[i] as string;
    if (!word.startsWith('-') || word === '-') {
      operands++;
      continue;
    }
    const option = find(word);
    if (option?.required && !word.includes('=')) {
      if (i === args.length - 2) return valuesOf(option, context);
      i++;
    }
  }
  if (current.startsWith('-')) return [...command.options.flatMap((option) => (option.long ? [option.long] : [])), '--help'];
  const usage = command.usage().split('\n')[0]?.replace('[options]', '').trim().split(/\s+/) ?? [];
  const wanted = (usage[Math.min(operands, usage.length - 1)] ?? '').replace(/^\[/, '');
  // What follows CONTAINER in exec is a command inside of it, of which nothing is known here.
  if (operands > 0 && operands >= usage.length && !/\.\.\.\]?$/.test(wanted)) return [];
  if (wanted === 'bash|zsh|fish') return wanted.split('|');
  const things = THINGS.find(([pattern]) => pattern.test(wanted))?.[1];
  if (things === undefined) return /^(?:FILE|PATH|ROOTFS|CONTAINER:PATH)/.test(wanted) ? [FILES] : [];
  const names = await namesOf(things, context);
  return /ROOTFS/.test(wanted) && names.length === 0 ? [FILES] : names;
}

async function valuesOf(option: Option, context: Context): Promise<string[]> {
  if (option.long === '--network') return ['none', 'host', 'bridge', ...(await namesOf('networks', context))];
  if (option.long === '--pull') return ['always', 'missing', 'never'];
  if (option.long === '--restart') return ['no', 'on-failure', 'always', 'unless-stopped'];
  if (option.long === '--volumes-from') return namesOf('containers', context);
  if (option.long === '--format') return ['table', 'json'];
  return /FILE|DIR|FOLDER/.test(option.flags) ? [FILES] : [];
}
