/** Running hooks (config.md, "POSIX-platform Hooks"): the state on standard input, a time limit, and their words when they fail. */
import { readFileSync, readSync } from 'node:fs';
import { call, closeFd, hostArch, memoryFile } from '../../libc/fd.ts';
import { signal, waitAtMost, waitBlocking } from '../../libc/process.ts';
import { spawn } from '../../libc/spawn.ts';
import type { CgroupPaths } from '../compile/cgroup-paths.ts';
import { compileExec } from '../compile/exec.ts';
import { compileHookProgram } from '../compile/hook-program.ts';
import { type HookKind, hookState, hooksOf } from '../compile/hooks.ts';
import type { Joined } from '../compile/joining.ts';
import type { HookCall } from '../engine/hook-call.ts';
import { startNative } from '../engine/native.ts';
import type { Observer } from '../engine/observer.ts';
import type { Host } from '../host/facts.ts';
import type { Program } from '../program/step.ts';
import { usesNotify } from '../seccomp/notify.ts';
import type { Config, Process } from '../spec/config.ts';
import { signalMeaning } from '../spec/signals.ts';
import { namespacesOf } from './joined.ts';

const SIGKILL = 9;
/** The longest time that poll(2) takes, about 24 days, in ms. */
const FOREVER = 2 ** 31 - 1;

/** The container that a hook inside it belongs to. */
export interface HookPlace {
  config: Config;
  host: Host;
  id: string;
  bundle: string;
  cgroups: CgroupPaths;
}

export class HookError extends Error {
  constructor(from: string, what: string, words: { out: string; err: string }) {
    super(`error running hook ${from.replace('#/hooks/', '')}: ${what}, stdout: ${words.out.trimEnd()}, stderr: ${words.err.trimEnd()}`);
    this.name = 'HookError';
  }
}

/** Why a hook cannot be executed, and what to do. */
function notStarted(hook: HookCall, error: Error & { code?: unknown }): string {
  const isInside = hook.from.startsWith('#/hooks/startContainer/');
  const where = isInside ? 'in the container, where startContainer hooks are looked for' : 'on the host';
  const advice: Record<string, string> = {
    ENOENT: `it is not there ${where}, or the interpreter in its first line is not`,
    EACCES: 'it is not executable (chmod +x), or lies on a file system that is mounted noexec',
    ENOEXEC: 'it is no program: a script needs a first line such as #!/bin/sh',
  };
  const known = typeof error.code === 'string' ? advice[error.code] : undefined;
  return known ? `start ${hook.path}: ${String(error.code)}; usual cause: ${known}` : `${hook.path}: ${error.message}`;
}

/** What was written into a memfd. */
function contentOf(fd: number): string {
  const chunk = Buffer.alloc(64 * 1024);
  return chunk.toString('utf8', 0, readSync(fd, chunk, 0, chunk.length, 0));
}

/**
 * Runs a hook to its end. Its output goes to memory, so that it can never wait for a reader.
 * @param place for a startContainer hook
 * @throws HookError when it cannot be started, ends with another status than 0, or takes too long
 */
export function runHook(hook: HookCall, place?: HookPlace): void {
  const stdin = memoryFile('state', Buffer.from(stateFor(hook)));
  const stdout = memoryFile('stdout', Buffer.alloc(0));
  const stderr = memoryFile('stderr', Buffer.alloc(0));
  const words = () => ({ out: contentOf(stdout), err: contentOf(stderr) });
  try {
    call('lseek', stdin, 0, 0);
    const fds = new Map([
      [0, stdin],
      [1, stdout],
      [2, stderr],
    ]);
    let pid: number;
    try {
      pid = start(hook, fds, place);
    } catch (error) {
      throw new HookError(hook.from, notStarted(hook, error as Error & { code?: unknown }), words());
    }
    const ended = waitAtMost(pid, hook.timeout ? hook.timeout * 1000 : FOREVER);
    if (!ended) {
      signal(pid, SIGKILL);
      waitBlocking(pid);
      throw new HookError(hook.from, `hook ran past specified timeout of ${hook.timeout.toFixed(1)}s`, words());
    }
    if (ended.signal) throw new HookError(hook.from, `signal: ${signalMeaning(ended.signal)}`, words());
    if (ended.code) throw new HookError(hook.from, `exit status ${ended.code}`, words());
  } finally {
    for (const fd of [stdin, stdout, stderr]) closeFd(fd);
  }
}

