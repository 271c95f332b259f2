/** The mounts of config.json, in their order. */
import { posix } from 'node:path';
import { AT, MOUNT_ATTR, MS, O } from '../../libc/flags.ts';
import { kernelAtLeast } from '../host/facts.ts';
import { mount, mountSetattr } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import type { Mount } from '../spec/config.ts';
import { type MountOptions, parseMountOptions } from '../spec/mount-options.ts';
import { compileCgroupMount } from './cgroup-mount.ts';
import { add, closeResult, type Draft, type Setting } from './draft.ts';
import { components, fileInside, folderInside, forgetFolders, openInside, through } from './inside.ts';
import { newUserNamespace } from './namespaces.ts';
import { attach, cloneTree } from './root.ts';

const MAN: Record<string, string> = { proc: 'proc(5)', sysfs: 'sysfs(5)', tmpfs: 'tmpfs(5)', devpts: 'pts(4)', mqueue: 'mq_overview(7)' };

const WHY: Record<string, string> = {
  proc: "ps, top and the C library read /proc. It must be mounted by a process that is inside the pid namespace: a procfs shows the processes of the pid namespace of whoever mounts it, and the host's would show the host's.",
  sysfs:
    "The kernel's view of devices and drivers. Read-only by default: there is one kernel for everybody, and what is written here changes the host.",
  devpts: 'Pseudo-terminals of its own (newinstance): the terminals of the host cannot be opened, and numbering begins at 0.',
  mqueue: 'POSIX message queues, those of the new IPC namespace.',
};

/** A bind mount, by its type or its options. */
export const isBind = (m: Mount, options: MountOptions): boolean => m.type === 'bind' || options.bind;

/**
 * Sources that the container's own root may not be able to reach (they lie below folders closed
 * to the ids it is mapped to) are taken by the starter, before it gives up the host's user namespace.
 */
const takenByStarter = (draft: Draft): boolean => newUserNamespace(draft.config) && draft.host.uid === 0;

/** A relative source is relative to the bundle (config.md, "mounts"). */
const sourceOf = (draft: Draft, m: Mount): string => posix.resolve(draft.bundle, m.source ?? '');

const treeName = (index: number): string => `tree.${index}`;

/** The starter's part of the mounts: see {@link takenByStarter}. */
export function compileMountSources(draft: Draft): void {
  if (!takenByStarter(draft)) return;
  draft.config.mounts?.forEach((m, index) => {
    const options = parseMountOptions(m.options ?? []);
    if (!isBind(m, options)) return;
    const setting: Setting = { actor: 'starter', chapter: 'root file system', from: `#/mounts/${index}` };
    cloneTree(draft, setting, sourceOf(draft, m), (options.flags & MS.MS_REC) !== 0, treeName(index));
    add(draft, {
      ...setting,
      minor: true,
      call: mountSetattr(ref(treeName(index)), AT.AT_EMPTY_PATH | AT.AT_RECURSIVE, { set: 0, clear: 0, propagation: MS.MS_PRIVATE }),
      why: "The copy still belongs to the host's group of shared mounts: cut it off.",
    });
  });
}

/** Init's part: every mount, attached inside the rootfs. */
export function compileMounts(draft: Draft): void {
  draft.config.mounts?.forEach((m, index) => {
    const setting: Setting = { actor: 'init', chapter: 'root file system', from: `#/mounts/${index}` };
    const options = parseMountOptions(m.options ?? []);
    if (options.tmpcopyup) draft.warnings.push(`${m.destination}: tmpcopyup is not done; the tmpfs starts empty`);
    if (options.idmap || m.uidMappings?.length)
      throw new Error(`mount ${m.destination}: id-mapped mounts are not made yet; leave out idmap, uidMappings and gidMappings`);
    if (m.type === 'cgroup' || m.type === 'cgroup2') compileCgroupMount(draft, setting, m, options);
    else if (isBind(m, options)) compileBind(draft, setting, m, options, index);
    else compileFilesystem(draft, setting, m, options);
    forgetFolders(draft, m.destination);
  });
}

function compileFilesystem(draft: Draft, setting: Setting, m: Mount, options: MountOptions): void {
  const type = m.type ?? 'none';
  // A symbolic link here would mount /proc over something else, and write protection would guard the wrong place.
  const strict = type === 'proc' || type === 'sysfs';
  const target = folderInside(draft, setting, m.destination, { strict });
  const isDev = components(m.destination).join('/') === 'dev';
  const flags = isDev ? options.flags & ~MS.MS_RDONLY : options.flags; // device nodes are made in it first
  add(draft, {
    ...setting,
    call: mount(m.source ?? type, through(target), type, flags, options.data || null),
    why: WHY[type] ?? whyOf(m, type),
    man: MAN[type] ?? 'mount(2)',
  });
  if (options.propagation.length || options.recursive.set || options.recursive.clear) {
    forgetFolders(draft, m.destination);
    const mounted = openInside(draft, setting, m.destination, { flags: O.O_PATH | O.O_DIRECTORY });
    compileAttributes(draft, setting, mounted, options);
    closeResult(draft, setting, ref(mounted));
  }
  closeResult(draft, setting, ref(target));
}

