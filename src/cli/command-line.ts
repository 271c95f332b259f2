/** Command lines by commander, with Docker's habits and errors of one line. */
import { Command, CommanderError } from 'commander';
import { HelpShown } from './help-shown.ts';
import { UsageError } from './usage-error.ts';

/**
 * A command whose options come before its operands: what follows the first operand belongs to the
 * container's command. `-h` is no help (it is Docker's --hostname).
 * @param name as typed, `minirun run`
 */
export function newCommand(name: string, summary: string): Command {
  return plainCommand(name, summary).passThroughOptions();
}

/** Commands that take options behind their operands too: `rm web --force`. */
const ANYWHERE = new WeakSet<Command>();

/** A command without a container's command in it, so that options may stand anywhere, as in Docker. */
export function anywhereCommand(name: string, summary: string): Command {
  const command = plainCommand(name, summary).allowExcessArguments();
  ANYWHERE.add(command);
  return command;
}

function plainCommand(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .helpOption('--help', 'show this help')
    .allowExcessArguments()
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: (text) => void process.stdout.write(text) });
}

/** Where the options end, and the options as commander wants them. */
export interface SplitArguments {
  options: string[];
  operands: string[];
}

/**
 * Docker's spellings that commander lacks: `--rm=true`, `--init=false`, and `--explain` without a
 * value although it may have one. Operands are left as they are.
 */
export function splitArguments(command: Command, args: readonly string[]): SplitArguments {
  const options: string[] = [];
  const early: string[] = [];
  const find = (flag: string) => command.options.find((o) => o.long === flag || o.short === flag);
  let i = 0;
  for (; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--') {
      i++;
      break;
    }
    if (!arg.startsWith('-') || arg === '-') {
      if (!ANYWHERE.has(command)) break;
      early.push(arg);
      continue;
    }
    if (!arg.startsWith('--')) {
      options.push(arg);
      if (clusterWantsValue(arg, find)) options.push(valueAfter(args, i++));
      continue;
    }
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg : arg.slice(0, equals);
    const option = find(name);
    if (option?.optional && equals < 0) options.push(`${name}=${String(option.presetArg ?? '')}`);
    else if (option?.isBoolean() && equals >= 0) {
      // --sig-proxy=false is --no-sig-proxy.
      const negation = `--no-${name.slice(2)}`;
      if (isTrue(name, arg.slice(equals + 1))) options.push(name);
      else if (find(negation)) options.push(negation);
    } else {
      options.push(arg);
      if (option?.required && equals < 0) options.push(valueAfter(args, i++));
    }
  }
  return { options, operands: [...early, ...args.slice(i)] };
}

function valueAfter(args: readonly string[], i: number): string {
  const value = args[i + 1];
  if (value === undefined) throw new UsageError(`${args[i]}: its value is missing`);
  return value;
}

/** `-it`, `-m 64m`, `-itv a:b`: whether the last letter takes the next argument. */
function clusterWantsValue(arg: string, find: (flag: string) => { required: boolean } | undefined): boolean {
  for (let i = 1; i < arg.length; i++) if (find(`-${arg[i]}`)?.required) return i === arg.length - 1;
  return false;
}

function isTrue(name: string, value: string): boolean {
  if (['true', '1', 't'].includes(value.toLowerCase())) return true;
  if (['false', '0', 'f'].includes(value.toLowerCase())) return false;
  throw new UsageError(`${name}=${value}: say true or false`);
}

/**
 * Parses; afterwards `command.opts()` has the options.
 * @returns the operands
 * @throws UsageError with one line; HelpShown
 */
export function parseCommand(command: Command, args: readonly string[]): string[] {
  const { options, operands } = splitArguments(command, args);
  try {
    command.parse([...options, '--', ...operands], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') throw new HelpShown();
    throw new UsageError(oneLine(command, error.message));
  }
  return operands;
}

/** `error: unknown option '--memroy'\n(Did you mean --memory?)` → one line that says what to do. */
function oneLine(command: Command, message: string): string {
  const text = message.replace(/^error: /, '').replace(/'(-[^']*)'/, '$1');
  const near = /\n\(Did you mean (.*)\?\)/.exec(text)?.[1];
  const [what] = text.split('\n');
  return `${what}${near ? `; did you mean ${near}?` : ` (${command.name()} --help lists them)`}`;
}

/** Exactly as many operands as there are names; names in brackets may be missing. */
export function takeOperands(command: Command, operands: readonly string[], names: readonly string[]): string[] {
  const required = names.filter((n) => !n.startsWith('['));
  const many = names.at(-1)?.includes('…') ?? false;
  const missing = required[operands.length];
  if (missing) throw new UsageError(`${missing.replace('…', '')} is missing; usage: ${command.name()} [options] ${names.join(' ')}`);
  if (!many && operands.length > names.length) {
    throw new UsageError(
      `${command.name()} takes ${names.length === 0 ? 'no operand' : names.join(' ')}; "${operands[names.length]}" is too much`,
    );
  }
  return [...operands];
}

export interface Example {
  /** As typed, without `minirun`. */
  line: string;
  what: string;
}

const EXAMPLES = new WeakMap<Command, readonly Example[]>();

/** Adds examples below the options of the help; completion and the manual page find them again. */
export function withExamples(command: Command, ...examples: [line: string, what: string][]): Command {
  const given = examples.map(([line, what]) => ({ line, what }));
  EXAMPLES.set(command, given);
  const text = given.map(({ line, what }) => `  minirun ${line}\n      ${what}`).join('\n');
  return command.addHelpText('after', `\nExamples:\n${text}`);
}

export const examplesOf = (command: Command): readonly Example[] => EXAMPLES.get(command) ?? [];
