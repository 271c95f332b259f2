/**
 * Makes files of a layer's entries. All calls are synchronous and on descriptors; the stream is
 * decompressed in other threads meanwhile.
 * Source: OCI image-spec, layer.md, "Applying Changesets".
 */
import { constants, ftruncateSync, writeSync } from 'node:fs';
import { closeAt, deviceNumber, FAILED, linkAt, linkSymbolicallyAt, makeFolderAt, makeNodeAt, O_CLOEXEC, openAt } from '../../libc/at.ts';
import { SyscallError } from '../../libc/errno.ts';
import { S } from '../../libc/flags.ts';
import { type Rules, setAttributes, setAttributesAt, setTimes } from './attributes.ts';
import { copyFolder } from './copy-up.ts';
import { type Folder, openFolders } from './folders.ts';
import { type Meaning, meaningOf, type Place, pathOf, placeOf } from './names.ts';
import { removeAt } from './removal.ts';
import { readable, type TarEntry, TarError } from './tar-header.ts';
import type { TarSink } from './tar-reader.ts';
import type { Target } from './target.ts';
import { isFolder, whiteoutsOf } from './whiteouts.ts';

export interface Unpacking {
  sink: TarSink;
  /** Sets the times of folders, which were changed by what came into them. */
  finish(): void;
  /** To be called in any case. */
  close(): void;
}

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW | O_CLOEXEC;
const OPEN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC;

