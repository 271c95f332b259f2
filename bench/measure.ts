/** How long one command takes, on the wall and on the processors. */
import { spawnSync } from 'node:child_process';
import { childrenCpu } from './cpu-time.ts';

export interface Sample {
  /** Milliseconds from the start of the program until its end is known. */
  wall: number;
  /** Milliseconds of processor time, of the program and of those that it waited for. */
  cpu: number;
}

/** @throws Error when the command fails */
export function measure(argv: readonly string[]): Sample {
  const [program = '', ...args] = argv;
  const cpu = childrenCpu();
  const start = performance.now();
  const done = spawnSync(program, args, { stdio: 'ignore' });
  const wall = performance.now() - start;
  if (done.status !== 0) throw new Error(`${argv.join(' ')}: ${done.error?.message ?? `ended with ${done.status ?? done.signal}`}`);
  return { wall, cpu: childrenCpu() - cpu };
}
