/**
 * Imports point down only: a layer may use the ones below it, never one above, and types count too.
 * That is what makes each layer replaceable by the real thing, and readable alone.
 *
 * Usage: node scripts/layering.mjs   (prints each import that breaks the rule; exit code 1 if any)
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { root, started } from './shell.mjs';

/**
 * The folders of runc that turn a config and a machine into a program, and look after what it
 * made. One level: they may use each other.
 */
const MIDDLE = ['cgroup', 'compile', 'host', 'rootfs', 'seccomp', 'spec', 'state'].map((name) => `runc/${name}`);

/**
 * Which folders (or single files) of src/ a folder may import from; itself always. The longest
 * matching entry counts, on both sides. `libc` may be used by all; koffi by libc alone.
 */
export const ALLOWED = {
  libc: [],
  // Generated from proto/: the messages and services of the seams between the layers.
  proto: [],
  // Tells of the messages that cross the seams.
  messages: ['proto'],
  'runc/program': ['libc'],
  ...Object.fromEntries(MIDDLE.map((folder) => [folder, [...MIDDLE, 'runc/program', 'libc']])),
  'runc/engine': ['runc/program', 'libc'],
  'runc/container': ['runc/engine', ...MIDDLE, 'runc/program', 'libc'],
  'runc/checkpoint': ['runc/container', 'runc/engine', ...MIDDLE, 'runc/program', 'libc'],
  'runc/commands': ['runc/checkpoint', 'runc/container', 'runc/engine', ...MIDDLE, 'runc/program', 'libc'],
  runc: ['libc'],
  explain: ['messages', 'runc/program', 'runc/engine/observer.ts', 'runc/engine/step-error.ts', 'runc/spec/config.ts', 'libc'],
  shim: ['runc', 'messages', 'proto', 'libc'],
  containerd: ['shim', 'messages', 'proto', 'libc'],
  // The OCI config is what dockerd and the runtime agree on: its type, its defaults and its rules are both's.
  // What this machine has is found out in one place, too.
  dockerd: [
    'containerd',
    'runc/spec',
    'runc/host',
    'runc/engine/installed.ts',
    'runc/seccomp/default-profile.ts',
    'runc/rootfs/users.ts',
    'runc/rootfs/read-inside.ts',
    'messages',
    'proto',
    'libc',
  ],
  cli: ['explain', 'dockerd', 'containerd', 'shim', 'messages', 'proto', 'runc', 'libc'],
};

const KOFFI = /^(koffi|@koromix\/)/;

/** The layer that a file of src/ belongs to: the longest entry of ALLOWED that it lies in. */
function layerOf(file, layers) {
  return layers.filter((l) => file.startsWith(`${l}/`)).sort((a, b) => b.length - a.length)[0];
}

const covers = (entry, file) => file === entry || file.startsWith(`${entry}/`);

/** Every module that a source names: import, export from, import(), import type, require(). */
export function importsOf(source) {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, (c) => c.replace(/[^\n]/g, ' ')).replace(/^\s*\/\/.*$/gm, '');
  const found = [];
  const pattern = /(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+|\brequire\s*\(\s*|\bcreateRequire\([^()]*\)\(\s*)(['"])([^'"\n]+)\1/g;
  for (const match of code.matchAll(pattern)) found.push({ module: match[2], line: code.slice(0, match.index).split('\n').length });
  return found;
}

/**
 * What is wrong with one file's imports, one sentence each.
 * @param {string} file path below src/
 * @param {string} source its text
 * @param {Record<string, string[]>} allowed as {@link ALLOWED}
 */
export function violations(file, source, allowed = ALLOWED) {
  const layers = Object.keys(allowed);
  const own = layerOf(file, layers);
  if (!own) return [`src/${file}: belongs to no known layer; add its folder to scripts/layering.mjs`];
  const wrong = [];
  for (const { module, line } of importsOf(source)) {
    const at = `src/${file}:${line}`;
    if (KOFFI.test(module) && own !== 'libc') wrong.push(`${at}: imports ${module}; only src/libc may touch FFI`);
    if (!module.startsWith('.')) continue;
    const target = normalize(join(dirname(file), module));
    if (target.startsWith('..')) {
      wrong.push(`${at}: imports ${module} from outside src/`);
      continue;
    }
    const targetLayer = layerOf(target, layers);
    if (targetLayer === own) continue;
    const reachable = allowed[own].some((entry) => covers(entry, target)) || (own === 'runc' && target.startsWith('runc/'));
    if (!reachable) wrong.push(`${at}: ${own} may not import ${target}; it may import from ${allowed[own].join(', ') || 'nothing'}`);
  }
  return wrong;
}

function sources(folder = '') {
  return readdirSync(join(root, 'src', folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return entry.name.endsWith('.ts') ? [path] : [];
  });
}

/** All violations below src/. */
export const layering = () => sources().flatMap((file) => violations(file, readFileSync(join(root, 'src', file), 'utf8')));

if (started(import.meta)) {
  const wrong = layering();
  for (const sentence of wrong) console.log(sentence);
  process.exit(wrong.length ? 1 : 0);
}
