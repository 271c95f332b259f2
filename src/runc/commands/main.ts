/**
 * minirun-runc: an OCI runtime with runc's command line. Each subcommand is a module of its own,
 * loaded when it is called: `delete` should not pay for the compiler.
 */
import { readFileSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Arguments, booleanOf, describeOptions, type OptionSpecs, parseArguments, textOf, UsageError } from './arguments.ts';
import type { Command, Context, Narration, RuntimeCall } from './command.ts';
import { type Log, openLog } from './log.ts';

const COMMANDS: Record<string, { summary: string; load: () => Promise<{ command: Command }> }> = {
  checkpoint: { summary: 'save a running container to disk, with criu', load: () => import('./checkpoint.ts') },
  create: { summary: 'create a container', load: () => import('./create.ts') },
  delete: { summary: 'delete any resources held by the container', load: () => import('./delete.ts') },
  events: { summary: 'display container events: out of memory, and what cpu, memory and I/O were used', load: () => import('./events.ts') },
  exec: { summary: 'execute a new process inside the container', load: () => import('./exec.ts') },
  features: { summary: 'show what this runtime can do, as JSON', load: () => import('./features.ts') },
  kill: { summary: "send a signal (default: SIGTERM) to the container's first process", load: () => import('./kill.ts') },
  list: { summary: 'list the containers of this root folder', load: () => import('./list.ts') },
  pause: { summary: 'suspend all processes inside the container', load: () => import('./pause.ts') },
  ps: { summary: 'display the processes that run inside the container', load: () => import('./ps.ts') },
  restore: { summary: 'restore a container from a checkpoint', load: () => import('./restore.ts') },
  resume: { summary: 'let all processes of a paused container go on', load: () => import('./resume.ts') },
  run: { summary: 'create and start a container', load: () => import('./run.ts') },
  spec: { summary: 'create a new specification file', load: () => import('./spec.ts') },
  start: { summary: 'execute the command of a created container', load: () => import('./start.ts') },
  state: { summary: 'output the state of a container', load: () => import('./state.ts') },
  update: { summary: "change the container's resource limits", load: () => import('./update.ts') },
};

const GLOBAL: OptionSpecs = {
  root: { value: 'DIR', help: 'folder for the state of containers; should be in memory (default: /run/minirun-runc)' },
  log: { value: 'FILE', help: 'where errors and warnings are written (default: standard error)' },
  'log-format': { value: 'FORMAT', help: 'text or json (default: text)' },
  debug: { help: 'write more to the log' },
  'systemd-cgroup': { help: 'have systemd make the cgroups; cgroupsPath is then slice:prefix:name' },
  rootless: { value: 'BOOL', help: 'ignore cgroup permission errors: true, false or auto (default: auto)' },
  criu: { value: 'PATH', help: 'the criu program, for checkpoint and restore (default: criu)' },
  explain: { help: 'tell each step of making a container, on standard error (MINIRUN_EXPLAIN=FILE: into a file)' },
  help: { short: 'h', help: 'show help' },
  version: { short: 'v', help: 'print the version' },
};

/** What the runtime layer does not have itself: the layer above gives it. */
export interface Surroundings {
  version: () => string;
  explain: Context['explain'];
  /**
   * Begins the story of one call.
   * @param to a file that it is appended to, or a folder; undefined: standard error
   */
  narrate: (to: string | undefined, call: RuntimeCall, warn: (sentence: string) => void) => Promise<Narration>;
}

const NAME = 'minirun-runc';

const usage = (): string => `NAME:
   ${NAME} - Open Container Initiative runtime that explains every step

USAGE:
   ${NAME} [global options] command [command options] [arguments...]

COMMANDS:
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `   ${name.padEnd(11)} ${summary}`)
  .join('\n')}

GLOBAL OPTIONS:
${describeOptions(GLOBAL)}`;

const commandUsage = (name: string, command: Command): string => `NAME:
   ${NAME} ${name} - ${COMMANDS[name]?.summary}

USAGE:
   ${NAME} ${name} [command options] ${command.synopsis}
${command.description ? `\nDESCRIPTION:\n   ${command.description}\n` : ''}${Object.keys(command.options).length ? `\nOPTIONS:\n${describeOptions(command.options)}` : ''}`;

const say = (text: string): number => writeSync(1, text);

/** The global options end at the first word that is none. */
function splitGlobal(argv: readonly string[]): { args: Arguments; name: string | undefined; rest: string[] } {
  const args = parseArguments(argv, GLOBAL, 1);
  const [name, ...rest] = args.operands;
  return { args, name, rest };
}

