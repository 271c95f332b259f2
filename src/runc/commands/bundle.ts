/** The bundle: a folder with config.json (bundle.md). */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CommandError } from '../container/find-command.ts';
import { HookError } from '../container/hooks.ts';
import type { Choices } from '../container/request.ts';
import { StepError } from '../engine/step-error.ts';
import type { Config } from '../spec/config.ts';
import { parseConfig } from '../spec/validate.ts';
import { type Arguments, type OptionSpecs, textOf, UsageError } from './arguments.ts';
import { checkId } from './container-id.ts';

/** Options that create, run and restore share. */
export const BUNDLE_OPTIONS: OptionSpecs = {
  bundle: { short: 'b', value: 'DIR', help: 'folder of the bundle (default: the current one)' },
  'console-socket': { value: 'PATH', help: 'unix socket that gets the master end of the terminal' },
  'pid-file': { value: 'FILE', help: "where the first process's number is written" },
  'no-pivot': { help: 'do not use pivot_root: for a root file system on a ramdisk' },
  'no-new-keyring': { help: "no session keyring of its own: the container has the caller's" },
  'preserve-fds': { value: 'N', help: 'descriptors that the container gets beside 0 to 2 and $LISTEN_FDS' },
};

export interface Bundle {
  /** The id of the container that it is for. */
  id: string;
  path: string;
  config: Config;
}

/**
 * Reads the bundle and goes there: relative paths of the config, and hooks, start from it.
 * @param what begins each error: `runc create failed`
 */
export function openBundle(args: Arguments, what: string): Bundle {
  const path = resolve(textOf(args, 'bundle') ?? '.');
  try {
    return { path, ...readBundle(args.operands[0] as string, path) };
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`);
  }
}

function readBundle(given: string, path: string): Omit<Bundle, 'path'> {
  const id = checkId(given);
  try {
    process.chdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`chdir ${path}: ${code === 'ENOENT' ? 'no such file or directory' : code}`);
  }
  let text: string;
  try {
    text = readFileSync('config.json', 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Error(`JSON specification file config.json not found in ${path}`);
    throw error;
  }
  return { id, config: parseConfig(text, 'config.json') };
}

/** A number of descriptors; those that a service manager passes (sd_listen_fds(3)) come first. */
export function preservedFds(args: Arguments): number {
  const text = textOf(args, 'preserve-fds') ?? '0';
  if (!/^\d+$/.test(text)) throw new UsageError(`invalid value ${JSON.stringify(text)} for flag -preserve-fds`);
  const listening = /^\d+$/.test(process.env.LISTEN_FDS ?? '') ? Number(process.env.LISTEN_FDS) : 0;
  return Number(text) + listening;
}

export const choicesOf = (args: Arguments, gated: boolean): Choices => ({
  ...(gated ? { gated } : {}),
  preserveFds: preservedFds(args),
  noKeyring: args.options['no-new-keyring'] === true,
  noPivot: args.options['no-pivot'] === true,
});

/** What a service manager says of its sockets goes on to the command. */
export function passListenFds(config: Config): void {
  const { LISTEN_FDS, LISTEN_FDNAMES } = process.env;
  if (!LISTEN_FDS || !config.process) return;
  const env = [...(config.process.env ?? []), `LISTEN_FDS=${LISTEN_FDS}`, 'LISTEN_PID=1'];
  config.process.env = LISTEN_FDNAMES ? [...env, `LISTEN_FDNAMES=${LISTEN_FDNAMES}`] : env;
}

/** The config's command as it failed, in the words that engines look for to choose 126 or 127. */
export function commandWords(error: unknown, command: string): string | undefined {
  if (error instanceof CommandError) return error.message;
  if (!(error instanceof StepError) || error.step.call.name !== 'execve') return undefined;
  const name = JSON.stringify(command);
  if (error.code === 'ENOENT') {
    const missing = command.includes('/') ? `stat ${command}: no such file or directory` : 'executable file not found in $PATH';
    return `exec: ${name}: ${missing}`;
  }
  if (error.code === 'EACCES') return `exec: ${name}: permission denied`;
  return `exec ${name}: ${error.message}`;
}

/**
 * The error of a start, as runc words it: what failed, then how. The explained step follows.
 * @param what `runc create failed`, `exec failed`
 * @param explain tells of a failed step what was done with which values, the usual cause and what to do
 */
export async function startError(
  what: string,
  error: unknown,
  command: string,
  explain: (error: StepError) => Promise<string>,
): Promise<Error> {
  const words = commandWords(error, command);
  if (words !== undefined) return new Error(`${what}: unable to start container process: ${words}`);
  const init = `${what}: unable to start container process: error during container init`;
  if (error instanceof StepError) return new Error(`${init}: ${await explain(error)}`);
  if (error instanceof HookError) return new Error(`${init}: ${error.message}`);
  return new Error(`${what}: ${(error as Error).message}`);
}
