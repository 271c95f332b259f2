/** mount(2) and umount2(2) for whole file systems: a container's root, a snapshot. Paths that a container can change are not for here. */
import { dirname, relative } from 'node:path';
import { SyscallError } from './errno.ts';
import { call } from './fd.ts';
import { addressOf, cstring } from './ffi.ts';
import { MS } from './flags.ts';

export interface MountCall {
  /** A file system's name; '' for a bind mount or a remount. */
  type: string;
  source: string;
  target: string;
  /** MS_*. */
  flags: number;
  /** What the file system itself is to know, joined with commas. */
  data: string;
}

/** The kernel takes one page of data, its final NUL included (mount(2)). */
export const DATA_LIMIT = 4096;

/** @throws SyscallError */
export function mount({ type, source, target, flags, data }: MountCall): void {
  const [from, to, kind, rest] = [cstring(source), cstring(target), cstring(type), cstring(data)];
  const result = call('mount', addressOf(from), addressOf(to), type ? addressOf(kind) : 0, flags, data ? addressOf(rest) : 0);
  // The strings are reachable only through addresses: this use keeps them alive until here.
  if (from.length + to.length + kind.length + rest.length < 4) throw new Error('unreachable');
  const what = type || (flags & MS.MS_REMOUNT ? 'again' : flags & MS.MS_BIND ? 'bind' : 'propagation');
  if (result < 0) throw new SyscallError(`mount (${what}) ${source} at ${target}`, -result);
}

/** umount2(2). Returns false when nothing is mounted there. @param flags MNT_* @throws SyscallError */
export function unmount(target: string, flags: number): boolean {
  const path = cstring(target);
  const result = call('umount2', addressOf(path), flags);
  if (result === 0) return path.length > 0;
  const error = new SyscallError(`unmount ${target}`, -result);
  if (error.code === 'EINVAL' || error.code === 'ENOENT') return false;
  throw error;
}

/**
 * Overlay's data with lowerdir in a shorter form, for a mount of many layers: paths from the folder that they have
 * in common, which must be the working directory then.
 * @returns undefined when it fits as it is
 */
export function shortenedLowers(data: string): { folder: string; data: string } | undefined {
  if (Buffer.byteLength(data) < DATA_LIMIT) return undefined;
  const words = data.split(',');
  const at = words.findIndex((word) => word.startsWith('lowerdir='));
  const lowers = words[at]?.slice('lowerdir='.length).split(':') ?? [];
  const folder = commonFolder(lowers);
  if (folder === undefined) return undefined;
  words[at] = `lowerdir=${lowers.map((path) => relative(folder, path)).join(':')}`;
  return { folder, data: words.join(',') };
}

/** The deepest folder that all paths lie in; undefined when it is `/`, or a path is not absolute. */
function commonFolder(paths: string[]): string | undefined {
  if (paths.length < 2 || paths.some((path) => !path.startsWith('/'))) return undefined;
  let folder = dirname(paths[0] as string);
  while (folder !== '/' && !paths.every((path) => path.startsWith(`${folder}/`))) folder = dirname(folder);
  return folder === '/' ? undefined : folder;
}