function checkOperands(name: string, command: Command, count: number): void {
  const [least, most] = command.operands;
  if (count >= least && count <= most) return;
  const wanted = least === most ? `exactly ${least}` : count < least ? `a minimum of ${least}` : `a maximum of ${most}`;
  throw new UsageError(`${NAME}: ${JSON.stringify(name)} requires ${wanted} argument(s)`);
}

function defaultRoot(): string {
  const uid = process.getuid?.() ?? 0;
  const own = process.env.XDG_RUNTIME_DIR;
  if (uid === 0 && !(own && isMappedRoot())) return '/run/minirun-runc';
  return own ? `${own}/minirun-runc` : `/tmp/minirun-runc-${uid}`;
}

/** Root of a user namespace only, as under rootless podman: /run is the machine's. USER=root says that it is not, as runc has it. */
function isMappedRoot(): boolean {
  if (process.env.USER === 'root') return false;
  try {
    return !/^\s*0\s+0\s+4294967295$/.test(readFileSync('/proc/self/uid_map', 'utf8').trim());
  } catch {
    return false;
  }
}

/** Runs one command line. @returns the exit code */
export async function main(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  let log: Log = openLog(undefined, 'text', false);
  let failure = 1;
  try {
    const { args, name, rest } = splitGlobal(argv);
    const format = textOf(args, 'log-format') ?? 'text';
    if (format !== 'text' && format !== 'json') throw new Error(`invalid log-format: ${format}`);
    log = openLog(textOf(args, 'log'), format, args.options.debug === true);
    if (args.options.version || name === 'version') {
      say(surroundings.version());
      return 0;
    }
    if (name === undefined || name === 'help' || name === 'h' || args.options.help) {
      const asked = rest[0] === undefined ? undefined : COMMANDS[rest[0]];
      say(asked ? commandUsage(rest[0] as string, (await asked.load()).command) : usage());
      return 0;
    }
    const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (!entry) {
      log.error(`No help topic for '${name}'; ${NAME} --help lists the commands`);
      return 3;
    }
    if (name === 'exec') failure = 255;
    const { command } = await entry.load();
    const context = contextOf(args, log, surroundings);
    let narration: Narration | undefined;
    try {
      const parsed = parseArguments(rest, { ...command.options, help: { short: 'h', help: '' } }, command.stopAfter);
      if (parsed.options.help) {
        say(commandUsage(name, command));
        return 0;
      }
      checkOperands(name, command, parsed.operands.length);
      narration = await narrationOf({ command: name, id: parsed.operands[0] }, args, log, surroundings);
      if (narration) context.observer = narration.observer;
      const code = await command.run(parsed, context);
      narration?.end(code);
      return code;
    } catch (error) {
      narration?.end(failure, (error as Error).message);
      if (error instanceof UsageError) say(`Incorrect Usage.\n\n${commandUsage(name, command)}`);
      throw error;
    }
  } catch (error) {
    log.error(error instanceof Error ? error.message : String(error));
    if (error instanceof UsageError) return 1;
    return failure;
  } finally {
    log.close();
  }
}

function rootlessOf(text: string): boolean | undefined {
  if (text === 'auto') return undefined;
  const value = booleanOf(text);
  if (value === undefined) throw new Error(`invalid value ${JSON.stringify(text)} for --rootless: true, false or auto`);
  return value;
}

function contextOf(args: Arguments, log: Log, surroundings: Surroundings): Context {
  return {
    // Before a command goes to its bundle.
    root: resolve(textOf(args, 'root') ?? defaultRoot()),
    systemdCgroup: args.options['systemd-cgroup'] === true,
    rootless: rootlessOf(textOf(args, 'rootless') ?? 'auto'),
    criu: textOf(args, 'criu') ?? 'criu',
    warn: (sentence) => log.warn(sentence),
    ...(args.options.debug ? { say: (sentence: string) => log.debug(sentence) } : {}),
    explain: surroundings.explain,
  };
}

/** The story of this call, if --explain or MINIRUN_EXPLAIN asks for it and it is about a container. */
async function narrationOf(
  call: Omit<RuntimeCall, 'id'> & { id: string | undefined },
  args: Arguments,
  log: Log,
  surroundings: Surroundings,
): Promise<Narration | undefined> {
  const { id, command } = call;
  const explain = args.options.explain === true;
  const file = process.env.MINIRUN_EXPLAIN;
  if (id === undefined || (!explain && !file)) return undefined;
  return surroundings.narrate(explain ? undefined : file, { command, id }, (sentence) => log.warn(sentence));
}
