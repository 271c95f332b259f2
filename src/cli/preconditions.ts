/** What can be known to fail before anything is made, in words that say what to do. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { EngineName } from '../runc/engine/launch.ts';
import { nativeAvailable } from '../runc/engine/native.ts';
import type { Config } from '../runc/spec/config.ts';
import type { RunOptions } from './run-options.ts';
import { UsageError } from './usage-error.ts';

export function requireLinux(command: string): void {
  if (process.platform !== 'linux')
    throw new UsageError(`${command} needs Linux: containers are made by its kernel. minirun explain works here too`);
}

/** The engine asked for, or the best one there is. */
export function chooseEngine(asked: EngineName | undefined): EngineName {
  const native = nativeAvailable();
  if (asked === 'native' && !native)
    throw new UsageError('--engine native: it has not been built; run npm run build (it needs a C compiler), or use --engine ffi');
  return asked ?? (native ? 'native' : 'ffi');
}

const number = (path: string): number | undefined => {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
};

/** An ordinary user needs user namespaces, which some systems switch off. */
export function requireUserNamespaces(): void {
  if (process.geteuid?.() === 0) return;
  const refuse = (why: string, mend: string): never => {
    throw new UsageError(`not root, and user namespaces are switched off here (${why}): run as root, or have root run: ${mend}`);
  };
  if (!existsSync('/proc/self/ns/user')) refuse('the kernel was built without them', 'nothing helps but another kernel');
  if (number('/proc/sys/kernel/unprivileged_userns_clone') === 0)
    refuse('kernel.unprivileged_userns_clone is 0', 'sysctl -w kernel.unprivileged_userns_clone=1');
  if (number('/proc/sys/user/max_user_namespaces') === 0)
    refuse('user.max_user_namespaces is 0', 'sysctl -w user.max_user_namespaces=15000');
}

/** Sources of bind mounts that a person named must be there: a misspelt one would otherwise be an empty folder. */
export function requireSources(options: RunOptions, config: Config): void {
  for (const mount of options.mounts) {
    if (mount.kind !== 'bind') continue;
    const source = resolve(mount.source);
    if (!existsSync(source))
      throw new UsageError(`${mount.typed}: no such file or folder: ${source}; make it first (mkdir), or correct the path`);
  }
  const pid1 = config.mounts?.find((m) => m.destination === '/sbin/minirun-init')?.source;
  if (options.init && pid1 && !existsSync(pid1))
    throw new UsageError('--init: its small init has not been built; run npm run build (it needs a C compiler)');
}

/** As in Docker: who wants to type into a terminal must be at one. */
export function requireTerminal(options: Pick<RunOptions, 'tty' | 'interactive' | 'detach'>): void {
  if (options.tty && options.interactive && !options.detach && !process.stdin.isTTY) {
    throw new UsageError('-t with -i: standard input is no terminal; leave -t out when input comes from a pipe or a file');
  }
}
