/**
 * Writes an archive's entries into a folder of ours.
 *
 * Own code on top of the tar package's parser, not its `extract`: that one makes absolute symbolic
 * links relative, sets modes before owners (which clears the set-user-id bit), and leaves out
 * device nodes. Here a link is what the archive says, and modes come last.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { call } from '../../libc/fd.ts';
import { addressOf, cstring, must } from '../../libc/ffi.ts';
import { S } from '../../libc/flags.ts';
import { makedev } from '../compile/device-files.ts';
import { type EntryWriter, type FoundEntry, readArchive } from './archive.ts';
import { type Admitted, admit, newTree, RootfsError } from './archive-tree.ts';

export interface ExtractOptions {
  /** Root keeps owners and makes device nodes; an ordinary user owns everything it extracts. */
  privileged: boolean;
  /** For a container with a user namespace: the id outside that stands for an id of the archive. */
  shift?: { uid: (id: number) => number; gid: (id: number) => number } | undefined;
}

const AT_FDCWD = -100;

/**
 * First pass: reads all of the archive and writes nothing.
 * @throws RootfsError for the first thing that is wrong
 */
export async function checkArchive(file: string, options: Pick<ExtractOptions, 'privileged'>): Promise<void> {
  const tree = newTree();
  await readArchive(file, (entry) => {
    admit(tree, entry, { devices: options.privileged });
    return undefined;
  });
  // What `docker save` writes holds layers, not files.
  if (tree.has('manifest.json') && (tree.has('oci-layout') || tree.has('repositories')) && !tree.has('bin') && !tree.has('usr')) {
    throw new RootfsError(`${file} is an image (docker save), not a root filesystem; use docker export CONTAINER > rootfs.tar`);
  }
}

/**
 * Second pass. The same checks again, because the file may have been changed in between.
 * @param into an existing, empty folder that nobody else may write to
 */
export async function extractArchive(file: string, into: string, options: ExtractOptions): Promise<void> {
  const tree = newTree();
  const folders = new Map<string, FoundEntry | undefined>();
  await readArchive(file, (entry) => {
    const admitted = admit(tree, entry, { devices: options.privileged });
    for (const missing of admitted.missing) {
      mkdirSync(join(into, missing), { mode: 0o700 });
      folders.set(missing, undefined);
    }
    if (admitted.replaces) rmSync(join(into, admitted.path));
    return writeEntry(into, entry, admitted, folders, options);
  });
  finishFolders(into, folders, options);
}

const owner = (entry: FoundEntry, { shift }: ExtractOptions): [uid: number, gid: number] => [
  shift?.uid(entry.uid) ?? entry.uid,
  shift?.gid(entry.gid) ?? entry.gid,
];

function writeEntry(
  into: string,
  entry: FoundEntry,
  { path, target }: Admitted,
  folders: Map<string, FoundEntry | undefined>,
  options: ExtractOptions,
): EntryWriter | undefined {
  const place = join(into, path);
  const [uid, gid] = owner(entry, options);
  switch (entry.kind) {
    case 'dir':
      if (path !== '' && !folders.has(path)) mkdirSync(place, { mode: 0o700 });
      folders.set(path, entry);
      return undefined;
    case 'hardlink':
      linkSync(join(into, target), place);
      return undefined;
    case 'symlink':
      symlinkSync(entry.linkpath, place);
      if (options.privileged) lchownSync(place, uid, gid);
      lutimesSync(place, entry.mtime, entry.mtime);
      return undefined;
    case 'file':
      return fileWriter(place, entry, options);
    default:
      makeNode(place, entry);
      if (options.privileged) chownSync(place, uid, gid);
      chmodSync(place, entry.mode);
      utimesSync(place, entry.mtime, entry.mtime);
      return undefined;
  }
}

function fileWriter(place: string, entry: FoundEntry, options: ExtractOptions): EntryWriter {
  const fd = openSync(place, 'wx', 0o600);
  return {
    data(chunk) {
      for (let written = 0; written < chunk.length; ) written += writeSync(fd, chunk, written);
    },
    end() {
      try {
        // Owner before mode: a change of owner takes the set-user-id bit away.
        if (options.privileged) fchownSync(fd, ...owner(entry, options));
        fchmodSync(fd, entry.mode);
        futimesSync(fd, entry.mtime, entry.mtime);
      } finally {
        closeSync(fd);
      }
    },
  };
}

const NODE_TYPE = { char: S.S_IFCHR, block: S.S_IFBLK, fifo: S.S_IFIFO } as const;

/** mknod(2), which Node's fs module does not have. */
function makeNode(place: string, entry: FoundEntry): void {
  const type = NODE_TYPE[entry.kind as keyof typeof NODE_TYPE];
  const device = entry.kind === 'fifo' ? 0 : makedev(entry.major, entry.minor);
  const path = cstring(place);
  must(`make the node ${entry.path}`, call('mknodat', AT_FDCWD, addressOf(path), type | 0o600, device));
}

/** Folders get owner, mode and time when everything is in them, the innermost first. */
function finishFolders(into: string, folders: Map<string, FoundEntry | undefined>, options: ExtractOptions): void {
  const own: [string, FoundEntry | undefined][] = [...folders];
  if (!folders.has('')) own.push(['', undefined]);
  own.sort(([a], [b]) => b.split('/').length - a.split('/').length || b.length - a.length);
  for (const [path, entry] of own) {
    const place = join(into, path);
    const ids = entry ?? ({ uid: 0, gid: 0 } as FoundEntry);
    if (options.privileged) chownSync(place, ...owner(ids, options));
    // An ordinary user must be able to delete the folder again.
    chmodSync(place, (entry?.mode ?? 0o755) | (options.privileged ? 0 : 0o700));
    if (entry) utimesSync(place, entry.mtime, entry.mtime);
  }
}
