/** Running other programs from the scripts, with a clear line when one fails. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { constants as os } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clone's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Folders where system programs lie even when an ordinary user's PATH leaves them out. */
const SYSTEM = ['/usr/sbin', '/sbin'];

/** The path of a program, or undefined. */
export function which(program) {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM]) {
    const path = join(folder || '.', program);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/**
 * Runs a program in the clone's folder with this process's stdio. Returns its exit code; 127 when
 * it cannot be started, 128 + N when signal N ended it.
 */
export function attempt(program, args, options = {}) {
  const done = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options });
  if (done.error) {
    console.error(`${program}: ${done.error.message}`);
    return 127;
  }
  return done.signal ? 128 + os.signals[done.signal] : (done.status ?? 1);
}

/** As {@link attempt}, but a failure ends this script with exit code 1 and says what was being done. */
export function must(doing, program, args, options = {}) {
  const code = attempt(program, args, options);
  if (code === 0) return;
  console.error(`could not ${doing}: ${[program, ...args].join(' ')} ended with exit code ${code}`);
  process.exit(1);
}

/** What a program prints, or undefined when it fails. */
export function output(program, args, options = {}) {
  const done = spawnSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26, ...options });
  return done.status === 0 ? done.stdout : undefined;
}

/** The path of a program that an npm package brings. */
export const local = (name) => join(root, 'node_modules', '.bin', name);

/** True when this file is the one that was started, not imported. */
export const started = (meta) => process.argv[1] !== undefined && fileURLToPath(meta.url) === process.argv[1];
