/**
 * `npm run build`: bundles the TypeScript into dist/. One file starts faster than two hundred
 * (each module costs Node a file lookup and a compile); what a command loads on demand becomes a chunk of its own.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, started } from './shell.mjs';

/** Entry points: name in dist/ → source. Those that do not exist yet are left out. */
const PROGRAMS = { minirun: 'src/cli/main.ts', keeper: 'src/runc/container/keeper.ts', 'minirun-runc': 'src/runc/main.ts' };

const SHARED = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // koffi is a native addon: it finds its binary beside its own package.json.
  external: ['koffi', '@koromix/*'],
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
};

/** CommonJS packages inside an ES module need a `require` for Node's own modules. */
const REQUIRE = "import { createRequire as createRequireHere } from 'node:module'; const require = createRequireHere(import.meta.url);";

const present = (entries) => Object.fromEntries(Object.entries(entries).filter(([, source]) => existsSync(join(root, source))));

/** Only chunks that use `require` pay for making one. */
function contents(file) {
  return /\brequire\b/.test(file.text) ? `${REQUIRE}\n${file.text}` : file.text;
}

/** Writes under a temporary name and renames, so that a minirun started meanwhile sees whole files. */
function place(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

function removeOthers(folder, keep) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) removeOthers(path, keep);
    else if (!keep.has(path) && entry.name.endsWith('.js')) rmSync(path, { force: true });
  }
}

/** Builds everything. @throws when a source does not compile */
export async function build() {
  const esbuild = await import('esbuild');
  const results = await Promise.all([
    esbuild.build({ ...SHARED, splitting: true, entryPoints: present(PROGRAMS) }),
    esbuild.build({ ...SHARED, entryPoints: present({ 'ffi-init': 'src/runc/engine/ffi-init.ts' }) }),
  ]);
  const files = results.flatMap((r) => r.outputFiles);
  // Chunks before the programs that import them.
  const isChunk = (file) => (file.path.includes('/chunks/') ? 0 : 1);
  for (const file of files.sort((a, b) => isChunk(a) - isChunk(b))) place(file.path, contents(file));
  // Their times tell ready.mjs when all was built, also where nothing changed.
  const now = new Date();
  for (const file of files) utimesSync(file.path, now, now);
  removeOthers(join(root, 'dist'), new Set(files.map((f) => f.path)));
}

/** Bundles one TypeScript program for a script: `source` below the clone, `target` anywhere. */
export async function bundle(source, target) {
  const esbuild = await import('esbuild');
  const { outputFiles } = await esbuild.build({ ...SHARED, entryPoints: [source], outdir: undefined, outfile: target });
  for (const file of outputFiles) place(file.path, contents(file));
}

if (started(import.meta)) await build();
