/** Restrictions and propagation of one mount: what mount(2) takes as MS_* flags and mount_setattr(2) as attributes. */
import { AT, MOUNT_ATTR, MS } from '../../libc/flags.ts';
import { kernelAtLeast } from '../host/facts.ts';
import { mount, mountSetattr } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import type { MountOptions } from '../spec/mount-options.ts';
import { add, type Draft, hasNamespace, type Setting } from './draft.ts';
import { through } from './inside.ts';

const ATTRIBUTES: [ms: number, attr: number][] = [
  [MS.MS_RDONLY, MOUNT_ATTR.MOUNT_ATTR_RDONLY],
  [MS.MS_NOSUID, MOUNT_ATTR.MOUNT_ATTR_NOSUID],
  [MS.MS_NODEV, MOUNT_ATTR.MOUNT_ATTR_NODEV],
  [MS.MS_NOEXEC, MOUNT_ATTR.MOUNT_ATTR_NOEXEC],
  [MS.MS_NODIRATIME, MOUNT_ATTR.MOUNT_ATTR_NODIRATIME],
  [MS.MS_NOSYMFOLLOW, MOUNT_ATTR.MOUNT_ATTR_NOSYMFOLLOW],
];

const ATIME = MS.MS_NOATIME | MS.MS_STRICTATIME | MS.MS_RELATIME;

/** MS_* flags of one mount as the sets of mount_setattr(2). */
export function mountAttributes(flags: number, clear: number): { set: number; clear: number } {
  let set = 0;
  let off = 0;
  for (const [ms, attr] of ATTRIBUTES) {
    if (flags & ms) set |= attr;
    if (clear & ms) off |= attr;
  }
  // The access-time modes are one value in three bits: all of them are cleared before one is set. None is relatime.
  if ((flags | clear) & ATIME) {
    off |= MOUNT_ATTR.MOUNT_ATTR__ATIME;
    if (flags & MS.MS_NOATIME) set |= MOUNT_ATTR.MOUNT_ATTR_NOATIME;
    else if (flags & MS.MS_STRICTATIME) set |= MOUNT_ATTR.MOUNT_ATTR_STRICTATIME;
  }
  return { set, clear: off };
}

/** Words that say how the mount is made, not how it is restricted. */
const MANNER = MS.MS_BIND | MS.MS_REC | MS.MS_REMOUNT | MS.MS_SILENT;

/**
 * True when mounts that come from the host carry their restrictions for good: the kernel locks
 * them against whoever has privileges in a user namespace only (mount_namespaces(7), "Restrictions").
 */
export const keepsLockedFlags = (draft: Draft): boolean =>
  hasNamespace(draft.config, 'user') || draft.host.uid !== 0 || draft.host.inUserNamespace === true;

/**
 * The restrictions of a bind mount. Without any word it keeps those of its source. With one it has
 * exactly what is asked for, as in runc and crun: `ro` on a `nosuid` source is no longer `nosuid`.
 * In a user namespace the source's are kept unless a word takes them away, because they may be locked.
 */
export function bindAttributes(draft: Draft, options: MountOptions): { set: number; clear: number } {
  if (!((options.flags & ~MANNER) | options.clear)) return { set: 0, clear: 0 };
  const asked = mountAttributes(options.flags, options.clear);
  if (keepsLockedFlags(draft)) return asked;
  const { MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSYMFOLLOW } = MOUNT_ATTR;
  const others =
    MOUNT_ATTR_RDONLY |
    MOUNT_ATTR_NOSUID |
    MOUNT_ATTR_NODEV |
    MOUNT_ATTR_NOEXEC |
    (kernelAtLeast(draft.host, 5, 14) ? MOUNT_ATTR_NOSYMFOLLOW : 0);
  return { set: asked.set, clear: (asked.clear | others) & ~(asked.set & ~MOUNT_ATTR.MOUNT_ATTR__ATIME) };
}

/**
 * Before Linux 5.12: what the mount of a path must keep in a user namespace, where it may be locked.
 * @param clear flags that a word takes away
 */
export const keptFlags = (draft: Draft, path: string, clear = 0): number =>
  keepsLockedFlags(draft) ? (draft.host.mounts?.restrictions?.[path] ?? 0) & ~clear : 0;

/** Before Linux 5.12: a second mount(2) call, with the flags that it takes for a bind mount. */
export const remountFlags = (flags: number): number =>
  MS.MS_BIND |
  MS.MS_REMOUNT |
  (flags & (MS.MS_RDONLY | MS.MS_NOSUID | MS.MS_NODEV | MS.MS_NOEXEC | MS.MS_NODIRATIME | MS.MS_NOSYMFOLLOW | ATIME));

/** Recursive attributes and propagation of what is mounted at the descriptor. */
export function compileAttributes(draft: Draft, setting: Setting, mounted: string, options: MountOptions): void {
  const { set, clear } = options.recursive;
  if (set || clear) {
    if (!kernelAtLeast(draft.host, 5, 12))
      throw new Error(`${setting.from}/options: recursive mount options (rro, rnosuid, …) need mount_setattr, Linux 5.12 or later`);
    add(draft, {
      ...setting,
      call: mountSetattr(ref(mounted), AT.AT_EMPTY_PATH | AT.AT_RECURSIVE, { set, clear }),
      why: 'Set these attributes on the mount and on every mount below it, all or none.',
    });
  }
  for (const propagation of options.propagation) {
    add(draft, {
      ...setting,
      call: mount(null, through(mounted), null, propagation, null),
      man: 'mount_namespaces(7)',
      why: PROPAGATION_WHY[propagation & ~MS.MS_REC] ?? '',
    });
  }
}

const PROPAGATION_WHY: Record<number, string> = {
  [MS.MS_PRIVATE]: 'Private: mounts that are made here later stay here, and those of the host do not appear.',
  [MS.MS_SLAVE]: 'Slave: what the host mounts below the original later appears here too, and nothing goes back.',
  [MS.MS_SHARED]:
    'Shared: later mounts are passed on to all copies of this mount. Where the root is shared as well (rootfsPropagation) and the original is, that includes the host.',
  [MS.MS_UNBINDABLE]: 'Unbindable: private, and no copy of it can be made by a bind mount.',
};
