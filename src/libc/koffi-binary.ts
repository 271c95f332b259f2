/**
 * koffi's compiled part, found and loaded without koffi's own JavaScript: 1.2 ms instead of 12 (Node
 * 20, x86-64), as that reads the Node executable and compiles four more modules to learn what we know.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Version that koffi-binary was written against; another is loaded the long way round. */
const MAJOR = '3.';

/** glibc's build before musl's: a machine has one C library, and the other's build does not load. */
function* candidates(): Generator<string> {
  const machine = `${process.platform}-${process.arch}`;
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const packageFolder = join(folder, 'node_modules', '@koromix', `koffi-${machine}`);
    if (existsSync(packageFolder)) {
      yield join(packageFolder, `linux_${process.arch}`, 'koffi.node');
      yield join(packageFolder, `musl_${process.arch}`, 'koffi.node');
      return;
    }
    const parent = dirname(folder);
    if (parent === folder) return;
    folder = parent;
  }
}

/** The addon, or undefined where it must be loaded by `require('koffi')` (another layout, version or system). */
export function loadKoffiBinary(): typeof import('koffi') | undefined {
  if (process.platform !== 'linux') return undefined;
  for (const path of candidates()) {
    const module = { exports: {} as typeof import('koffi') };
    try {
      process.dlopen(module, path);
    } catch {
      continue;
    }
    if (module.exports.version?.startsWith(MAJOR)) return module.exports;
  }
  return undefined;
}
