/**
 * What a container has changed of its image: without what the runtime had to make so that there is
 * something to mount on, and without folders that overlayfs has copied and nobody has changed.
 */
import { constants } from 'node:fs';
import { posix } from 'node:path';
import type { Change } from '../../../containerd/diff/changes.ts';
import { type FileNode, nodeAt } from '../../../containerd/diff/node.ts';
import { closeAt, O_CLOEXEC, O_PATH, openInside } from '../../../libc/at.ts';

/** Where every container has mounts. Docker makes them below the container's own layer. */
const PLACES = new Set([
  '.dockerenv',
  'dev',
  'dev/console',
  'dev/mqueue',
  'dev/pts',
  'dev/shm',
  'etc/hostname',
  'etc/hosts',
  'etc/mtab',
  'etc/resolv.conf',
  'proc',
  'sbin/docker-init',
  'sys',
]);

export interface OwnChange {
  change: Change;
  /** What the image has there. */
  old: FileNode | undefined;
}

/** What the tree below has at a path. */
function below(lower: number | undefined, path: string): FileNode | undefined {
  if (lower === undefined) return undefined;
  const flags = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC;
  const folder = openInside(lower, posix.dirname(path), flags, true);
  if (folder < 0) return undefined;
  try {
    const node = nodeAt(folder, posix.basename(path));
    return node?.type === 'whiteout' ? undefined : node;
  } finally {
    closeAt(folder);
  }
}

const sameFolder = (a: FileNode, b: FileNode): boolean =>
  a.type === b.type &&
  a.mode === b.mode &&
  a.uid === b.uid &&
  a.gid === b.gid &&
  a.xattrs.size === b.xattrs.size &&
  [...a.xattrs].every(([name, value]) => b.xattrs.get(name) === value);

/** Made to be mounted on: an empty file or folder that the image does not have. */
const isPlace = (path: string, { type, size }: FileNode, old: FileNode | undefined): boolean =>
  PLACES.has(path) && (type === 'folder' || ((type === 'file' || type === 'character') && size === 0)) && old === undefined;

/**
 * @param all in the order of the walk, a folder before what is in it
 * @param lower the open tree of the image; undefined for none
 */
export function* ownChanges(all: Iterable<Change>, lower: number | undefined): Generator<OwnChange> {
  /** Folders on the way down that are told of only when something in them is. */
  let waiting: (OwnChange & { change: { kind: 'file' } })[] = [];
  for (const change of all) {
    const { path } = change;
    waiting = waiting.filter((folder) => path.startsWith(`${folder.change.path}/`));
    const old = below(lower, path);
    if (change.kind === 'file') {
      const { node } = change;
      const place = isPlace(path, node, old);
      if (place && node.type !== 'folder') continue;
      if (node.type === 'folder' && (place || (old && sameFolder(node, old)))) {
        waiting.push({ change, old });
        continue;
      }
    }
    yield* waiting;
    waiting = [];
    yield { change, old };
  }
}
