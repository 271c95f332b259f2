/**
 * What differs between two trees, as a layer says it: files that are new or other, whiteouts for
 * those that are gone, and the folders on the way to both. In the order of names, so that the
 * same difference always is the same layer. Source: OCI image-spec, layer.md, "Change Types".
 */
import { constants, readSync } from 'node:fs';
import { closeAt, O_CLOEXEC, openAt, openInside } from '../../libc/at.ts';
import { SyscallError } from '../../libc/errno.ts';
import { namesOf } from '../layers/removal.ts';
import { readable } from '../layers/tar-header.ts';
import { type FileNode, nodeAt } from './node.ts';

export type Change =
  /** `parent` is the open folder that has it, until the next change is asked for. */
  { kind: 'file'; path: string; node: FileNode; parent: number } | { kind: 'whiteout'; path: string };

const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC;
const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | O_CLOEXEC;

export function openFile(parent: number, name: string, flags = OPEN_FILE): number {
  const fd = openAt(parent, name, flags);
  if (fd < 0) throw new SyscallError(`open ${JSON.stringify(readable(name))}`, -fd);
  return fd;
}

/** By bytes, not by somebody's language. */
const sorted = (names: Iterable<string>): string[] => [...names].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

const join = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** A folder that is the same in both; told about only if something in it is not. */
interface Way {
  told: boolean;
  change: Change & { kind: 'file' };
  above?: Way;
}

function* wayTo(way: Way | undefined): Generator<Change> {
  if (!way || way.told) return;
  yield* wayTo(way.above);
  way.told = true;
  yield way.change;
}

/**
 * Compares two trees.
 * @param lower an open folder; undefined for nothing
 * @param above the folders on the way that were not told about; undefined when all were
 */
export function* changes(lower: number | undefined, upper: number, path = '', above?: Way): Generator<Change> {
  const before = new Set(lower === undefined ? [] : namesOf(lower));
  const now = new Set(namesOf(upper));
  for (const name of sorted(new Set([...before, ...now]))) {
    const old = lower !== undefined && before.has(name) ? nodeAt(lower, name) : undefined;
    const found = now.has(name) ? nodeAt(upper, name) : undefined;
    const node = found?.type === 'whiteout' || found?.type === 'socket' ? undefined : found;
    if (!node) {
      if (!old) continue;
      yield* wayTo(above);
      yield { kind: 'whiteout', path: join(path, name) };
      continue;
    }
    const same = old !== undefined && lower !== undefined && isSame(old, lower, node, upper);
    const change = { kind: 'file' as const, path: join(path, name), node, parent: upper };
    const way: Way = { told: false, change, above };
    if (!same) yield* wayTo(way);
    if (node.type !== 'folder') continue;
    yield* inside(old?.type === 'folder' ? lower : undefined, upper, name, (below, folder) => changes(below, folder, change.path, way));
  }
}

/**
 * What an upper folder of an overlay holds: all of it has changed, and the kernel has written down
 * what is gone. The lower tree is looked at only where a folder hides all of it.
 * @param lowerRoot the open tree below
 */
export function* upperChanges(lowerRoot: number, upper: number, path = ''): Generator<Change> {
  for (const name of sorted(namesOf(upper))) {
    const node = nodeAt(upper, name);
    if (!node || node.type === 'socket') continue;
    const here = join(path, name);
    if (node.type === 'whiteout') {
      yield { kind: 'whiteout', path: here };
      continue;
    }
    const change = { kind: 'file' as const, path: here, node, parent: upper };
    yield change;
    if (node.type !== 'folder') continue;
    if (!node.opaque) {
      yield* inside(undefined, upper, name, (_, folder) => upperChanges(lowerRoot, folder, here));
      continue;
    }
    // Names one by one: the specification would rather not have opaque whiteouts written.
    const hidden = openInside(lowerRoot, here, OPEN_FOLDER, true);
    try {
      yield* inside(undefined, upper, name, (_, folder) => changes(hidden < 0 ? undefined : hidden, folder, here));
    } finally {
      if (hidden >= 0) closeAt(hidden);
    }
  }
}

/** Opens a folder of both trees for as long as it takes. */
function* inside(
  lower: number | undefined,
  upper: number,
  name: string,
  go: (lower: number | undefined, upper: number) => Generator<Change>,
): Generator<Change> {
  const folder = openFile(upper, name, OPEN_FOLDER);
  try {
    const below = lower === undefined ? undefined : openFile(lower, name, OPEN_FOLDER);
    try {
      yield* go(below, folder);
    } finally {
      if (below !== undefined) closeAt(below);
    }
  } finally {
    closeAt(folder);
  }
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
