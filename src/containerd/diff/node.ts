/** A file of a tree that is compared: what it is, and what an archive would say of it. */
import { constants, fstatSync } from 'node:fs';
import { closeAt, FAILED, O_CLOEXEC, O_PATH, openAt, readLinkAt } from '../../libc/at.ts';
import { SyscallError } from '../../libc/errno.ts';
import { xattrsAt } from '../../libc/xattr.ts';
import { readable, type TarTime, type TarType } from '../layers/tar-header.ts';
import { isReservedXattr } from '../layers/target.ts';

export interface FileNode {
  name: string;
  /** Sockets are nothing that an archive could have. */
  type: TarType | 'socket' | 'whiteout';
  mode: number;
  uid: number;
  gid: number;
  size: number;
  links: number;
  /** Device and inode. */
  identity: string;
  device: bigint;
  modified: TarTime;
  linkName: string;
  /** Without those of the host's root, overlayfs's for one, and without the labels that its policy gives every file. */
  xattrs: Map<string, string>;
  opaque: boolean;
}

const TYPES = new Map<number, FileNode['type']>([
  [constants.S_IFIFO, 'fifo'],
  [constants.S_IFCHR, 'character'],
  [constants.S_IFDIR, 'folder'],
  [constants.S_IFBLK, 'block'],
  [constants.S_IFREG, 'file'],
  [constants.S_IFLNK, 'symlink'],
]);
const OF_THE_HOST = new Set(['security.selinux', 'security.ima', 'security.evm', 'security.SMACK64']);

/** Looks at a file of an open folder, through no link. Undefined when it is gone. @throws SyscallError */
export function nodeAt(folder: number, name: string): FileNode | undefined {
  const fd = openAt(folder, name, O_PATH | constants.O_NOFOLLOW | O_CLOEXEC);
  if (fd === FAILED.ENOENT) return undefined;
  if (fd < 0) throw new SyscallError(`look at ${JSON.stringify(readable(name))}`, -fd);
  try {
    const stat = fstatSync(fd, { bigint: true });
    const kind = TYPES.get(Number(stat.mode) & constants.S_IFMT) ?? 'socket';
    const whiteout = kind === 'character' && stat.rdev === 0n;
    const all = xattrsAt(folder, name);
    const target = kind === 'symlink' ? readLinkAt(folder, name) : '';
    const nanoseconds = Number(stat.mtimeNs % 1_000_000_000n);
    return {
      name,
      type: whiteout ? 'whiteout' : kind,
      mode: Number(stat.mode) & 0o7777,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      size: kind === 'file' ? Number(stat.size) : 0,
      links: Number(stat.nlink),
      identity: `${stat.dev}:${stat.ino}`,
      device: stat.rdev,
      modified: {
        seconds: Number((stat.mtimeNs - BigInt(nanoseconds)) / 1_000_000_000n) - (nanoseconds < 0 ? 1 : 0),
        nanoseconds: nanoseconds < 0 ? nanoseconds + 1_000_000_000 : nanoseconds,
      },
      linkName: typeof target === 'string' ? target : '',
      xattrs: new Map([...all].filter(([key]) => !isReservedXattr(key) && !OF_THE_HOST.has(key))),
      opaque: kind === 'folder' && (all.get('trusted.overlay.opaque') ?? all.get('user.overlay.opaque')) === 'y',
    };
  } finally {
    closeAt(fd);
  }
}
