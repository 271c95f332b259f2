/**
 * minirun: finds the subcommand and loads it. Each is a module of its own, loaded when it is
 * called: `minirun ps` should not pay for the compiler, nor `minirun run` for the HTML page.
 */
import { writeSync } from 'node:fs';
import type { Context } from './command.ts';
import { COMMANDS, GROUPS, resolveCommand } from './commands.ts';
import { suggestion } from './nearest.ts';
import { UsageError } from './usage-error.ts';

/** Options before the subcommand that have a value. */
const WITH_VALUE: Record<string, { field: 'root' | 'host' | 'contextName'; what: string }> = {
  '--root': { field: 'root', what: '--root: the folder is missing; write --root DIR' },
  '-H': { field: 'host', what: '-H: the address is missing; write -H unix:///PATH' },
  '--host': { field: 'host', what: '--host: the address is missing; write --host unix:///PATH' },
  '-c': { field: 'contextName', what: '-c: the name is missing; write -c CONTEXT' },
  '--context': { field: 'contextName', what: '--context: the name is missing; write --context CONTEXT' },
};

interface Given {
  root?: string;
  host?: string;
  contextName?: string;
}

/** Takes the options before the subcommand off. */
function globalOptions(argv: string[]): { given: Given; rest: string[] } {
  const rest = [...argv];
  const given: Given = {};
  while (rest[0]?.startsWith('-')) {
    const word = rest.shift() as string;
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const option = equals < 0 ? word : word.slice(0, equals);
    const known = Object.hasOwn(WITH_VALUE, option) ? WITH_VALUE[option] : undefined;
    if (known) {
      const value = equals < 0 ? rest.shift() : word.slice(equals + 1);
      if (!value) throw new UsageError(known.what);
      given[known.field] = value;
    } else if (word === '--help' || word === '-h') rest.unshift('help');
    else if (word === '--version' || word === '-v') rest.unshift('--version');
    else {
      const names = [...Object.keys(WITH_VALUE), '--help', '--version'];
      throw new UsageError(`unknown option ${word}${suggestion(word, names)} (options of a command come after its name; minirun --help)`);
    }
    if (rest[0] === '--version') break;
  }
  return { given, rest };
}

async function main(argv: string[]): Promise<number> {
  const { given, rest } = globalOptions(argv);
  const [name, ...args] = rest;
  if (name === undefined || name === 'help') {
    const asked = name === 'help' && args[0] ? resolveCommand(args) : undefined;
    if (asked) return (await asked.entry.load()).run(['--help'], { stateRoot: async () => '' });
    const { helpText } = await import('./help.ts');
    (name === undefined ? process.stderr : process.stdout).write(helpText(args[0]));
    return name === undefined ? 125 : 0;
  }
  if (name === '--version') {
    const { packageVersion } = await import('./version.ts');
    process.stdout.write(`minirun ${packageVersion()}\n`);
    return 0;
  }
  if (Object.hasOwn(GROUPS, name) && (args[0] === undefined || args[0] === '--help')) {
    const { helpText } = await import('./help.ts');
    (args[0] ? process.stdout : process.stderr).write(helpText(name));
    return args[0] ? 0 : 125;
  }
  const found = resolveCommand(rest);
  if (!found) throw unknownCommand(name, args[0]);
  const context: Context = {
    rootGiven: given.root !== undefined || Boolean(process.env.MINIRUN_ROOT),
    ...(given.host === undefined ? {} : { host: given.host }),
    ...(given.contextName === undefined ? {} : { contextName: given.contextName }),
    async stateRoot() {
      if (given.root) return (await import('node:path')).resolve(given.root);
      return (await import('../runc/container/state.ts')).defaultStateRoot();
    },
  };
  return (await found.entry.load()).run(found.args, context);
}

function unknownCommand(name: string, second: string | undefined): UsageError {
  const group = Object.hasOwn(GROUPS, name) ? GROUPS[name] : undefined;
  if (group && second !== undefined)
    return new UsageError(
      `unknown command "${name} ${second}"${suggestion(second, Object.keys(group.commands))} (minirun ${name} --help lists them)`,
    );
  return new UsageError(
    `unknown command "${name}"${suggestion(name, [...Object.keys(COMMANDS), ...Object.keys(GROUPS)])} (minirun --help lists them)`,
  );
}

/**
 * `minirun explain … | head` closes the pipe early: that is no failure. Not for commands that hand
 * these streams to a container: touching them makes a pipe non-blocking, for the container too.
 */
function tolerateClosedOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      process.exit(0);
    });
  }
}

async function start(argv: string[]): Promise<void> {
  const handsStreamsOn = argv.includes('run') || argv.includes('exec');
  if (!handsStreamsOn) tolerateClosedOutput();
  try {
    process.exitCode = await main(argv);
  } catch (error) {
    const { HelpShown } = await import('./help-shown.ts');
    if (error instanceof HelpShown) process.exitCode = 0;
    else {
      const { describe, exitCodeOf } = await import('./failure.ts');
      process.exitCode = exitCodeOf(error);
      writeSync(2, await describe(error));
    }
  }
  // What is still open (a signal handler, a terminal) has nothing more to say. Output to pipes and files was synchronous.
  if (handsStreamsOn || argv.includes('attach') || argv.includes('start')) process.exit();
}

void start(process.argv.slice(2));