/** In the container's namespaces the state tells the pid as it is seen there (runtime.md, "State"). */
function stateFor(hook: HookCall): string {
  if (hook.inside === undefined) return hook.state;
  const numbers = /^NSpid:\t(.*)$/m.exec(readFileSync(`/proc/${hook.inside}/status`, 'latin1'))?.[1]?.split('\t');
  return JSON.stringify({ ...(JSON.parse(hook.state) as object), pid: Number(numbers?.at(-1) ?? hook.inside) });
}

const ownEnvironment = (): string[] => Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`);

function start(hook: HookCall, fds: Map<number, number>, place: HookPlace | undefined): number {
  const env = hook.env ?? ownEnvironment();
  if (hook.inside === undefined) return spawn({ path: hook.path, argv: hook.args, env, fds });
  const joined = namespacesOf(hook.inside);
  const program =
    hook.from.startsWith('#/hooks/startContainer/') && place
      ? insideProgram({ ...hook, env }, place, joined)
      : compileHookProgram({ ...hook, env }, joined, { arch: hostArch() });
  return startNative({ program, fds });
}

/**
 * A startContainer hook is a program of the image: it gets what the command gets, its user, capabilities,
 * filter and limits, and no more. A filter that asks an agent is left out, as its listener is the command's.
 */
function insideProgram(hook: HookCall & { env: string[] }, place: HookPlace, joined: Joined): Program {
  const { config, host, id, bundle, cgroups } = place;
  const { seccomp, ...rest } = config.linux ?? {};
  const linux = seccomp && !usesNotify(seccomp) ? { ...rest, seccomp } : rest;
  const process = { ...(config.process as Process), args: hook.args, env: hook.env, terminal: false };
  return compileExec({ ...config, linux }, process, host, { id, bundle, cgroups, ...joined, file: hook.path });
}

/**
 * Hooks that are no step of a program: those around `start`, and after the end.
 * @param pid the container's init; 0 when it has ended
 * @param failed what becomes of one that fails; without it, it ends the row
 * @throws HookError of the first that fails
 */
export function runHooks(
  config: Config,
  kind: HookKind,
  container: { id: string; bundle: string; pid: number },
  place?: HookPlace,
  failed?: (error: Error) => void,
  observer?: Observer,
): void {
  hooksOf(config, kind).forEach((hook, index) => {
    const [before, after] = hookState(config, kind, container.id, container.bundle);
    const call: HookCall = {
      from: `#/hooks/${kind}/${index}`,
      path: hook.path,
      args: hook.args?.length ? hook.args : [hook.path],
      env: hook.env,
      timeout: hook.timeout ?? 0,
      state: `${before}${container.pid}${after}`,
      inside: kind === 'startContainer' ? container.pid : undefined,
    };
    const started = process.hrtime.bigint();
    const tell = (failure?: string) =>
      observer?.hook?.(call, { ns: Number(process.hrtime.bigint() - started), ...(failure === undefined ? {} : { failure }) });
    try {
      runHook(call, place);
      tell();
    } catch (error) {
      tell((error as Error).message);
      if (!failed) throw error;
      failed(error as Error);
    }
  });
}

/** Runs the hooks that come after the end. The container is gone whatever they say: a failure is a warning, and the next one runs (runtime.md, "Lifecycle"). */
export function runPoststop(
  config: Config,
  container: { id: string; bundle: string },
  warn: (sentence: string) => void,
  observer?: Observer,
): void {
  runHooks(config, 'poststop', { ...container, pid: 0 }, undefined, (error) => warn(error.message), observer);
}
