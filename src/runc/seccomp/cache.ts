/**
 * Compiled seccomp filters, kept. libseccomp takes 20 to 40 ms for the default profile, more than
 * all the rest of a container's start; reading a filter back takes a tenth of a millisecond.
 *
 * A filter is a security boundary, so a kept one is used only when it is ours (owner, and nobody
 * else may write it), and made from this very profile by this very library: the file begins with
 * both, as text, and is compared with it to the letter. (A hash would need node:crypto, which takes
 * longer to load than all of this.)
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Seccomp } from '../spec/config.ts';
import { type CompiledFilter, compileFilter, filterFlags } from './filter.ts';

/** To be raised when filter.ts makes something else of the same profile. */
const FORMAT = 1;
/** More than anybody has profiles; a machine with more starts over. */
const MOST_FILES = 64;

/** FNV-1a, 32 bits: a file name, no proof. */
function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

const LIBRARY_FOLDERS = ['/lib/x86_64-linux-gnu', '/lib/aarch64-linux-gnu', '/lib64', '/usr/lib64', '/usr/lib', '/lib'];

/**
 * What tells one libseccomp from another without loading it: real path, size and time of change.
 * Undefined when it lies in no usual folder; nothing is kept then.
 */
function libraryIdentity(): string | undefined {
  for (const folder of LIBRARY_FOLDERS) {
    const link = join(folder, 'libseccomp.so.2');
    const stat = statSync(link, { throwIfNoEntry: false });
    if (stat) return `${realpathSync(link)} ${stat.size} ${stat.mtimeMs}`;
  }
  return undefined;
}

/** What a filter was made from, as text; undefined when it must not be kept. */
function originOf(profile: Seccomp, arch: string): string | undefined {
  const library = libraryIdentity();
  return library && JSON.stringify([FORMAT, arch, library, profile]);
}

/** A kept filter, or undefined when there is none that can be trusted. */
export function readKept(folder: string, origin: string): Uint8Array | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(join(folder, shortHash(origin)), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.uid !== process.geteuid?.() || stat.mode & 0o022) return undefined;
    const bytes = readFileSync(fd);
    const begin = Buffer.from(`${origin}\0`);
    const filter = bytes.subarray(begin.length);
    if (!filter.length || filter.length % 8 || !bytes.subarray(0, begin.length).equals(begin)) return undefined;
    return new Uint8Array(filter);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Keeps a filter. A folder that cannot be written costs time at the next start, no more. */
export function keep(folder: string, origin: string, filter: Uint8Array): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const kept = readdirSync(folder);
    if (kept.length >= MOST_FILES) for (const name of kept) rmSync(join(folder, name), { force: true });
    const path = join(folder, shortHash(origin));
    const temporary = `${path}.${process.pid}`;
    writeFileSync(temporary, Buffer.concat([Buffer.from(`${origin}\0`), filter]), { mode: 0o600, flag: 'wx' });
    renameSync(temporary, path);
  } catch {
    // read-only or full: compiled again next time
  }
}

const inMemory = new Map<string, Uint8Array>();

/**
 * {@link compileFilter} through the kept filters.
 * @param folder where filters are kept (made when missing); undefined: this process's memory only
 * @throws what compileFilter throws
 */
export function cachedFilter(profile: Seccomp, arch: 'x64' | 'arm64', folder: string | undefined): CompiledFilter {
  const origin = originOf(profile, arch);
  if (origin === undefined) return compileFilter(profile, arch);
  const known = inMemory.get(origin) ?? (folder === undefined ? undefined : readKept(folder, origin));
  if (known) {
    inMemory.set(origin, known);
    return { filter: known, flags: filterFlags(profile), warnings: [] };
  }
  const compiled = compileFilter(profile, arch);
  // One with warnings is made anew each time, so that they are said each time.
  if (!compiled.warnings.length) {
    inMemory.set(origin, compiled.filter);
    if (folder !== undefined) keep(folder, origin, compiled.filter);
  }
  return compiled;
}
