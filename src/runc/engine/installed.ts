/** Where the parts that are no TypeScript lie: found from this file, in a clone and in an installed package. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's folder: the first one above this file that has a package.json. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('minirun is not installed whole: no package.json above its code');
    folder = parent;
  }
  return folder;
}

let root: string | undefined;
const inPackage = (...parts: string[]): string => {
  root ??= packageRoot();
  return join(root, ...parts);
};

/** The native engine's executable; built by native/build.sh. */
export const initBinaryPath = (): string => inPackage('native', 'build', 'minirun-init');

/** The small PID 1 that `--init` puts into a container. */
export const pid1BinaryPath = (): string => inPackage('native', 'build', 'minirun-pid1');

/** The ffi engine's second Node. */
export const ffiInitPath = (): string => inPackage('dist', 'ffi-init.cjs');

/** The process that keeps a detached container. */
export const keeperPath = (): string => inPackage('dist', 'keeper.cjs');
