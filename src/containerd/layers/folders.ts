/**
 * The folders of a tree that a layer is applied to, open. Every path of a layer is somebody else's:
 * it is resolved by openat2(2) with RESOLVE_IN_ROOT, so that neither `..` nor a link that an
 * earlier entry has made leads out (CVE-2014-9356, CVE-2018-15664, CVE-2021-32760), and what is
 * made is made by a single name in the open folder, so that nobody can put a link there between
 * the look and the deed (CVE-2025-47290).
 */
import { constants, fstatSync } from 'node:fs';
import { chmodFd, closeAt, FAILED, makeFolderAt, O_CLOEXEC, O_PATH, openAt, openInside, readLinkAt } from '../../libc/at.ts';
import { SyscallError } from '../../libc/errno.ts';
import { readable } from './tar-header.ts';

export interface Folder {
  fd: number;
  /** Path from the root, without a slash at either end; the root's is empty. */
  path: string;
  /** Names in it that this layer has made. Belongs to the folder, however it was reached. */
  made: Set<string>;
}

export interface Folders {
  /** The folder at a path of the layer; made, with those above it, when it is missing. */
  at(path: string): Folder;
  /** Names that this layer has made in an open folder. */
  madeIn(folder: number): ReadonlySet<string>;
  /** Must be called after a folder or a link was removed: paths may lead elsewhere now. */
  forget(): void;
  close(): void;
}

/** As many stay open, those that were asked for last. At least two, which a hard link needs. */
const KEPT = 64;
/** As the kernel's limit, path_resolution(7). */
const MOST_LINKS = 40;
const OPEN_FOLDER = constants.O_DIRECTORY | O_CLOEXEC;
const OPEN = O_PATH | OPEN_FOLDER;

/**
 * @param root an open folder; it stays the caller's
 * @param created is told about a folder that had to be made and that no entry has named (yet)
 */
export function openFolders(root: number, created: (parent: Folder, name: string, path: string) => void): Folders {
  const open = new Map<string, Folder>();
  /** By device and inode: one folder may have several paths, through links. */
  const made = new Map<string, Set<string>>();

  let last: Folder | undefined;

  const keyOf = (fd: number): string => {
    const { dev, ino } = fstatSync(fd);
    return `${dev}:${ino}`;
  };

  const remember = (path: string, fd: number): Folder => {
    const key = keyOf(fd);
    const names = made.get(key) ?? new Set();
    made.set(key, names);
    if (open.size >= KEPT) {
      const [oldest, folder] = open.entries().next().value as [string, Folder];
      closeAt(folder.fd);
      open.delete(oldest);
    }
    const folder = { fd, path, made: names };
    open.set(path, folder);
    last = folder;
    return folder;
  };

  const demand = (path: string, fd: number): number => {
    if (fd < 0) throw new SyscallError(`open the folder ${JSON.stringify(readable(path))} inside the layer's root`, -fd);
    return fd;
  };

  /** Makes what is missing of a path, through links, as the kernel would go, but never out of the root. */
  const make = (path: string): Folder => {
    const left = path.split('/').reverse();
    let here: string[] = [];
    let links = 0;
    while (left.length > 0) {
      const name = left.pop() as string;
      if (name === '' || name === '.') continue;
      if (name === '..') {
        here.pop(); // the root's parent is the root
        continue;
      }
      const parent = at(here.join('/'));
      const next = [...here, name];
      const result = makeFolderAt(parent.fd, name, 0o755);
      if (result === 0) {
        // mkdir(2) heeds the umask, and gives the setgid bit on.
        const fd = demand(next.join('/'), openAt(parent.fd, name, constants.O_RDONLY | constants.O_NOFOLLOW | OPEN_FOLDER));
        chmodFd(fd, 0o755);
        closeAt(fd);
        created(parent, name, next.join('/'));
      } else if (result !== FAILED.EEXIST) demand(next.join('/'), result);
      else {
        const target = readLinkAt(parent.fd, name);
        if (typeof target === 'string') {
          if (++links > MOST_LINKS) demand(path, FAILED.ELOOP);
          if (target.startsWith('/')) here = [];
          left.push(...target.split('/').reverse());
          continue;
        }
      }
      here = next;
    }
    return at(here.join('/'));
  };

  const at = (path: string): Folder => {
    if (last?.path === path) return last;
    const known = open.get(path);
    if (known) {
      open.delete(path);
      open.set(path, known);
      last = known;
      return known;
    }
    const fd = openInside(root, path === '' ? '.' : path, OPEN);
    if (fd === FAILED.ENOENT && path !== '') return make(path);
    return remember(path, demand(path, fd));
  };

  const forget = (): void => {
    for (const { fd } of open.values()) closeAt(fd);
    open.clear();
    last = undefined;
  };

  return { at, madeIn: (folder) => made.get(keyOf(folder)) ?? new Set(), forget, close: forget };
}
