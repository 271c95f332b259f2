/**
 * What differs between two trees, as a layer says it: files that are new or other, whiteouts for
 * those that are gone, and the folders on the way to both. In the order of names, so that the
 * same difference always is the same layer. Source: OCI image-spec, layer.md, "Change Types".
 */
import { constants, readSync } from 'node:fs';
import { closeAt, FAILED, O_CLOEXEC, openAt, openInside } from '../../libc/at.ts';
import { SyscallError } from '../../libc/errno.ts';
import { namesOf } from '../layers/removal.ts';
import { readable } from '../layers/tar-header.ts';
import { type FileNode, nodeAt } from './node.ts';

export type Change =
  /** `parent` is the open folder that has it, until the next change is asked for. */
  { kind: 'file'; path: string; node: FileNode; parent: number } | { kind: 'whiteout'; path: string };

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC;
const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | O_CLOEXEC;

function openFile(parent: number, name: string, flags = OPEN_FILE): number {
  const fd = openAt(parent, name, flags);
  if (fd < 0) throw new SyscallError(`open ${JSON.stringify(readable(name))}`, -fd);
  return fd;
}

/** Whether a file that was there a moment ago is another, or none, by now. */
export const isGone = (result: number): boolean => result === FAILED.ENOENT || result === FAILED.ENOTDIR || result === FAILED.ELOOP;

/** Undefined when it is gone by now. @throws SyscallError */
export function openIfThere(parent: number, name: string): number | undefined {
  const fd = openAt(parent, name, OPEN_FILE);
  if (isGone(fd)) return undefined;
  if (fd < 0) throw new SyscallError(`open ${JSON.stringify(readable(name))}`, -fd);
  return fd;
}

/** By bytes, not by somebody's language. */
const sorted = (names: Iterable<string>): string[] => [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

const join = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** A folder that is being walked: in both trees, or in the upper one alone. It and its names are told about in order. */
interface Level {
  lower: number | undefined;
  upper: number;
  path: string;
  /** Names that are left, the next one last. */
  names: string[];
  /** The folder's own change, if it was not told: it is, as soon as something in it is. */
  untold?: Change;
  /** In an overlay's upper folder everything has changed, and nothing is compared. */
  all: boolean;
}

const namesIn = (folder: number | undefined): string[] => (folder === undefined ? [] : namesOf(folder));

const level = (lower: number | undefined, upper: number, path: string, all: boolean, untold?: Change): Level => ({
  lower,
  upper,
  path,
  names: sorted(new Set([...namesIn(lower), ...namesIn(upper)])).reverse(),
  untold,
  all,
});

/** Whether to look into a folder of the upper tree; it is open, and its path is from the root of the tree. */
export type Enter = (folder: number, path: string) => boolean;

/**
 * Compares two trees. What vanishes while it is looked at was not there.
 * @param lower an open folder; undefined for nothing
 * @param enter all folders, unless said otherwise
 */
export const changes = (lower: number | undefined, upper: number, enter?: Enter): Generator<Change> =>
  walk(level(lower, upper, '', false), undefined, enter);

/**
 * What an upper folder of an overlay holds: all of it has changed, and the kernel has written down
 * what is gone. The lower tree is looked at only where a folder hides all of it.
 * @param lowerRoot the open tree below
 */
export const upperChanges = (lowerRoot: number, upper: number): Generator<Change> => walk(level(undefined, upper, '', true), lowerRoot);

/** Depth first, with a stack of its own: a container can make trees that are deeper than JavaScript's. */
function* walk(root: Level, lowerRoot?: number, enter: Enter = () => true): Generator<Change> {
  const levels = [root];
  function* tell(change: Change): Generator<Change> {
    for (const on of levels) {
      if (!on.untold) continue;
      yield on.untold;
      on.untold = undefined;
    }
    yield change;
  }
  try {
    for (let here = levels.at(-1); here; here = levels.at(-1)) {
      const name = here.names.pop();
      if (name === undefined) {
        levels.pop();
        if (here !== root) closeLevel(here);
        continue;
      }
      const { lower, upper, all } = here;
      const path = join(here.path, name);
      const old = lower === undefined ? undefined : nodeAt(lower, name);
      const node = nodeAt(upper, name);
      if (!node || node.type === 'whiteout' || node.type === 'socket') {
        if (old || (all && node?.type === 'whiteout')) yield* tell({ kind: 'whiteout', path });
        continue;
      }
      const change: Change = { kind: 'file', path, node, parent: upper };
      const same = old !== undefined && lower !== undefined && isSame(old, lower, node, upper);
      if (!same) yield* tell(change);
      if (node.type !== 'folder') continue;
      // Names one by one where all is hidden: the specification would rather not have opaque whiteouts written.
      const hides = all && node.opaque;
      const below = hides ? openHidden(lowerRoot, path) : old?.type === 'folder' ? openFile(lower as number, name, OPEN_FOLDER) : undefined;
      const opened = openAt(upper, name, OPEN_FOLDER);
      try {
        if (opened < 0 && !isGone(opened)) throw new SyscallError(`open ${JSON.stringify(readable(name))}`, -opened);
        if (opened < 0 || !enter(opened, path)) {
          for (const fd of [below ?? -1, opened]) if (fd >= 0) closeAt(fd);
          continue;
        }
        levels.push(level(below, opened, path, all && !hides, same ? change : undefined));
      } catch (error) {
        for (const fd of [below ?? -1, opened]) if (fd >= 0) closeAt(fd);
        throw error;
      }
    }
  } finally {
    for (const left of levels) if (left !== root) closeLevel(left);
  }
}

function closeLevel({ lower, upper }: Level): void {
  if (lower !== undefined) closeAt(lower);
  closeAt(upper);
}

/** The folder that an opaque one hides, if there is any. */
function openHidden(lowerRoot: number | undefined, path: string): number | undefined {
  const fd = lowerRoot === undefined ? -1 : openInside(lowerRoot, path, OPEN_FOLDER, true);
  return fd < 0 ? undefined : fd;
}

function isSame(old: FileNode, lower: number, node: FileNode, upper: number): boolean {
  const alike =
    old.type === node.type &&
    old.mode === node.mode &&
    old.uid === node.uid &&
    old.gid === node.gid &&
    old.size === node.size &&
    old.device === node.device &&
    old.linkName === node.linkName &&
    old.xattrs.size === node.xattrs.size &&
    [...old.xattrs].every(([key, value]) => node.xattrs.get(key) === value);
  if (!alike) return false;
  // A folder's time changes with what is in it, and that is told anyway.
  if (node.type === 'folder') return true;
  const { seconds, nanoseconds } = node.modified;
  if (seconds !== old.modified.seconds || nanoseconds !== old.modified.nanoseconds) return false;
  if (node.type !== 'file' || node.size === 0) return true;
  // A time of whole seconds was set, by tar for instance, and says less than one that the kernel has written.
  return nanoseconds !== 0 || sameBytes(old, lower, node, upper);
}

const PIECE = 1 << 18;

function sameBytes(old: FileNode, lower: number, node: FileNode, upper: number): boolean {
  const [a, b] = [Buffer.allocUnsafe(PIECE), Buffer.allocUnsafe(PIECE)];
  const first = openFile(lower, old.name);
  try {
    const second = openFile(upper, node.name);
    try {
      for (;;) {
        const [n, m] = [readSync(first, a), readSync(second, b)];
        if (n !== m || a.compare(b, 0, m, 0, n) !== 0) return false;
        if (n === 0) return true;
      }
    } finally {
      closeAt(second);
    }
  } finally {
    closeAt(first);
  }
}
