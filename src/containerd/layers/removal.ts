/** Removing what is in a folder, never through a link. */
import { constants, readdirSync } from 'node:fs';
import { closeAt, FAILED, O_CLOEXEC, openAt, removeFolderAt, unlinkAt } from '../../libc/at.ts';
import { SyscallError } from '../../libc/errno.ts';
import { readable } from './tar-header.ts';

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC;

/** The names in an open folder, as byte strings. */
export const namesOf = (folder: number): string[] => readdirSync(`/proc/self/fd/${folder}`, { encoding: 'latin1' });

const fail = (name: string, errno: number): never => {
  throw new SyscallError(`remove ${JSON.stringify(readable(name))}`, -errno);
};

/**
 * Removes a name from an open folder, with all that is below it.
 * @param keep is asked for each; what it keeps stays, and the folders that lead there
 * @returns whether there was anything to remove: paths may lead elsewhere now
 */
export function removeAt(folder: number, name: string, keep: (folder: number, name: string) => boolean = () => false): boolean {
  // The kernel says EISDIR for a folder; a link goes itself.
  const result = keep(folder, name) ? FAILED.EISDIR : unlinkAt(folder, name);
  if (result === 0) return true;
  if (result === FAILED.ENOENT) return false;
  if (result !== FAILED.EISDIR && result !== FAILED.EPERM) fail(name, result);
  const fd = openAt(folder, name, OPEN_FOLDER);
  if (fd === FAILED.ENOTDIR || fd === FAILED.ELOOP) {
    if (keep(folder, name)) return false;
    return fail(name, result);
  }
  if (fd < 0) fail(name, fd);
  try {
    for (const inside of namesOf(fd)) removeAt(fd, inside, keep);
  } finally {
    closeAt(fd);
  }
  if (keep(folder, name)) return true;
  const gone = removeFolderAt(folder, name);
  if (gone < 0 && gone !== FAILED.ENOTEMPTY) fail(name, gone);
  return true;
}
