/** Small programs of a test, to be killed or run as somebody else: Node 20 runs no TypeScript by itself. */
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { packageRoot } from '../../../../src/runc/engine/installed.ts';

/** Bundles `contents`, whose imports are relative to src/containerd. @returns the path of the program */
export function bundled(name: string, contents: string): string {
  const program = join(packageRoot(), `node_modules/.cache/minirun-test/${name}.mjs`);
  const require = "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";
  buildSync({
    stdin: { contents, resolveDir: join(packageRoot(), 'src/containerd'), loader: 'ts' },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: require },
    external: ['lmdb', 'koffi'],
  });
  return program;
}
