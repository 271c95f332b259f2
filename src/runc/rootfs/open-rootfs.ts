/** The root filesystem that a person named: a folder as it is, or an archive extracted into a folder of ours. */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { startTime } from '../../libc/process.ts';
import { RootfsError } from './archive-tree.ts';
import type { ExtractOptions } from './extract.ts';

export interface OpenedRootfs {
  /** Absolute path of the folder. */
  path: string;
  /** True when it was extracted, and is to be deleted with the container. */
  owned: boolean;
}

/**
 * What lies at the path.
 * @throws RootfsError when there is nothing, an empty folder, or neither folder nor file
 */
export function kindOfRootfs(path: string): 'folder' | 'archive' {
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(path);
  } catch (error) {
    throw missing(path, error as NodeJS.ErrnoException);
  }
  if (stat.isFile()) return 'archive';
  if (!stat.isDirectory()) throw new RootfsError(`${path} is neither a folder nor a tar archive`);
  let names: string[];
  try {
    names = readdirSync(path);
  } catch (error) {
    throw missing(path, error as NodeJS.ErrnoException);
  }
  if (names.length === 0) throw new RootfsError(`the root filesystem ${path} is an empty folder: there is no program in it to run`);
  return 'folder';
}

function missing(path: string, error: NodeJS.ErrnoException): Error {
  switch (error.code) {
    case 'ENOENT':
      return new RootfsError(`no root filesystem at ${path}: give a folder or a tar archive (npm run fixtures makes one to try)`);
    case 'ENOTDIR':
      return new RootfsError(`no root filesystem at ${path}: a part of the path is no folder`);
    case 'EACCES':
      return new RootfsError(`the root filesystem ${path} may not be read by this user (EACCES)`);
    default:
      return error;
  }
}

export interface OpenOptions extends ExtractOptions {
  /** Where an archive is extracted to; must not exist yet, the folder above is made. */
  into: string;
}

/**
 * Opens a root filesystem. An archive is checked from end to end before anything is written, and
 * appears at `into` only when it is complete; a failure leaves nothing.
 * @throws RootfsError with one sentence
 */
export async function openRootfs(path: string, options: OpenOptions): Promise<OpenedRootfs> {
  const absolute = resolve(path);
  if (kindOfRootfs(absolute) === 'folder') return { path: absolute, owned: false };
  const { checkArchive, extractArchive } = await import('./extract.ts');
  await checkArchive(absolute, options);
  // Set-user-id files of the archive must not be within reach of this machine's other users. With
  // shifted ids they are harmless, and the container's root needs to come by.
  const folder = dirname(options.into);
  mkdirSync(dirname(folder), { recursive: true, mode: 0o711 });
  mkdirSync(folder, { recursive: true, mode: options.shift ? 0o711 : 0o700 });
  removeAbandoned(folder);
  const partial = join(folder, `${basename(options.into)}.${process.pid}-${startTime(process.pid) ?? 0}.partial`);
  mkdirSync(partial, { mode: 0o700 });
  try {
    await extractArchive(absolute, partial, options);
    renameSync(partial, options.into);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
  return { path: options.into, owned: true };
}

/** Extractions whose process was killed: the next one takes them away. */
function removeAbandoned(folder: string): void {
  for (const name of readdirSync(folder)) {
    const [, pid, start] = /\.(\d+)-(\d+)\.partial$/.exec(name) ?? [];
    if (pid && startTime(Number(pid)) !== Number(start)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}
