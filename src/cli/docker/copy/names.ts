/** Where a copy goes, and what it is called there: cp(1)'s rules as Docker has them. Pure. */
import { posix } from 'node:path';

/** `path/`: a folder is meant. */
export const endsInSlash = (path: string): boolean => path.endsWith('/');
/** `path/.`: the content of the folder. */
export const meansContent = (path: string): boolean => path === '.' || path.endsWith('/.');

export interface Target {
  exists: boolean;
  folder: boolean;
}

export interface Landing {
  /** The folder into which the archive is unpacked. */
  folder: string;
  /** What the archive's topmost name becomes; undefined: only what is below it is copied. */
  name: string | undefined;
}

/**
 * @param source as typed; `isFolder` what it is
 * @param target as typed, and what is there
 * @throws Error in Docker's words
 */
export function landing(source: string, isFolder: boolean, target: string, there: Target): Landing {
  const name = posix.basename(source.replace(/\/\.$/, ''));
  const content = isFolder && meansContent(source);
  if (there.exists && there.folder) return { folder: target, name: content ? undefined : name };
  if (there.exists) {
    if (isFolder) throw new Error('cannot copy directory');
    if (endsInSlash(target) || meansContent(target)) throw new Error('not a directory');
    return { folder: posix.dirname(target), name: posix.basename(target) };
  }
  if (!isFolder && (endsInSlash(target) || meansContent(target))) throw new Error('no such directory');
  const clean = target.replace(/\/+\.?$/, '') || '/';
  return { folder: posix.dirname(clean), name: posix.basename(clean) };
}

/** A name in an archive whose topmost part becomes another one; undefined for the top itself where it has no name. */
export function renamed(entry: string, top: string, name: string | undefined): string | undefined {
  const clean = entry.replace(/^\.\//, '').replace(/\/$/, '');
  if (clean === top || clean === '' || clean === '.') return name;
  const below = clean.startsWith(`${top}/`) ? clean.slice(top.length + 1) : clean;
  return name === undefined ? below : `${name}/${below}`;
}
