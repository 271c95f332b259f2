/** Steps that run another program and wait for it: newuidmap, newgidmap. */
import { createRequire } from 'node:module';
import { ERRNO } from '../../libc/errno.ts';
import type { Step } from '../program/step.ts';

/** The helper's own words, kept for the error message that follows. */
export let lastHelperOutput = '';

/**
 * Runs argv (each argument a text that may hold results). Returns 0, or -errno: of the exec, or
 * EPERM when the program itself said no.
 */
export function runHelper(step: Step, result: (name: string) => number): number {
  const argv = step.call.args.map((arg) => {
    if (arg.kind !== 'text') throw new Error('posix_spawn takes texts');
    return arg.parts.map((p) => (typeof p === 'string' ? p : String(result(p.of)))).join('');
  });
  const [file, ...rest] = argv;
  // Loaded when it is needed: most starts need no helper.
  const { spawnSync } = createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');
  const done = spawnSync(file as string, rest, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
  lastHelperOutput = `${done.stderr ?? ''}`.trim();
  if (done.error) return -(ERRNO[(done.error as NodeJS.ErrnoException).code ?? ''] ?? 5);
  return done.status === 0 ? 0 : -1;
}
