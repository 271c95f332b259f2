/** Steps that run another program and wait for it: newuidmap, newgidmap. */
import { createRequire } from 'node:module';
import { ERRNO } from '../../libc/errno.ts';
import type { Step } from '../program/step.ts';

/** What a call came to, and what a program that was run for it said. */
export interface Made {
  /** The result, or -errno. */
  result: number;
  said?: string;
}

/**
 * Runs argv (each argument a text that may hold results). The result is 0, or -errno: of the exec, or
 * EPERM when the program itself said no.
 */
export function runHelper(step: Step, result: (name: string) => number): Made {
  const argv = step.call.args.map((arg) => {
    if (arg.kind !== 'text') throw new Error('posix_spawn takes texts');
    return arg.parts.map((p) => (typeof p === 'string' ? p : String(result(p.of)))).join('');
  });
  const [file, ...rest] = argv;
  // Loaded when it is needed: most starts need no helper.
  const { spawnSync } = createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');
  const done = spawnSync(file as string, rest, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  const said = `${done.stderr ?? ''}`.trim();
  if (done.error) return { result: -(ERRNO[(done.error as NodeJS.ErrnoException).code ?? ''] ?? 5), said };
  return { result: done.status === 0 ? 0 : -1, said };
}
