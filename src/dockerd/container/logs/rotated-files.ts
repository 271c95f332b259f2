/**
 * The names of a log's files: `PATH` is written to, `PATH.1` is the one before it, and so on; old ones
 * may be compressed, `PATH.2.gz`. Whoever reads one goes on doing so whatever becomes of its name.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';

const COMPRESSED = '.gz';

export const rotatedName = (path: string, index: number): string => `${path}.${index}`;
export const compressedName = (path: string, index: number): string => `${path}.${index}${COMPRESSED}`;

export interface RotatedFile {
  path: string;
  compressed: boolean;
}

/** Those that there are before `path`, the oldest first. @param count how many files the log has, with `path` itself */
export function rotatedFiles(path: string, count: number): RotatedFile[] {
  const found: RotatedFile[] = [];
  for (let index = count - 1; index >= 1; index--) {
    // Where both are there, the compression was not finished.
    const plain = rotatedName(path, index);
    if (existsSync(plain)) found.push({ path: plain, compressed: false });
    else if (existsSync(compressedName(path, index))) found.push({ path: compressedName(path, index), compressed: true });
  }
  return found;
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

/** Every file gets the name of the next older one; the oldest goes. `path` is free then. */
export function rotateNames(path: string, count: number): void {
  if (count < 2) {
    rmSync(path, { force: true });
    return;
  }
  rmSync(rotatedName(path, count - 1), { force: true });
  rmSync(compressedName(path, count - 1), { force: true });
  for (let index = count - 2; index >= 1; index--) {
    move(rotatedName(path, index), rotatedName(path, index + 1));
    move(compressedName(path, index), compressedName(path, index + 1));
  }
  move(path, rotatedName(path, 1));
}
