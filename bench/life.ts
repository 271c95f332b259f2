/** The commands with which an engine takes a container through its life, each timed. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTime } from '../src/libc/process.ts';
import { measure, type Sample } from './measure.ts';
import { bundle, freshId, type Runtime } from './runtimes.ts';

export const COMMANDS = ['state', 'kill', 'delete', 'delete --force, unknown id', 'create', 'start', 'exec', 'run'] as const;
export type CommandName = (typeof COMMANDS)[number];
export type Life = Record<CommandName, Sample>;

const pidIn = (file: string): number => Number(readFileSync(file, 'utf8'));

/** Blocks until the process has ended, reaped or not. */
function gone(pid: number): void {
  const nap = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; startTime(pid) !== undefined; i++) {
    if (i > 5000) throw new Error(`process ${pid} does not end`);
    Atomics.wait(nap, 0, 0, 1);
  }
}

/** A container that sleeps, for the commands that want one which runs. */
export interface Sleeper {
  id: string;
  remove: () => void;
}

export function sleeper(runtime: Runtime, scratch: string): Sleeper {
  const id = freshId();
  measure(runtime.argv('create', '--bundle', bundle(scratch, 'sleeper', ['/bin/sleep', '100000']), id));
  measure(runtime.argv('start', id));
  return { id, remove: () => void measure(runtime.argv('delete', '--force', id)) };
}

/** Each command once. */
export function live(runtime: Runtime, scratch: string, sleeping: Sleeper): Life {
  const folder = bundle(scratch, 'true', ['/bin/true']);
  const pidFile = join(scratch, 'pid');
  const id = freshId();
  const of = (...args: string[]): Sample => measure(runtime.argv(...args));
  const create = of('create', '--bundle', folder, '--pid-file', pidFile, id);
  const start = of('start', id);
  gone(pidIn(pidFile));
  return {
    create,
    start,
    delete: of('delete', id),
    state: of('state', sleeping.id),
    // What the kernel ignores: sleep does not catch it.
    kill: of('kill', sleeping.id, 'CONT'),
    exec: of('exec', sleeping.id, '/bin/true'),
    run: of('run', '--bundle', folder, freshId()),
    'delete --force, unknown id': of('delete', '--force', freshId()),
  };
}

const ended = (argv: string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const [program = '', ...args] = argv;
    const child = spawn(program, args, { stdio: 'ignore' });
    child.on('error', reject);
    child.on('exit', (code, signal) => (code === 0 ? resolve() : reject(new Error(`${argv.join(' ')}: ended with ${code ?? signal}`))));
  });

/** Milliseconds until so many containers that are started at once have been created, started and deleted. */
export async function together(runtime: Runtime, scratch: string, count: number): Promise<number> {
  const folder = bundle(scratch, 'true', ['/bin/true']);
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: count }, async () => {
      const id = freshId();
      await ended(runtime.argv('create', '--bundle', folder, id));
      await ended(runtime.argv('start', id));
      await ended(runtime.argv('delete', '--force', id));
    }),
  );
  return performance.now() - begun;
}
