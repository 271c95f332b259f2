/**
 * What a layer is applied to. On a mounted (or plain) tree a whiteout removes. In the upper folder
 * of an overlay it is written down in overlayfs's own way, and the kernel does the hiding: nothing
 * has to be mounted. Source: Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
 */
import type { Mount } from '../snapshots/mount.ts';

export type Target =
  /** `plain`: the tar is no layer, and names that would be whiteouts in one are names. */
  | { kind: 'tree'; root: string; plain?: boolean }
  /** `lowers`: topmost first. `user`: attributes of user.overlay.*, which need no privilege. */
  | { kind: 'upper'; root: string; lowers: string[]; user: boolean };

const option = (mount: Mount, name: string): string | undefined =>
  mount.options.find((o) => o.startsWith(`${name}=`))?.slice(name.length + 1);

/** Splits lowerdir=A:B, in which a colon of a name is written `\:`. */
const folders = (text: string): string[] => text.split(/(?<!\\):/).map((path) => path.replace(/\\([\\:,])/g, '$1'));

/**
 * The folder that mounts stand for, where one can be written to without mounting.
 * @returns undefined when that needs a mount
 */
export function targetOf(mounts: readonly Mount[]): Target | undefined {
  const [mount] = mounts;
  if (!mount || mounts.length > 1 || mount.target) return undefined;
  if (mount.options.includes('ro')) return undefined;
  if (mount.type === 'bind' || mount.options.includes('bind') || mount.options.includes('rbind'))
    return { kind: 'tree', root: mount.source };
  const upper = option(mount, 'upperdir');
  if (mount.type !== 'overlay' || upper === undefined) return undefined;
  const lower = option(mount, 'lowerdir');
  return {
    kind: 'upper',
    root: upper.replace(/\\([\\:,])/g, '$1'),
    lowers: lower === undefined ? [] : folders(lower),
    user: mount.options.includes('userxattr'),
  };
}

/** The folders that a tree to be read is made of, topmost first. Undefined when the mounts are of another kind. */
export function lowersOf(mounts: readonly Mount[]): string[] | undefined {
  const [mount] = mounts;
  if (!mount || mounts.length > 1 || mount.target) return undefined;
  if (mount.type === 'bind' || mount.options.includes('bind') || mount.options.includes('rbind')) return [mount.source];
  const lower = option(mount, 'lowerdir');
  return mount.type === 'overlay' && lower !== undefined && option(mount, 'upperdir') === undefined ? folders(lower) : undefined;
}

/**
 * Attributes that a layer must not bring: overlayfs keeps its own there, which say where lower files
 * are, and what else is in trusted.* means something to the host's root. containerd takes none either.
 */
export const isReservedXattr = (name: string): boolean => name.startsWith('trusted.') || name.startsWith('user.overlay.');

export const opaqueXattr = (user: boolean): string => (user ? 'user.overlay.opaque' : 'trusted.overlay.opaque');
