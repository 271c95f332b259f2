/**
 * A folder that a layer needs and does not name: in an upper folder it would hide the lower one's
 * owner, mode and attributes, so it gets those, as overlayfs does when it copies up.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { chmodFd, chownFd, closeAt, O_CLOEXEC, O_PATH, openAt, openInside } from '../../libc/at.ts';
import { setXattrFd, xattrsAt } from '../../libc/xattr.ts';
import { isReservedXattr } from './target.ts';

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC;

/**
 * @param parent the open folder in which `name` was made
 * @param path of it from the layer's root
 * @param lowers the folders of the layers below, topmost first
 */
export function copyFolder(parent: number, name: string, path: string, lowers: readonly string[], owners: boolean): void {
  for (const lower of lowers) {
    const root = openSync(lower, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      const fd = openInside(root, path, O_PATH | constants.O_NOFOLLOW | O_CLOEXEC);
      if (fd < 0) continue; // not in this layer
      try {
        const stat = fstatSync(fd);
        if (!stat.isDirectory()) return; // hidden, or no folder until now
        const made = openAt(parent, name, OPEN_FOLDER);
        if (made < 0) return;
        try {
          if (owners) chownFd(made, stat.uid, stat.gid);
          for (const [key, value] of xattrsAt(fd, '.')) if (!isReservedXattr(key)) setXattrFd(made, key, value);
          chmodFd(made, stat.mode & 0o7777);
          return;
        } finally {
          closeAt(made);
        }
      } finally {
        closeAt(fd);
      }
    } finally {
      closeSync(root);
    }
  }
}
