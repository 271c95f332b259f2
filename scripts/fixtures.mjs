/**
 * `npm run fixtures [busybox|debian]`: makes the root filesystems that demo and tests use, below
 * rootfs-fixtures/build/ (not committed): `busybox` and `debian` as folders, `busybox.tar` and
 * `busybox.tar.gz`. What cannot be made here is said in one line, and tests that want it are skipped.
 */
import { existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { busybox } from '../rootfs-fixtures/busybox.mjs';
import { debian } from '../rootfs-fixtures/debian.mjs';
import { attempt, root, started } from './shell.mjs';

const RECIPES = { busybox, debian };
export const folder = join(root, 'rootfs-fixtures', 'build');

/** The same tree as a tar, owned by root whoever made it; made again when the folder is newer. */
function archive(name, suffix, compression) {
  const [tree, file] = [join(folder, name), join(folder, `${name}${suffix}`)];
  if (existsSync(file) && statSync(file).mtimeMs > statSync(join(tree, 'etc', 'os-release')).mtimeMs) return;
  const temporary = `${file}.${process.pid}`;
  const code = attempt('tar', ['-C', tree, '--owner=0', '--group=0', '--numeric-owner', ...compression, '-cf', temporary, '.']);
  if (code === 0) renameSync(temporary, file);
  else console.error(`tar of fixture ${name} failed with exit code ${code}`);
}

/** @param {string[]} names which; all without */
export async function fixtures(names = Object.keys(RECIPES)) {
  for (const name of names) {
    const why = RECIPES[name](join(folder, name));
    if (why) console.error(`fixture ${name} not made: ${why}`);
    else if (name === 'busybox') {
      archive(name, '.tar', []);
      archive(name, '.tar.gz', ['-z']);
    }
  }
}

if (started(import.meta)) {
  const unknown = process.argv.slice(2).find((name) => !(name in RECIPES));
  if (unknown !== undefined) {
    console.error(`no fixture is called ${unknown}; there are ${Object.keys(RECIPES).join(' and ')}`);
    process.exit(1);
  }
  await fixtures(process.argv.length > 2 ? process.argv.slice(2) : undefined);
}
