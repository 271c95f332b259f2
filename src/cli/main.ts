/**
 * minirun: finds the subcommand and loads it. Each is a module of its own, loaded when it is
 * called: `minirun ps` should not pay for the compiler, nor `minirun run` for the HTML page.
 */
import { writeSync } from 'node:fs';
import type { Context, Subcommand } from './command.ts';
import { suggestion } from './nearest.ts';
import { UsageError } from './usage-error.ts';

const COMMANDS: Record<string, { summary: string; load: () => Promise<Subcommand> }> = {
  run: { summary: 'run a command in a new container', load: () => import('./commands/run.ts') },
  explain: { summary: 'show the steps of a run without running it', load: () => import('./commands/explain.ts') },
  exec: { summary: 'run one more command in a running container', load: () => import('./commands/exec.ts') },
  ps: { summary: 'list containers', load: () => import('./commands/ps.ts') },
  logs: { summary: 'show the output of a container that was run with -d', load: () => import('./commands/logs.ts') },
  stop: { summary: 'ask a container to end, and kill it when it does not', load: () => import('./commands/stop.ts') },
  kill: { summary: 'send a signal to a container', load: () => import('./commands/kill.ts') },
  rm: { summary: 'remove containers', load: () => import('./commands/rm.ts') },
  inspect: { summary: 'print state and config of containers as JSON', load: () => import('./commands/inspect.ts') },
  spec: { summary: 'print the OCI config.json that options make', load: () => import('./commands/spec.ts') },
  doctor: { summary: 'say what this machine can do, and how to mend the rest', load: () => import('./commands/doctor.ts') },
};

const HELP = `minirun: Docker, small enough to read and real enough to run

Usage: minirun [--root DIR] COMMAND ...

Commands:
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(9)} ${summary}`)
  .join('\n')}

Options:
  --root DIR  folder for the state of containers (default: /run/minirun, or a folder of your own)
  --version   print the version
  --help      show this help; minirun COMMAND --help shows a command's options

Try: minirun run --explain ROOTFS /bin/sh
`;

/** Takes the options before the subcommand off. */
function globalOptions(argv: string[]): { root?: string; rest: string[] } {
  const rest = [...argv];
  let root: string | undefined;
  while (rest[0]?.startsWith('-')) {
    const option = rest.shift() as string;
    if (option === '--root' || option.startsWith('--root=')) {
      root = option === '--root' ? rest.shift() : option.slice('--root='.length);
      if (!root) throw new UsageError('--root: the folder is missing; write --root DIR');
    } else if (option === '--help' || option === '-h') rest.unshift('help');
    else if (option === '--version' || option === '-v') rest.unshift('version');
    else
      throw new UsageError(
        `unknown option ${option}${suggestion(option, ['--root', '--help', '--version'])} (options of a command come after its name; minirun --help)`,
      );
  }
  return { ...(root ? { root } : {}), rest };
}

async function main(argv: string[]): Promise<number> {
  const { root, rest } = globalOptions(argv);
  const [name, ...args] = rest;
  if (name === undefined || name === 'help') {
    const asked = name === 'help' && args[0] ? COMMANDS[args[0]] : undefined;
    if (asked) return (await asked.load()).run(['--help'], { stateRoot: async () => '' });
    (name === undefined ? process.stderr : process.stdout).write(HELP);
    return name === undefined ? 125 : 0;
  }
  if (name === 'version') {
    const { packageVersion } = await import('./version.ts');
    process.stdout.write(`minirun ${packageVersion()}\n`);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new UsageError(`unknown command "${name}"${suggestion(name, Object.keys(COMMANDS))} (minirun --help lists them)`);
  const context: Context = {
    async stateRoot() {
      if (root) return (await import('node:path')).resolve(root);
      return (await import('../runc/container/state.ts')).defaultStateRoot();
    },
  };
  return (await command.load()).run(args, context);
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
  if (handsStreamsOn) process.exit();
}

void start(process.argv.slice(2));
