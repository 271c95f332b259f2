/**
 * A tar put into a container: what `docker cp` copies in. Whoever made the tar, and whoever runs in
 * the container, may want it to end up elsewhere: every path is resolved inside the container's
 * root by the kernel, and names that lead out of the folder are refused.
 */
import { constants, fstatSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import type { Rules } from '../../../containerd/layers/attributes.ts';
import { decompressed } from '../../../containerd/layers/compression.ts';
import { pathOf, placeOf } from '../../../containerd/layers/names.ts';
import { byteString, readable, type TarEntry, TarError } from '../../../containerd/layers/tar-header.ts';
import { type TarSink, tarReader } from '../../../containerd/layers/tar-reader.ts';
import { LayerError, unpack } from '../../../containerd/layers/unpack.ts';
import { closeAt, FAILED, O_CLOEXEC, O_PATH, openInside } from '../../../libc/at.ts';
import { SyscallError } from '../../../libc/errno.ts';
import { ApiError, badRequest, serverError } from '../../http/api-error.ts';
import type { ContainerRecord } from '../record.ts';
import { absolute, missingFile } from './place.ts';
import { isPseudo } from './pseudo.ts';
import type { FileRoot } from './root.ts';

export interface ExtractOptions {
  /** A folder of the container. */
  path: string;
  /** A folder is not replaced by a file, nor a file by a folder. */
  noOverwriteDirNonDir: boolean;
  /** Whose all of it becomes; whose the tar says, when undefined. */
  owner?: { uid: number; gid: number } | undefined;
}

const isBelow = (path: string, folder: string): boolean => path === folder || folder === '/' || path.startsWith(`${folder}/`);

/** @throws 400 for a volume, or a root, that the container itself may not write to */
function checkWritable({ Mounts, HostConfig }: ContainerRecord, path: string, live: boolean): void {
  // A tmpfs has files as long as the container runs.
  if (live && Object.keys(HostConfig.Tmpfs ?? {}).some((place) => isBelow(path, absolute(place)))) return;
  const on = Mounts.filter(({ Destination }) => isBelow(path, Destination)).sort((a, b) => b.Destination.length - a.Destination.length)[0];
  if (on && !on.RW) throw badRequest('mounted volume is marked read-only');
  if (!on && HostConfig.ReadonlyRootfs) throw badRequest('container rootfs is marked read-only');
}

/** The folder's path without links. */
function findFolder(root: FileRoot, record: ContainerRecord, path: string, container: string): string {
  const fd = openInside(root.fd, byteString(absolute(path)), O_PATH | O_CLOEXEC);
  if (fd === FAILED.ENOENT || fd === FAILED.ELOOP) throw missingFile(path, container);
  if (fd === FAILED.ENOTDIR) throw badRequest('extraction point is not a directory');
  if (fd < 0) throw new SyscallError(`open ${path} in container ${container}`, -fd);
  try {
    if (!fstatSync(fd).isDirectory()) throw badRequest('extraction point is not a directory');
    const found = root.pathOf(fd);
    checkWritable(record, readable(found), root.live);
    if (isPseudo(fd)) throw badRequest(`${path} is a view of the kernel, and holds no files`);
    return found;
  } finally {
    closeAt(fd);
  }
}

const mountId = (fd: number): string => /^mnt_id:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';

/** Whether something is mounted at a path: it is on another mount than the folder that has it. */
function isMounted(root: number, fd: number, path: string): boolean {
  const parent = openInside(root, posix.dirname(path), O_PATH | O_CLOEXEC);
  if (parent < 0) return false;
  try {
    return mountId(fd) !== mountId(parent);
  } finally {
    closeAt(parent);
  }
}

/** Entries as they are to be unpacked below the container's root; those for the folder itself are left out. */
function intoFolder(
  sink: TarSink,
  root: number,
  folder: string,
  mounts: readonly string[],
  { noOverwriteDirNonDir, owner }: ExtractOptions,
): TarSink {
  const prefix = folder === '/' ? '' : `${folder.slice(1)}/`;
  let skipped = false;
  /** A name of the tar, below the folder. @throws 400 when it leads out */
  const below = (name: string): string => {
    try {
      return pathOf(placeOf(name));
    } catch {
      throw badRequest(`${JSON.stringify(readable(name))} is outside of ${JSON.stringify(readable(folder))}`);
    }
  };
  /** What is there already, and is not to be replaced. */
  const checkReplaced = (path: string, name: string, { type }: TarEntry): void => {
    const fd = openInside(root, path, O_PATH | constants.O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return;
    try {
      const isFolder = fstatSync(fd).isDirectory();
      if (isFolder && type === 'folder') return;
      const [file, place] = [JSON.stringify(`/${readable(path)}`), JSON.stringify(readable(folder))];
      if (noOverwriteDirNonDir && isFolder) throw badRequest(`cannot overwrite directory ${file} with non-directory ${place}`);
      if (noOverwriteDirNonDir && type === 'folder')
        throw badRequest(`cannot overwrite non-directory ${file} with directory ${JSON.stringify(readable(name))}`);
      // Seen from this mount namespace, a place where only the container has something mounted could be removed, and its mount with it.
      if (isMounted(root, fd, path) || (isFolder && mounts.some((mount) => isBelow(mount, `/${readable(path)}`))))
        throw serverError(`unlinkat /${readable(path)}: device or resource busy`);
    } finally {
      closeAt(fd);
    }
  };
  /** The reader tells of an entry at its beginning and its end. */
  const known = new WeakMap<TarEntry, TarEntry>();
  return {
    entry(entry) {
      const name = below(entry.name);
      skipped = name === '';
      if (skipped) return;
      const path = `${prefix}${name}`;
      checkReplaced(path, name, entry);
      const linkName = entry.type === 'link' ? `${prefix}${below(entry.linkName)}` : entry.linkName;
      const placed: TarEntry = { ...entry, name: path, linkName, ...(owner ? { uid: owner.uid, gid: owner.gid } : {}) };
      known.set(entry, placed);
      sink.entry(placed);
    },
    data(bytes, at) {
      if (!skipped) sink.data(bytes, at);
    },
    end(entry) {
      const placed = known.get(entry);
      if (placed) sink.end(placed);
    },
  };
}

/** What is the tar's fault is the client's. */
function asApiFault(error: unknown): unknown {
  if (error instanceof ApiError) return error;
  if (error instanceof TarError) return badRequest(error.message);
  if (!(error instanceof LayerError)) return error;
  const { cause } = error;
  if (cause instanceof ApiError) return cause;
  if (cause instanceof SyscallError && cause.code === 'EROFS') return badRequest(`${error.message}: mounted read-only`);
  return serverError(error.message.replace(/^apply layer: /, ''), error);
}

/**
 * Unpacks a tar, compressed or not.
 * @param container as the client called it, for errors
 * @throws 404 for the folder, 400 for what is read-only and for what is wrong with the tar; what came before is there then
 */
export async function extractInto(
  root: FileRoot,
  record: ContainerRecord,
  container: string,
  tar: Readable,
  options: ExtractOptions,
): Promise<void> {
  const folder = findFolder(root, record, options.path, container);
  const rules: Rules = { owners: true, ignored: () => undefined };
  const mounts = ['/proc', '/sys', '/dev', ...record.Mounts.map(({ Destination }) => Destination)];
  // Of a request: what is wrong with it must not end the connection, on which the answer is to go.
  const body = tar.pipe(new PassThrough());
  const cutOff = (): void => void (tar.readableEnded || body.destroy(badRequest('the client went away in the middle of the archive')));
  tar.once('close', cutOff).once('error', cutOff);
  const unpacking = unpack(root.fd, { kind: 'tree', root: '/', plain: true }, rules);
  try {
    const reader = tarReader(intoFolder(unpacking.sink, root.fd, folder, mounts, options));
    for await (const chunk of decompressed(body)) reader.push(chunk);
    reader.finish();
    unpacking.finish();
  } catch (error) {
    throw asApiFault(error);
  } finally {
    unpacking.close();
    tar.unpipe(body).off('close', cutOff);
    body.destroy();
    // What is left of it is read, and nobody's.
    tar.resume();
  }
}
