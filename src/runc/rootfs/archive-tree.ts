/**
 * Whether an archive's entries may be written to disk, judged by their names alone.
 *
 * An archive is a list of instructions of a stranger: "make a link x to /etc", "write x/passwd".
 * Only entries that stay inside the folder whatever was written before are admitted. Pure: the
 * tree of what the archive has made so far is kept in memory, nothing is looked up on disk.
 */
export type EntryKind = 'dir' | 'file' | 'symlink' | 'hardlink' | 'char' | 'block' | 'fifo';

export interface ArchiveEntry {
  /** As written in the archive. */
  path: string;
  kind: EntryKind;
  /** Target of a symbolic or hard link. */
  linkpath: string;
}

/** An archive, or a folder, that cannot be a root filesystem: one sentence. */
export class RootfsError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RootfsError';
  }
}

/** Path without leading `./`, as `usr/bin/sh` ('' is the root) → what the archive put there. */
export type ArchiveTree = Map<string, EntryKind>;

export const newTree = (): ArchiveTree => new Map([['', 'dir']]);

/** `./usr//bin/` → `usr/bin`. @throws RootfsError for absolute paths and `..` */
function cleanPath(path: string, what: string): string {
  const quoted = JSON.stringify(path);
  if (path.includes('\0')) throw new RootfsError(`${what} ${quoted} contains a NUL byte`);
  if (path.startsWith('/')) throw new RootfsError(`${what} ${quoted} is absolute: extracting it could overwrite files of this machine`);
  const parts = path.split('/').filter((p) => p !== '' && p !== '.');
  if (parts.includes('..')) throw new RootfsError(`${what} ${quoted} contains "..": it could lead out of the root filesystem`);
  return parts.join('/');
}

/** All folders above a path, outermost first. */
function* parents(path: string): Generator<string> {
  for (let i = path.indexOf('/'); i >= 0; i = path.indexOf('/', i + 1)) yield path.slice(0, i);
}

/** Every folder above must be a folder of the archive, or not there yet. Returns those not there yet. */
function checkParents(tree: ArchiveTree, path: string, quoted: string): string[] {
  const missing: string[] = [];
  for (const parent of parents(path)) {
    const kind = tree.get(parent);
    if (kind === 'symlink') {
      throw new RootfsError(
        `the entry ${quoted} lies below "${parent}", which the archive made a symbolic link: it could be written outside of the root filesystem`,
      );
    }
    if (kind === undefined) missing.push(parent);
    else if (kind !== 'dir') throw new RootfsError(`the entry ${quoted} lies below "${parent}", which is no folder`);
  }
  return missing;
}

/** What to do for an admitted entry. */
export interface Admitted {
  /** Where it goes, relative to the root; '' is the root itself. */
  path: string;
  /** Folders above it that the archive has not named (yet). */
  missing: string[];
  /** Something that is no folder lies there already and is to be replaced. */
  replaces: boolean;
  /** For a hard link: what it links to, relative to the root. */
  target: string;
}

/**
 * Admits the next entry, in the order of the archive, and remembers it.
 * @param devices whether device nodes can be made
 * @throws RootfsError saying which entry is wrong and why
 */
export function admit(tree: ArchiveTree, entry: ArchiveEntry, options: { devices: boolean }): Admitted {
  const path = cleanPath(entry.path, 'the entry');
  const quoted = JSON.stringify(entry.path);
  if (path === '' && entry.kind !== 'dir') throw new RootfsError(`the entry ${quoted} would replace the root filesystem itself`);
  const missing = checkParents(tree, path, quoted);
  if ((entry.kind === 'char' || entry.kind === 'block') && !options.devices) {
    throw new RootfsError(
      `the entry ${quoted} is a device node, which only root can make; run as root, or make the archive without /dev (tar --exclude=./dev)`,
    );
  }
  let target = '';
  let kind = entry.kind;
  if (entry.kind === 'symlink' && entry.linkpath === '') throw new RootfsError(`the symbolic link ${quoted} has no target`);
  if (entry.kind === 'hardlink') {
    target = cleanPath(entry.linkpath, `the hard link ${quoted} goes to a file outside of the archive:`);
    checkParents(tree, target, JSON.stringify(entry.linkpath));
    const found = tree.get(target);
    if (found === undefined || found === 'dir') {
      throw new RootfsError(
        `the hard link ${quoted} goes to "${target}", which ${found ? 'is a folder' : 'the archive has not made before'}`,
      );
    }
    if (target === path) throw new RootfsError(`the hard link ${quoted} goes to itself`);
    kind = found;
  }
  const before = tree.get(path);
  if (before === 'dir' && kind !== 'dir')
    throw new RootfsError(`the entry ${quoted} would replace a folder of the archive by something else`);
  for (const parent of missing) tree.set(parent, 'dir');
  tree.set(path, kind);
  return { path, missing, replaces: before !== undefined && before !== 'dir', target };
}
