/** Calls an OCI runtime as an engine does: bundles, a state root, answers with their output. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Config } from '../../../src/runc/spec/config.ts';
import { exampleConfig } from '../../../src/runc/spec/example-config.ts';
import { type Answer, BUSYBOX, isRoot, PROJECT } from './minirun.ts';

export const MINIRUN_RUNC = join(PROJECT, 'bin/minirun-runc');
const SLOWNESS = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);

export interface CallOptions {
  uid?: number;
  /** Text for standard input. */
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
  /** Descriptors that the runtime inherits from 3 on; a hole is not open. */
  fds?: (number | 'ignore')[];
}

/** A call that goes on: its process, and what it answers. */
export interface Call {
  child: ChildProcess;
  answer: Promise<Answer>;
}

export interface Runtime {
  root: string;
  /** One command to its end. */
  (args: string[], options?: CallOptions): Answer;
  /** One command, beside others. */
  start(args: string[], options?: CallOptions): Call;
}

/**
 * A runtime whose containers lie in `root`.
 * @param program the runtime's command line; words before the arguments may follow it
 */
export function runtimeIn(root: string, program: string[] = [MINIRUN_RUNC]): Runtime {
  const [file = '', ...before] = program;
  // Output goes to files: a container inherits it, so a pipe would stay open as long as the container lives.
  const prepared = (args: string[], options: CallOptions) => {
    const folder = mkdtempSync('/tmp/minirun-call-');
    const paths = ['in', 'out', 'err'].map((name) => join(folder, name)) as [string, string, string];
    writeFileSync(paths[0], options.input ?? '');
    const fds = [openSync(paths[0], 'r'), openSync(paths[1], 'w'), openSync(paths[2], 'w')];
    return {
      argv: [...before, '--root', root, ...args],
      settings: {
        stdio: [...fds, ...(options.fds ?? [])],
        env: { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/tmp', ...options.env },
        ...(options.cwd ? { cwd: options.cwd } : {}),
        ...(options.uid ? { uid: options.uid, gid: options.uid } : {}),
      },
      answer(code: number | null, signal: string | null): Answer {
        for (const fd of fds) closeSync(fd);
        const answer = { code, signal, out: readFileSync(paths[1], 'utf8'), err: readFileSync(paths[2], 'utf8') };
        rmSync(folder, { recursive: true, force: true });
        return answer;
      },
    };
  };
  const call = (args: string[], options: CallOptions = {}): Answer => {
    const { argv, settings, answer } = prepared(args, options);
    const done = spawnSync(file, argv, { ...settings, timeout: 60_000 * SLOWNESS });
    if (done.error) throw done.error;
    return answer(done.status, done.signal);
  };
  const start = (args: string[], options: CallOptions = {}): Call => {
    const { argv, settings, answer } = prepared(args, options);
    const child = spawn(file, argv, settings);
    return {
      child,
      answer: new Promise((resolve, reject) => {
        child.on('error', reject);
        child.on('exit', (code, signal) => resolve(answer(code, signal)));
      }),
    };
  };
  return Object.assign(call, { start, root });
}

/** After the last test, a failed one too, no container of these runtimes is left. */
export function leaveNothing(...runtimes: Runtime[]): void {
  afterAll(() => {
    for (const runtime of runtimes)
      for (const id of runtime(['list', '-q']).out.split('\n').filter(Boolean)) runtime(['delete', '--force', id]);
  });
}

/** The config of `spec`, without a terminal, on a root file system that may be written to, with /tmp and cgroups of its own. */
export function bundleConfig(args: string[] | undefined, change: (config: Config) => void = () => {}): Config {
  const config = exampleConfig({ cgroupNamespace: false });
  config.root = { path: BUSYBOX, readonly: false };
  if (config.process) Object.assign(config.process, { terminal: false, args });
  change(config);
  if (!args) delete config.process;
  return config;
}

/** Writes a bundle. `cgroupsPath` is `/minirun/ID` unless the config has one: where tests look for what is left. */
export function writeBundle(folder: string, id: string, config: Config): string {
  mkdirSync(folder, { recursive: true });
  config.linux = { ...config.linux, ...(isRoot ? { cgroupsPath: config.linux?.cgroupsPath ?? `/minirun/${id}` } : {}) };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  return folder;
}

/** The messages of a log written with `--log-format json`. */
export const messagesOf = (log: string): string[] =>
  log
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { msg: string }).msg);
