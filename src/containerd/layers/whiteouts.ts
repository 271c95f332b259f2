/**
 * What a layer takes away from those below. On a tree it is removed; in the upper folder of an
 * overlay it is hidden, in the kernel's own form. Either way nothing of the same layer is touched,
 * in whatever order entries come. Source: OCI image-spec, layer.md, "Whiteouts".
 */
import { constants, fstatSync } from 'node:fs';
import { closeAt, FAILED, makeNodeAt, O_CLOEXEC, O_PATH, openAt } from '../../libc/at.ts';
import { SyscallError } from '../../libc/errno.ts';
import { S } from '../../libc/flags.ts';
import { setXattrFd } from '../../libc/xattr.ts';
import { type Rules, setAttributesAt } from './attributes.ts';
import type { Folders } from './folders.ts';
import type { Place } from './names.ts';
import { namesOf, removeAt } from './removal.ts';
import type { TarEntry } from './tar-header.ts';
import { opaqueXattr, type Target } from './target.ts';

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC;

export interface Whiteouts {
  /** Takes away all that lower layers have in the place's folder. */
  opaque(place: Place): void;
  /** Takes away one name in the place's folder; `entry` has the owner of what says so. */
  one(place: Place, name: string, entry: TarEntry): void;
  /** Whether a name of an open folder was taken away, and that is written down there. */
  hides(folder: number, name: string): boolean;
  /** Lets nothing of lower layers show through a folder. */
  setOpaque(folder: number, name: string): void;
}

const must = (doing: string, result: number): number => {
  if (result < 0) throw new SyscallError(doing, -result);
  return result;
};

/** Whether the name is one of a folder, and not of a link to one. */
export function isFolder(folder: number, name: string): boolean {
  const fd = openAt(folder, name, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return false;
  closeAt(fd);
  return true;
}

function inUpper(folders: Folders, user: boolean, rules: Rules): Whiteouts {
  const setOpaque = (folder: number, name: string): void => {
    const fd = must('open the folder', openAt(folder, name, OPEN_FOLDER));
    try {
      must('make the folder opaque', setXattrFd(fd, opaqueXattr(user), 'y'));
    } finally {
      closeAt(fd);
    }
  };
  return {
    setOpaque,
    opaque: (place) => setOpaque(folders.at(place.folder).fd, '.'),
    one: (place, name, entry) => {
      const { fd } = folders.at(place.folder);
      const result = makeNodeAt(fd, name, S.S_IFCHR, 0n);
      if (result === FAILED.EEXIST) {
        // A folder of this layer: what is below it in lower layers must not show through.
        if (isFolder(fd, name)) setOpaque(fd, name);
        return;
      }
      must('make a whiteout', result);
      if (rules.owners) setAttributesAt(fd, name, { ...entry, mode: 0, xattrs: new Map(), type: 'character' }, rules);
    },
    hides: (folder, name) => {
      const fd = openAt(folder, name, O_PATH | constants.O_NOFOLLOW | O_CLOEXEC);
      if (fd < 0) return false;
      try {
        const stat = fstatSync(fd);
        return stat.isCharacterDevice() && stat.rdev === 0;
      } finally {
        closeAt(fd);
      }
    },
  };
}

function onTree(folders: Folders): Whiteouts {
  const isMade = (folder: number, name: string): boolean => folders.madeIn(folder).has(name);
  const remove = (folder: number, names: string[]): void => {
    let removed = false;
    for (const name of names) removed = removeAt(folder, name, isMade) || removed;
    if (removed) folders.forget();
  };
  return {
    opaque: (place) => {
      const { fd } = folders.at(place.folder);
      remove(fd, namesOf(fd));
    },
    one: (place, name) => remove(folders.at(place.folder).fd, [name]),
    hides: () => false,
    setOpaque: () => {},
  };
}

export const whiteoutsOf = (target: Target, folders: Folders, rules: Rules): Whiteouts =>
  target.kind === 'upper' ? inUpper(folders, target.user, rules) : onTree(folders);