function whyOf(m: Mount, type: string): string {
  if (type === 'tmpfs' && components(m.destination).join('/') === 'dev')
    return "A /dev of its own, in memory, with only the few devices that are made below: the image's device files are hidden and the host's disks cannot be reached.";
  if (type === 'tmpfs' && m.destination.endsWith('/shm'))
    return 'Shared memory of its own (shm_open and POSIX semaphores live in files here), with a size limit.';
  if (type === 'tmpfs') return 'A file system in memory: fast, empty, and gone with the container.';
  return `Mount a ${type} file system, as the configuration asks.`;
}

const ATTRIBUTES: [ms: number, attr: number][] = [
  [MS.MS_RDONLY, MOUNT_ATTR.MOUNT_ATTR_RDONLY],
  [MS.MS_NOSUID, MOUNT_ATTR.MOUNT_ATTR_NOSUID],
  [MS.MS_NODEV, MOUNT_ATTR.MOUNT_ATTR_NODEV],
  [MS.MS_NOEXEC, MOUNT_ATTR.MOUNT_ATTR_NOEXEC],
  [MS.MS_NODIRATIME, MOUNT_ATTR.MOUNT_ATTR_NODIRATIME],
  [MS.MS_NOSYMFOLLOW, MOUNT_ATTR.MOUNT_ATTR_NOSYMFOLLOW],
];

/** MS_* flags of one mount as the sets of mount_setattr(2). */
export function mountAttributes(flags: number, clear: number): { set: number; clear: number } {
  let set = 0;
  let off = 0;
  for (const [ms, attr] of ATTRIBUTES) {
    if (flags & ms) set |= attr;
    if (clear & ms) off |= attr;
  }
  // The access-time modes are one value in three bits: all of them are cleared before one is set.
  if (flags & (MS.MS_NOATIME | MS.MS_STRICTATIME | MS.MS_RELATIME)) {
    off |= MOUNT_ATTR.MOUNT_ATTR__ATIME;
    if (flags & MS.MS_NOATIME) set |= MOUNT_ATTR.MOUNT_ATTR_NOATIME;
    else if (flags & MS.MS_STRICTATIME) set |= MOUNT_ATTR.MOUNT_ATTR_STRICTATIME;
  }
  return { set, clear: off };
}

function compileBind(draft: Draft, setting: Setting, m: Mount, options: MountOptions, index: number): void {
  const source = sourceOf(draft, m);
  const recursive = (options.flags & MS.MS_REC) !== 0;
  const tree = treeName(index);
  if (!takenByStarter(draft)) cloneTree(draft, setting, source, recursive, tree);
  const attributes = mountAttributes(options.flags, options.clear);
  const modern = kernelAtLeast(draft.host, 5, 12);
  if (modern && (attributes.set || attributes.clear)) {
    add(draft, {
      ...setting,
      call: mountSetattr(ref(tree), AT.AT_EMPTY_PATH, attributes),
      why: 'Give the copy its restrictions before it is attached, so that there is no moment at which it can be used without them.',
    });
  }
  const kind = draft.host.files[m.source ?? ''];
  const target =
    kind === undefined || kind === 'dir' ? folderInside(draft, setting, m.destination) : fileInside(draft, setting, m.destination);
  add(draft, {
    ...setting,
    call: attach(tree, target),
    why: `Show ${source} of the host at ${m.destination}: the same files, not a copy of them. Both ends are descriptors, so no link can redirect the mount in between.`,
  });
  if (!modern && (attributes.set || attributes.clear)) {
    const keep =
      options.flags & (MS.MS_RDONLY | MS.MS_NOSUID | MS.MS_NODEV | MS.MS_NOEXEC | MS.MS_NOATIME | MS.MS_NODIRATIME | MS.MS_RELATIME);
    add(draft, {
      ...setting,
      call: mount(null, through(tree), null, MS.MS_BIND | MS.MS_REMOUNT | keep, null),
      why: 'A bind mount takes its restrictions only by a second call (before Linux 5.12).',
    });
  }
  compileAttributes(draft, setting, tree, options);
  closeResult(draft, setting, ref(tree));
}

/** Recursive attributes and propagation of what is mounted at the descriptor. */
function compileAttributes(draft: Draft, setting: Setting, mounted: string, options: MountOptions): void {
  const { set, clear } = options.recursive;
  if (set || clear) {
    if (!kernelAtLeast(draft.host, 5, 12))
      throw new Error(`${setting.from}: recursive mount options (rro, rnosuid, …) need mount_setattr, Linux 5.12 or later`);
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
      why: 'Say whether mounts that are made later travel between this copy and the original.',
    });
  }
}

/** A read-only /dev, once the devices are in it. */
export function compileReadonlyDev(draft: Draft): void {
  const index = draft.config.mounts?.findIndex((m) => components(m.destination).join('/') === 'dev') ?? -1;
  const m = draft.config.mounts?.[index];
  if (!m || isBind(m, parseMountOptions(m.options ?? [])) || !(parseMountOptions(m.options ?? []).flags & MS.MS_RDONLY)) return;
  const setting: Setting = { actor: 'init', chapter: 'devices', from: `#/mounts/${index}` };
  const dev = openInside(draft, setting, '/dev', { flags: O.O_PATH | O.O_DIRECTORY });
  add(draft, {
    ...setting,
    call: mount(null, through(dev), null, parseMountOptions(m.options ?? []).flags | MS.MS_REMOUNT | MS.MS_BIND, null),
    why: 'The devices are in place: /dev becomes read-only as it was asked for.',
  });
  closeResult(draft, setting, ref(dev));
}
