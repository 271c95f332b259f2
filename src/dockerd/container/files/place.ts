/** A path that a client names, found in a container's files. */
import { constants, fstatSync } from 'node:fs';
import { posix } from 'node:path';
import { type FileNode, nodeAt } from '../../../containerd/diff/node.ts';
import { byteString } from '../../../containerd/layers/tar-header.ts';
import { closeAt, FAILED, O_CLOEXEC, O_PATH, openInside, readLinkAt } from '../../../libc/at.ts';
import { SyscallError } from '../../../libc/errno.ts';
import { badRequest, notFound } from '../../http/api-error.ts';
import { isPseudo } from './pseudo.ts';
import type { FileRoot } from './root.ts';

const OPEN = O_PATH | O_CLOEXEC;
const OPEN_FOLDER = OPEN | constants.O_DIRECTORY;

export interface Place {
  /** The open folder that has it; of a folder, it itself. */
  fd: number;
  node: FileNode;
  /** Bytes; of a folder, what the kernel says of it. */
  size: number;
  /** What it is called in an archive: a single name, `.` for PATH/. and `/` for the root. A byte string, as all names. */
  name: string;
  /** Of a symbolic link: where it leads. */
  linkTarget: string;
}

export const missingFile = (path: string, container: string) => notFound(`Could not find the file ${path} in container ${container}`);

/** From the root, without `..`, links not heeded. */
export const absolute = (path: string): string => posix.normalize(`/${path}`).replace(/(.)\/$/, '$1');

/** @throws 404, 400 for a file where a folder is named */
function check(fd: number, path: string, container: string): number {
  if (fd >= 0) return fd;
  if (fd === FAILED.ENOENT || fd === FAILED.ELOOP) throw missingFile(path, container);
  if (fd === FAILED.ENOTDIR) throw badRequest(`lstat ${path}: not a directory`);
  throw new SyscallError(`open ${path} in container ${container}`, -fd);
}

/** Where a link leads, also when nothing is there: the way as the container would go it, as far as there are files. */
function follow(root: number, path: string): string {
  const MOST_LINKS = 255;
  const left = path.split('/').reverse();
  let here: string[] = [];
  for (let links = 0; left.length > 0; ) {
    const part = left.pop() as string;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      here.pop();
      continue;
    }
    const folder = openInside(root, `/${here.join('/')}`, OPEN_FOLDER);
    const target = folder < 0 ? folder : readLinkAt(folder, part);
    if (folder >= 0) closeAt(folder);
    if (typeof target === 'string' && links++ < MOST_LINKS) {
      if (target.startsWith('/')) here = [];
      left.push(...target.split('/').reverse());
    } else here.push(part);
  }
  return `/${here.join('/')}`;
}

/**
 * Runs it with what is at a path. A link at the end is the link, unless a slash or `/.` follows it.
 * @param container as the client called it, for errors
 * @throws 404, 400
 */
export async function withPlace<T>(root: FileRoot, path: string, container: string, act: (place: Place) => Promise<T>): Promise<T> {
  const clean = absolute(path);
  const dot = /(^|\/)\.$/.test(path);
  const bytes = byteString(clean);
  if (clean === '/' || dot || path.endsWith('/')) {
    const fd = check(openInside(root.fd, bytes, OPEN_FOLDER), path, container);
    try {
      const node = nodeAt(fd, '.') as FileNode;
      return await act({
        fd,
        node,
        size: fstatSync(fd).size,
        name: clean === '/' ? '/' : dot ? '.' : posix.basename(bytes),
        linkTarget: '',
      });
    } finally {
      closeAt(fd);
    }
  }
  const parent = check(openInside(root.fd, posix.dirname(bytes), OPEN_FOLDER), path, container);
  try {
    const name = posix.basename(bytes);
    // What the kernel shows there is nobody's file: it has no length that could be copied.
    const node = root.live && isPseudo(parent) ? undefined : nodeAt(parent, name);
    if (!node) throw missingFile(path, container);
    if (node.type === 'folder') {
      const fd = check(openInside(parent, name, OPEN_FOLDER | constants.O_NOFOLLOW), path, container);
      try {
        return await act({ fd, node: { ...node, name: '.' }, size: fstatSync(fd).size, name, linkTarget: '' });
      } finally {
        closeAt(fd);
      }
    }
    const link = node.type === 'symlink';
    const linkTarget = link ? follow(root.fd, bytes) : '';
    return await act({ fd: parent, node, size: link ? node.linkName.length : node.size, name, linkTarget });
  } finally {
    closeAt(parent);
  }
}
