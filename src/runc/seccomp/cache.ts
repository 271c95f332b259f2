/**
 * Compiled seccomp filters, kept. libseccomp takes 20 to 40 ms for the default profile, more than
 * all the rest of a container's start; reading a filter back takes a tenth of a millisecond.
 *
 * A filter is a security boundary, so a kept one is used only when it is ours (owner, and nobody
 * else may write it), whole (checksum), and made from this very profile by this very library.
 */
import { createHash } from 'node:crypto';
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
const CHECKSUM = 32;

const sha256 = (...parts: (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

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

/** The name under which a filter is kept; undefined when it must not be. */
function keyOf(profile: Seccomp, arch: string): string | undefined {
  const library = libraryIdentity();
  return library && sha256(JSON.stringify([FORMAT, arch, library, profile])).toString('hex');
}

/** A kept filter, or undefined when there is none that can be trusted. */
export function readKept(path: string): Uint8Array | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.uid !== process.geteuid?.() || stat.mode & 0o022) return undefined;
    const bytes = readFileSync(fd);
    const filter = bytes.subarray(CHECKSUM);
    if (!filter.length || filter.length % 8 || !sha256(filter).equals(bytes.subarray(0, CHECKSUM))) return undefined;
    return new Uint8Array(filter);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Keeps a filter. A folder that cannot be written costs time at the next start, no more. */
export function keep(folder: string, key: string, filter: Uint8Array): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const kept = readdirSync(folder);
    if (kept.length >= MOST_FILES) for (const name of kept) rmSync(join(folder, name), { force: true });
    const temporary = join(folder, `${key}.${process.pid}`);
    writeFileSync(temporary, Buffer.concat([sha256(filter), filter]), { mode: 0o600, flag: 'wx' });
    renameSync(temporary, join(folder, key));
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
  const key = keyOf(profile, arch);
  if (key === undefined) return compileFilter(profile, arch);
  const known = inMemory.get(key) ?? (folder === undefined ? undefined : readKept(join(folder, key)));
  if (known) {
    inMemory.set(key, known);
    return { filter: known, flags: filterFlags(profile), warnings: [] };
  }
  const compiled = compileFilter(profile, arch);
  // One with warnings is made anew each time, so that they are said each time.
  if (!compiled.warnings.length) {
    inMemory.set(key, compiled.filter);
    if (folder !== undefined) keep(folder, key, compiled.filter);
  }
  return compiled;
}
