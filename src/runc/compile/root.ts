/** The root file system: made private, bound onto itself, and in the end the only one there is. */
import { AT, MNT, MOUNT_ATTR, MOVE_MOUNT, MS, O, OPEN_TREE } from '../../libc/flags.ts';
import { type Host, kernelAtLeast } from '../host/facts.ts';
import { chdir, chroot, fchdir, mount, mountSetattr, moveMount, open, openTree, pivotRoot, umount2 } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import type { Config } from '../spec/config.ts';
import { add, closeResult, type Draft, hasNamespace, type Setting } from './draft.ts';
import { ROOT, through } from './inside.ts';
import { remountFlags } from './mount-attributes.ts';

const init = (from: string): Setting => ({ actor: 'init', chapter: 'root file system', from });

const PROPAGATION: Record<string, number> = {
  private: MS.MS_PRIVATE,
  rprivate: MS.MS_PRIVATE | MS.MS_REC,
  slave: MS.MS_SLAVE,
  rslave: MS.MS_SLAVE | MS.MS_REC,
  shared: MS.MS_SHARED,
  rshared: MS.MS_SHARED | MS.MS_REC,
  unbindable: MS.MS_UNBINDABLE,
  runbindable: MS.MS_UNBINDABLE | MS.MS_REC,
};

/**
 * Cuts the new mount namespace off from the host's, and binds the rootfs onto itself.
 * @param rootfs absolute path of the rootfs on the host
 * @throws Error when mounts are asked for where this user may not mount
 */
export function compileRootBind(draft: Draft, rootfs: string): void {
  if (hasNamespace(draft.config, 'mount')) {
    compilePropagation(draft);
    add(draft, {
      ...init('#/root/path'),
      call: mount(rootfs, rootfs, null, MS.MS_BIND | MS.MS_REC, null),
      why: 'pivot_root needs the new root to be a mount point. A bind mount of the folder onto itself makes it one.',
    });
  } else if (mountsOnHost(draft.config, draft.host)) compileHostMount(draft, rootfs);
  else if (wantsMounts(draft.config))
    throw new Error(
      'without a mount namespace only root of the host can mount, and not in a user namespace: add {"type": "mount"} to linux.namespaces, or leave out mounts, maskedPaths, readonlyPaths and root.readonly',
    );
  add(draft, {
    ...init('#/root/path'),
    call: open(rootfs, O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC),
    saves: ROOT,
    minor: true,
    why: 'Hold on to the rootfs: every path of the container is resolved from this descriptor on.',
  });
}

const wantsMounts = ({ mounts, linux, root }: Config): boolean =>
  Boolean(mounts?.length || linux?.maskedPaths?.length || linux?.readonlyPaths?.length || root?.readonly);

/**
 * Whether the container's mounts are made among the host's: it has no mount namespace of its own, so it shares
 * the runtime's (config-linux.md, "Namespaces"), and this user may mount there. Whoever deletes the container
 * takes them away.
 */
export const mountsOnHost = (config: Config, host: Pick<Host, 'uid'>): boolean =>
  !hasNamespace(config, 'mount') && !hasNamespace(config, 'user') && host.uid === 0;

/** One mount on which all others of the container lie: taking that one away takes all. */
function compileHostMount(draft: Draft, rootfs: string): void {
  const setting = init('#/root/path');
  add(draft, {
    ...setting,
    call: mount(rootfs, rootfs, null, MS.MS_BIND | MS.MS_REC, null),
    why: "The container has no mount namespace of its own, so what it mounts, the host sees. A bind mount of the rootfs onto itself lies below all of it: when the container is deleted, one unmount takes everything away, before anybody who removes the rootfs can walk into the host's /proc.",
  });
  add(draft, {
    ...setting,
    call: mount(null, rootfs, null, MS.MS_PRIVATE | MS.MS_REC, null),
    why: 'What is mounted in it stays here, and does not appear in other mount namespaces as well.',
    man: 'mount_namespaces(7)',
  });
}

/**
 * What connects this copy of the host's mounts with the originals. Only where the config wants a
 * shared root does it stay: then a volume that is shared on the host stays shared with it, as
 * engines expect of `rshared` volumes. The mount in which the rootfs lies is cut off even then:
 * everything that is mounted in the rootfs would appear on the host otherwise, and pivot_root
 * refuses a root whose parent is shared.
 */
function compilePropagation(draft: Draft): void {
  const wanted = draft.config.linux?.rootfsPropagation;
  const setting = init(wanted ? '#/linux/rootfsPropagation' : 'minirun');
  if (wanted?.endsWith('shared')) {
    add(draft, {
      ...setting,
      call: mount(null, '/', null, PROPAGATION[wanted] as number, null),
      why: "The configuration wants shared mounts: what is connected with the host stays so, for volumes that are shared. This changes this namespace's copy of the mounts, never the host's own.",
      man: 'mount_namespaces(7)',
    });
    add(draft, {
      ...setting,
      call: mount(null, draft.host.mounts?.rootMount ?? '/', null, MS.MS_PRIVATE, null),
      why: 'But not the mount in which the rootfs lies: /proc and all the others that are mounted below it now would appear on the host as well, and break it.',
      man: 'mount_namespaces(7)',
    });
    return;
  }
  // A volume can be a slave of the host's mount only while it is connected with it.
  const slave = wanted
    ? wanted.endsWith('slave')
    : draft.config.mounts?.some((m) => m.options?.some((o) => o === 'slave' || o === 'rslave'));
  add(draft, {
    ...setting,
    call: mount(null, '/', null, (slave ? MS.MS_SLAVE : MS.MS_PRIVATE) | MS.MS_REC, null),
    why: slave
      ? 'Before anything else: make every mount a slave. What the host mounts later still appears here, but nothing that is mounted here goes back to the host.'
      : "Before anything else: make every mount private. systemd marks the host's mounts as shared, so without this the /proc that is mounted next would also appear on the host and break it: the most frequent bug of every home-made container.",
    man: 'mount_namespaces(7)',
  });
}

