/** Where downloads and builds are kept between runs, and how a half-made one is told from a whole one. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** $MINIRUN_CONFORMANCE_CACHE, or a folder of the XDG base directory specification. */
export const cacheFolder = (): string =>
  process.env.MINIRUN_CONFORMANCE_CACHE ?? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'minirun', 'conformance');

/**
 * Makes `folder` unless an earlier run made it to its end. What an interrupted run left is removed first.
 * @param doing what is said on stderr while it is made
 */
export function made(folder: string, doing: string, make: () => void): string {
  const stamp = `${folder}.made`;
  if (existsSync(stamp) && existsSync(folder)) return folder;
  process.stderr.write(`${doing}\n`);
  rmSync(stamp, { force: true });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  make();
  writeFileSync(stamp, '');
  return folder;
}

/** Runs a program that must succeed. @throws Error with the end of what it printed */
export function must(argv: string[], options: { cwd?: string; env?: Record<string, string | undefined> } = {}): string {
  const [program = '', ...args] = argv;
  const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  if (done.status === 0) return done.stdout;
  const said = (done.stderr || done.stdout || '').trim().split('\n').slice(-4).join('; ');
  throw new Error(
    `${argv.join(' ')} ${done.error ? done.error.message : `ended with ${done.signal ?? `exit code ${done.status}`}`}: ${said}`,
  );
}
