/** Removing a snapshot's folder, whatever its image or its container has made in there. */
import { closeSync, constants, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { closeAt, FAILED, O_CLOEXEC, openAt, removeFolderAt, renameAt, unlinkAt } from '../../libc/at.ts';
import { SyscallError } from '../../libc/errno.ts';
import { namesOf } from '../layers/removal.ts';

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC;

/** So many folders are open at a time. */
const DEEPEST = 200;

/**
 * Removes a folder, in libuv's pool. A container can make folders that no path is long enough for;
 * with those in it, it is removed folder by folder.
 * @param base a folder of our own, in which other names may be made meanwhile: those are removed too
 * @throws Error when something cannot be removed
 */
export async function removeTree(base: string, name: string): Promise<void> {
  try {
    await rm(join(base, name), { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENAMETOOLONG') throw error;
    removeDeep(base, name);
  }
}

/** What lies deeper than descriptors last is moved up first. */
function removeDeep(base: string, name: string): void {
  const top = openSync(base, OPEN_FOLDER);
  const left = [name];
  let moved = 0;
  const must = (doing: string, what: string, result: number): void => {
    if (result < 0 && result !== FAILED.ENOENT) throw new SyscallError(`${doing} ${JSON.stringify(what)} below ${base}`, -result);
  };
  const remove = (folder: number, item: string, depth: number): void => {
    const result = unlinkAt(folder, item);
    if (result !== FAILED.EISDIR) {
      must('remove', item, result);
      return;
    }
    if (depth === DEEPEST) {
      const up = `${name}-old-${moved++}`;
      must('move', item, renameAt(folder, item, top, up));
      left.push(up);
      return;
    }
    const fd = openAt(folder, item, OPEN_FOLDER);
    must('open', item, fd);
    if (fd < 0) return;
    try {
      for (const inside of namesOf(fd)) remove(fd, inside, depth + 1);
    } finally {
      closeAt(fd);
    }
    must('remove', item, removeFolderAt(folder, item));
  };
  try {
    for (let item = left.pop(); item !== undefined; item = left.pop()) remove(top, item, 0);
  } finally {
    closeSync(top);
  }
}