/** An entry that could not be applied. What came before it is there. */
export class LayerError extends Error {
  constructor(number: number, path: string, cause: unknown) {
    super(`apply layer: entry ${number}, ${JSON.stringify(readable(path))}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    this.name = 'LayerError';
  }
}

/**
 * Unpacks into an open folder.
 * @param root it; stays the caller's
 */
export function unpack(root: number, target: Target, rules: Rules): Unpacking {
  const upper = target.kind === 'upper' ? target : undefined;
  const plain = target.kind === 'tree' && target.plain === true;
  const folders = openFolders(root, (parent, name, path) => {
    parent.made.add(name);
    if (upper) copyFolder(parent.fd, name, path, upper.lowers, rules.owners);
  });
  const whiteouts = whiteoutsOf(target, folders, rules);
  /** Their times, set last. */
  const madeFolders: { folder: string; name: string; entry: TarEntry }[] = [];
  let number = 0;
  let file = -1;
  let current = '';

  /** Does it, and says which entry it was for when it fails. */
  const told =
    <A extends unknown[]>(act: (...args: A) => void): ((...args: A) => void) =>
    (...args) => {
      try {
        act(...args);
      } catch (error) {
        if (error instanceof TarError || error instanceof LayerError) throw error;
        throw new LayerError(number, current, error);
      }
    };

  const must = (doing: string, result: number): number => {
    if (result < 0) throw new SyscallError(doing, -result);
    return result;
  };

  const remove = (folder: Folder, name: string): void => {
    if (removeAt(folder.fd, name)) folders.forget();
  };

  /** Makes a new name. What has the name already is replaced, as by every tar; never followed. */
  const replace = (doing: string, folder: () => Folder, name: string, make: (folder: number) => number): number => {
    let result = make(folder().fd);
    if (result === FAILED.EEXIST) {
      remove(folder(), name);
      result = make(folder().fd);
    }
    return must(doing, result);
  };

  const makeFolder = (folder: () => Folder, name: string, entry: TarEntry): void => {
    let hidden = false;
    let result = makeFolderAt(folder().fd, name, 0o700);
    if (result === FAILED.EEXIST) {
      if (isFolder(folder().fd, name)) {
        result = 0; // it stays, with what is in it
      } else {
        hidden = whiteouts.hides(folder().fd, name);
        remove(folder(), name);
        result = makeFolderAt(folder().fd, name, 0o700);
      }
    }
    must('make a folder', result);
    const fd = must('open the folder', openAt(folder().fd, name, OPEN_FOLDER));
    try {
      setAttributes(fd, entry, rules, false);
    } finally {
      closeAt(fd);
    }
    if (hidden) whiteouts.setOpaque(folder().fd, name);
  };

  const makeLink = (folder: () => Folder, name: string, entry: TarEntry): void => {
    const to = placeOf(entry.linkName);
    if (to.name === '') throw new Error('a hard link to the root');
    // Opened inside the root, and the last name is not followed: a link cannot reach out (CVE-2014-6407).
    replace(`make a hard link to ${JSON.stringify(readable(entry.linkName))}`, folder, name, (fd) => {
      const from = folders.at(to.folder);
      const same = pathOf(to) === pathOf({ folder: folder().path, name });
      if (same) return 0;
      return linkAt(from.fd, to.name, fd, name);
    });
  };

  const makeNode = (folder: () => Folder, name: string, entry: TarEntry): void => {
    const type = { character: S.S_IFCHR, block: S.S_IFBLK, fifo: S.S_IFIFO }[entry.type as 'character' | 'block' | 'fifo'];
    const device = entry.type === 'fifo' ? 0n : deviceNumber(entry.deviceMajor, entry.deviceMinor);
    let refused = false;
    replace(`make a ${entry.type}`, folder, name, (fd) => {
      const result = makeNodeAt(fd, name, type | 0o600, device);
      // In a user namespace nobody makes devices; containers get theirs from the runtime.
      refused = result === FAILED.EPERM && entry.type !== 'fifo';
      return refused ? 0 : result;
    });
    if (refused) rules.ignored('the device: only root outside of user namespaces may make it');
    else setAttributesAt(folder().fd, name, entry, rules);
  };

  const begin = (entry: TarEntry): void => {
    number++;
    current = entry.name;
    const place = placeOf(entry.name);
    // The root is made by the snapshotter. An entry of its name may not replace it (CVE-2021-29136).
    if (place.name === '') return;
    const meaning: Meaning = plain ? { kind: 'file' } : meaningOf(place.name);
    if (meaning.kind === 'ignored') rules.ignored(`${readable(entry.name)}: it belongs to aufs`);
    else if (meaning.kind === 'opaque') whiteouts.opaque(place);
    else if (meaning.kind === 'whiteout') whiteouts.one(place, meaning.of, entry);
    else make(place, entry);
  };

  const make = ({ folder: path, name }: Place, entry: TarEntry): void => {
    const folder = (): Folder => folders.at(path);
    if (entry.type === 'file') {
      file = replace('make the file', folder, name, (fd) => openAt(fd, name, CREATE, 0o600));
    } else if (entry.type === 'folder') {
      makeFolder(folder, name, entry);
      madeFolders.push({ folder: path, name, entry });
    } else if (entry.type === 'symlink') {
      replace('make a symbolic link', folder, name, (fd) => linkSymbolicallyAt(entry.linkName, fd, name));
      setAttributesAt(folder().fd, name, entry, rules);
    } else if (entry.type === 'link') {
      makeLink(folder, name, entry);
    } else {
      makeNode(folder, name, entry);
    }
    folder().made.add(name);
  };

  const write = (bytes: Buffer, at: number): void => {
    if (file < 0) return; // of a whiteout: nobody wants it
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, at + done);
  };

  const end = (entry: TarEntry): void => {
    if (file < 0) return;
    try {
      // The hole at the end of a sparse file.
      if (entry.sparse) ftruncateSync(file, entry.size);
      setAttributes(file, entry, rules, true);
    } finally {
      closeAt(file);
      file = -1;
    }
  };

  const finishFolder = ({ folder, name, entry }: { folder: string; name: string; entry: TarEntry }): void => {
    number = madeFolders.length;
    current = entry.name;
    const parent = folders.at(folder);
    // A later entry may have replaced it.
    if (isFolder(parent.fd, name)) setTimes(parent.fd, name, entry);
  };

  return {
    sink: { entry: told(begin), data: told(write), end: told(end) },
    finish: () => {
      for (const made of madeFolders) told(finishFolder)(made);
    },
    close: () => {
      if (file >= 0) closeAt(file);
      file = -1;
      folders.close();
    },
  };
}
