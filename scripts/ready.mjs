/**
 * Makes what a fresh machine with Node and npm lacks: system packages, npm packages, the native
 * engine, the bundle. Does only what is missing or out of date; plain Node, because nothing else is there yet.
 */
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { enginePackages, FOR_TESTS, NEEDED, systemPackages } from './debian.mjs';
import { local, must, root, started, which } from './shell.mjs';

const json = (...path) => {
  try {
    return JSON.parse(readFileSync(join(root, ...path), 'utf8'));
  } catch {
    return undefined;
  }
};

/** True when node_modules holds the versions of package-lock.json. Packages for other machines may be absent. */
function packagesCurrent() {
  const wanted = json('package-lock.json')?.packages ?? {};
  const have = json('node_modules', '.package-lock.json')?.packages;
  if (!have) return false;
  return Object.entries(wanted).every(([path, p]) => path === '' || (have[path] ? have[path].version === p.version : p.optional === true));
}

/** When the newest file below the paths was changed, in milliseconds; 0 when there is none. */
function newest(...paths) {
  let latest = 0;
  for (const path of paths) {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (!stat) continue;
    if (!stat.isDirectory()) latest = Math.max(latest, stat.mtimeMs);
    else latest = Math.max(latest, newest(...readdirSync(join(root, path)).map((name) => join(path, name))));
  }
  return latest;
}

function nativeEngine() {
  if (process.platform !== 'linux') return;
  const sources = ['native/build.sh', ...readdirSync(join(root, 'native')).flatMap((f) => (/\.[ch]$/.test(f) ? [`native/${f}`] : []))];
  const built = sources.filter((s) => s.endsWith('.c')).map((s) => s.replace('native/', 'native/build/').replace('.c', ''));
  // The oldest product decides: one that is absent counts as made at time 0.
  if (Math.min(...built.map((b) => newest(b))) >= newest(...sources)) return;
  if (!which(process.env.CC ?? 'cc')) {
    console.error('no C compiler: the ffi engine is used, which cannot make user namespaces (mend it with: apt-get install gcc libc6-dev)');
    return;
  }
  must('build the native engine', 'sh', ['native/build.sh']);
}

/** The TypeScript of the protocols: src/proto from proto/, all or nothing. */
function protocols() {
  if (newest('src/proto') > newest('proto', 'buf.gen.yaml', 'package-lock.json')) return;
  must('generate src/proto from proto/', local('buf'), ['generate']);
}

async function bundle() {
  mkdirSync(join(root, 'dist'), { recursive: true });
  const sources = newest('src', 'package-lock.json', 'scripts/build.mjs', 'scripts/start-with-code-cache.cjs');
  if (Math.min(newest('dist/minirun.cjs'), newest('dist/ffi-init.cjs')) >= sources) return;
  const { build } = await import('./build.mjs');
  await build();
}

/**
 * @param {{tests?: boolean, engines?: boolean}} options tests: also what only tests and benchmarks use;
 *   engines: also podman, containerd and Docker
 */
export async function ready({ tests = false, engines = false } = {}) {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major < 20) {
    console.error(`minirun needs Node 20 or later; this is ${process.versions.node} (${process.execPath})`);
    process.exit(1);
  }
  systemPackages(tests ? { ...NEEDED, ...FOR_TESTS } : NEEDED);
  if (engines) enginePackages();
  if (!packagesCurrent()) must('install the npm packages', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  nativeEngine();
  protocols();
  await bundle();
}

if (started(import.meta)) await ready({ tests: process.argv.includes('--tests') });
