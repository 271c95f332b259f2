/** `minirun exec [options] CONTAINER COMMAND [ARG...]` */
import { closeSync, openSync } from 'node:fs';
import type { Command } from 'commander';
import { execInContainer } from '../../runc/container/exec.ts';
import { loadConfig } from '../../runc/container/state.ts';
import { boundingCapabilities } from '../../runc/host/bounding.ts';
import { readInside } from '../../runc/rootfs/read-inside.ts';
import type { Config, Process } from '../../runc/spec/config.ts';
import { type Context, warn } from '../command.ts';
import { newCommand, parseCommand, withExamples } from '../command-line.ts';
import { applyEnvironment, applyUser } from '../config/process.ts';
import { lookup } from '../docker/lookup.ts';
import { addExecOptions, type ExecOptions, execOptions } from '../exec-options.ts';
import { readEnvFiles } from '../gather-facts.ts';
import { openNarration } from '../narration.ts';
import { chooseEngine, requireLinux, requireTerminal } from '../preconditions.ts';
import { UsageError } from '../usage-error.ts';

export const command = (): Command =>
  withExamples(
    addExecOptions(newCommand('minirun exec', 'Run one more command in a running container.')).usage(
      '[options] CONTAINER COMMAND [ARG...]',
    ),
    ['exec web ls /', 'run a command'],
    ['exec -it web sh', 'a shell in the container'],
    ['exec -u nobody -w /tmp -e A=1 web env', 'as another user, in another folder, with a variable'],
  );

export async function run(args: string[], context: Context): Promise<number> {
  const parsed = command();
  const [name, ...argv] = parseCommand(parsed, args);
  if (!name || !argv[0])
    throw new UsageError(`${name ? 'COMMAND' : 'CONTAINER'} is missing; usage: minirun exec [options] CONTAINER COMMAND [ARG...]`);
  const options = execOptions(parsed);
  const found = await lookup(context).find(name);
  if ('connection' in found) {
    const { dockerExec } = await import('../docker/exec.ts');
    return dockerExec(found.connection, name, argv, options);
  }
  requireLinux('minirun exec');
  requireTerminal(options);
  const engine = chooseEngine(options.engine);
  const stateRoot = await context.stateRoot();
  const { view } = found;
  if (!view.pid) throw new UsageError(`container ${view.state.name} is ${view.status}: a command can be run only in one that runs`);
  const narration = await openNarration(options);
  const silence = options.detach ? openSync('/dev/null', 'r+') : undefined;
  try {
    const request = {
      stateRoot,
      id: view.state.id,
      process: processFor(loadConfig(view), argv, options, view.state.rootfs),
      engine,
      warn,
      ...(narration.observer ? { observer: narration.observer } : {}),
    };
    const streams = { stdin: silence ?? 0, stdout: silence ?? 1, stderr: silence ?? 2 };
    const ended = await execInContainer(view, request, { detach: options.detach, streams });
    return ended.code;
  } finally {
    if (silence !== undefined) closeSync(silence);
    narration.close();
  }
}

/** The container's own process with the options on top: what it may do and its limits are the same. */
function processFor(config: Config, args: string[], options: ExecOptions, rootfs: string): Process {
  const process: Process = { ...(config.process as Process), args, terminal: options.tty };
  delete process.consoleSize;
  const stdout = options.tty ? globalThis.process.stdout : undefined;
  if (stdout?.isTTY && stdout.rows) process.consoleSize = { height: stdout.rows, width: stdout.columns };
  if (options.workdir !== undefined) process.cwd = options.workdir;
  if (options.user !== undefined) {
    // HOME is that of the user, not of the container's first process.
    process.env = process.env?.filter((v) => !v.startsWith('HOME='));
    const facts = {
      passwd: readInside(rootfs, '/etc/passwd') ?? '',
      group: readInside(rootfs, '/etc/group') ?? '',
      uid: globalThis.process.geteuid?.() ?? 0,
      base: undefined,
    };
    applyUser({ ...config, process }, options.user, facts);
  }
  if (options.tty && !process.env?.some((v) => v.startsWith('TERM='))) process.env = [...(process.env ?? []), 'TERM=xterm'];
  applyEnvironment(process, options, { env: globalThis.process.env, files: readEnvFiles(options.envFiles) });
  if (options.privileged) {
    const all = boundingCapabilities();
    process.capabilities = { bounding: all, effective: [...all], permitted: [...all] };
  }
  return process;
}