/** The root becomes /, the host's tree goes out of reach. */
export function compilePivot(draft: Draft): void {
  const setting = init('#/root/path');
  add(draft, {
    ...setting,
    call: open('/', O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC),
    saves: 'oldroot',
    minor: true,
    why: 'Remember the old root, to be able to let go of it.',
  });
  add(draft, { ...setting, call: fchdir(ref(ROOT)), minor: true, why: 'Stand in the new root.' });
  add(draft, {
    ...setting,
    call: pivotRoot('.', '.'),
    why: "Make the rootfs the root of this mount namespace, and stack the old root on top of it. Not chroot: that only changes where paths begin, the host's tree stays mounted, and a process with CAP_SYS_CHROOT leaves it by chroot into a sub-folder while its working directory stays outside, then `cd ..` up to the real root. After pivot_root and the unmount below, there is no outside left to climb to.",
  });
  add(draft, { ...setting, call: fchdir(ref('oldroot')), minor: true, why: 'Step onto the old root, which now lies over the new one.' });
  add(draft, {
    ...setting,
    call: mount(null, '.', null, MS.MS_SLAVE | MS.MS_REC, null),
    minor: true,
    why: 'The unmount below must not travel to the host.',
  });
  add(draft, {
    ...setting,
    call: umount2('.', MNT.MNT_DETACH),
    why: "Let go of the host's whole file tree. MNT_DETACH takes it away at once, though this process still stands in it.",
  });
  add(draft, { ...setting, call: chdir('/'), minor: true, why: 'Stand in the new root.' });
  closeResult(draft, setting, ref('oldroot'));

  compileRootPropagation(draft);
}

/** Private and slave is the root already; the other kinds would have spoilt its making. */
export function compileRootPropagation(draft: Draft): void {
  const wanted = draft.config.linux?.rootfsPropagation ?? '';
  if (!/shared$|unbindable$/.test(wanted)) return;
  add(draft, {
    ...init('#/linux/rootfsPropagation'),
    call: mount(null, '/', null, PROPAGATION[wanted] as number, null),
    why: 'How mounts below the new root pass on what is mounted later, as the configuration wants it.',
    man: 'mount_namespaces(7)',
  });
}

/** A container that shares the host's mount namespace can only be chrooted. */
export function compileChroot(draft: Draft): void {
  const setting = init('#/root/path');
  add(draft, { ...setting, call: fchdir(ref(ROOT)), minor: true, why: 'Stand in the new root.' });
  add(draft, {
    ...setting,
    call: chroot('.'),
    why: 'Without a mount namespace of its own the root cannot be pivoted, that would move the host. chroot only changes where paths begin; it is no wall for a privileged process.',
  });
  if (!mountsOnHost(draft.config, draft.host)) return;
  add(draft, {
    ...setting,
    call: mount(null, '/', null, MS.MS_PRIVATE | MS.MS_REC, null),
    why: "A bind of one of the host's mounts (its cgroups, a volume) still passes on what is mounted below it: not any more.",
    man: 'mount_namespaces(7)',
  });
  compileRootPropagation(draft);
}

/** The same for a further process of such a container: there is no mount namespace that would bring its root along. */
export function compileEnterRoot(draft: Draft, pid: number): void {
  const setting = init('minirun');
  add(draft, {
    ...setting,
    call: open(`/proc/${pid}/root`, O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC),
    saves: ROOT,
    minor: true,
    why: "The root of the container's first process.",
  });
  add(draft, { ...setting, call: fchdir(ref(ROOT)), minor: true, why: 'Stand in it.' });
  add(draft, {
    ...setting,
    call: chroot('.'),
    why: "The container shares the host's mounts, so joining its namespaces has not changed the root: without this the command would run on the host's files.",
  });
  closeResult(draft, setting, ref(ROOT));
}

/** The root itself read-only. */
export function compileReadonlyRoot(draft: Draft): void {
  if (!draft.config.root?.readonly) return;
  const setting = init('#/root/readonly');
  const why =
    'Nothing in the image can be changed. Only the root mount itself turns read-only; tmpfs and volumes below it keep their own setting.';
  if (kernelAtLeast(draft.host, 5, 12)) {
    add(draft, { ...setting, call: mountSetattr(ref(ROOT), AT.AT_EMPTY_PATH, { set: MOUNT_ATTR.MOUNT_ATTR_RDONLY, clear: 0 }), why });
  } else {
    const kept = draft.host.mounts?.restrictions?.[draft.config.root.path] ?? 0;
    add(draft, { ...setting, call: mount(null, through(ROOT), null, remountFlags(MS.MS_RDONLY | kept), null), why });
  }
}

/**
 * Copies a place of the host's tree as a mount that is attached nowhere yet.
 * @param actor the starter for sources that the container's root may not reach, else init
 */
export function cloneTree(draft: Draft, setting: Setting, source: string, recursive: boolean, saves: string): void {
  add(draft, {
    ...setting,
    call: openTree(-100, source, OPEN_TREE.OPEN_TREE_CLONE | (recursive ? AT.AT_RECURSIVE : 0)),
    saves,
    minor: true,
    why: 'Take a copy of the mount at the source, attached nowhere yet: a bind mount in the making, held by a descriptor.',
  });
}

/** Attaches a mount that is held by a descriptor at a place held by another. */
export const attach = (tree: string, target: string) =>
  moveMount(ref(tree), ref(target), MOVE_MOUNT.MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT.MOVE_MOUNT_T_EMPTY_PATH);
