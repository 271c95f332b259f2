/** Names of a layer's entries: which are files, which are whiteouts, which are refused. Source: OCI image-spec, layer.md. */
import { readable } from './tar-header.ts';

export interface Place {
  /** The folder, from the root, without a slash at either end; the root itself is empty. */
  folder: string;
  /** A single name; empty for the root. */
  name: string;
}

/**
 * Where an entry belongs. A leading slash counts for nothing, as for every other tool.
 * @throws Error when it would lead out of the root (CVE-2014-9356), or has a NUL in it
 */
export function placeOf(path: string): Place {
  const clean: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') clean.push(part);
    else if (clean.pop() === undefined) throw new Error(`the path ${JSON.stringify(readable(path))} leads out of the layer's root`);
  }
  if (path.includes('\0')) throw new Error(`the path ${JSON.stringify(readable(path))} has a NUL in it`);
  const name = clean.pop() ?? '';
  return { folder: clean.join('/'), name };
}

export const pathOf = ({ folder, name }: Place): string => (folder === '' ? name : `${folder}/${name}`);

export const WHITEOUT = '.wh.';
/** Other names that begin so belong to aufs, which nobody uses any more; they are no content. */
const META = '.wh..wh.';
export const OPAQUE = '.wh..wh..opq';

/** What a name asks for: a file, nothing at all, the folder's lower content gone, or one lower name gone. */
export type Meaning = { kind: 'file' | 'ignored' | 'opaque' } | { kind: 'whiteout'; of: string };

/** @throws Error for a whiteout of nothing, of the folder itself, or of the one above */
export function meaningOf(name: string): Meaning {
  if (!name.startsWith(WHITEOUT)) return { kind: 'file' };
  if (name === OPAQUE) return { kind: 'opaque' };
  if (name.startsWith(META)) return { kind: 'ignored' };
  const of = name.slice(WHITEOUT.length);
  if (of === '' || of === '.' || of === '..') throw new Error(`the whiteout ${JSON.stringify(readable(name))} names no file`);
  return { kind: 'whiteout', of };
}
