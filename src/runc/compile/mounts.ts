/** The mounts of config.json, in their order. */
import { posix } from 'node:path';
import { AT, MS, O } from '../../libc/flags.ts';
import { kernelAtLeast } from '../host/facts.ts';
import { fstatfs, mount, mountSetattr } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import type { IdMapping, Mount, NamespaceType } from '../spec/config.ts';
import { type MountOptions, parseMountOptions } from '../spec/mount-options.ts';
import { compileCgroupMount } from './cgroup-mount.ts';
import { add, closeResult, type Draft, isNew, namespaceOf, type Setting } from './draft.ts';
import { components, fileInside, folderInside, forgetFolders, openInside, through } from './inside.ts';
import { bindAttributes, compileAttributes, keptFlags, remountFlags } from './mount-attributes.ts';
import { cutPropagation, isBind, isRemount, liesInRootfs, sourceOf, takenByStarter, treeName } from './mount-sources.ts';
import { compileNotInProc, isProcfs, isReplaceable } from './mount-target.ts';
import { attach, cloneTree } from './root.ts';
import { withMountLabel } from './selinux.ts';
import { compileSysBind, mustBindSys } from './sysfs.ts';
import { becomesReadonlyLater, compileCopyUp, compileReadonlyNow, tmpfsData } from './tmpfs.ts';

const MAN: Record<string, string> = { proc: 'proc(5)', sysfs: 'sysfs(5)', tmpfs: 'tmpfs(5)', devpts: 'pts(4)', mqueue: 'mq_overview(7)' };

const WHY: Record<string, string> = {
  proc: "ps, top and the C library read /proc. It must be mounted by a process that is inside the pid namespace: a procfs shows the processes of the pid namespace of whoever mounts it, and the host's would show the host's.",
  sysfs:
    "The kernel's view of devices and drivers. Read-only by default: there is one kernel for everybody, and what is written here changes the host.",
  devpts: 'Pseudo-terminals of its own (newinstance): the terminals of the host cannot be opened, and numbering begins at 0.',
  mqueue: 'POSIX message queues, those of the new IPC namespace.',
};

const keyOf = (m: Mount): string => components(m.destination).join('/');

/** Every mount, attached inside the rootfs. */
export function compileMounts(draft: Draft): void {
  draft.config.mounts?.forEach((asked, index) => {
    const m = insideOf(draft, asked);
    const setting: Setting = { actor: 'init', chapter: 'root file system', from: `#/mounts/${index}` };
    const options = parseMountOptions(m.options ?? []);
    if (!m.destination.startsWith('/'))
      draft.warnings.push(`${setting.from}/destination: "${m.destination}" is taken as /${keyOf(m)}; relative destinations are deprecated`);
    if (isRemount(options)) compileRemount(draft, setting, m, options);
    else if (isBind(m, options)) compileBind(draft, setting, m, options, index);
    else if (m.type === 'cgroup' || m.type === 'cgroup2') compileCgroupMount(draft, setting, m, options);
    else compileFilesystem(draft, setting, m, options);
    forgetFolders(draft, m.destination);
  });
}

/** As runc does: a destination that is written as the host names it is taken for the place in the rootfs. */
function insideOf(draft: Draft, m: Mount): Mount {
  const rootfs = posix.resolve(draft.bundle, draft.config.root?.path ?? 'rootfs');
  return rootfs !== '/' && m.destination.startsWith(`${rootfs}/`) ? { ...m, destination: m.destination.slice(rootfs.length) } : m;
}

function compileFilesystem(draft: Draft, setting: Setting, m: Mount, options: MountOptions): void {
  const type = m.type ?? 'none';
  checkOwners(draft, setting, options);
  checkNamespace(draft, setting, type);
  // A symbolic link here would mount /proc over something else, and write protection would guard the wrong place.
  const strict = type === 'proc' || type === 'sysfs';
  const copied = options.tmpcopyup === true && type === 'tmpfs';
  if (options.tmpcopyup && !copied) throw new Error(`${setting.from}/options: tmpcopyup is for file systems of type tmpfs, not ${type}`);
  const target = folderInside(draft, setting, m.destination, { strict });
  if (mustBindSys(draft, m)) {
    compileSysBind(draft, setting, options, target);
    closeResult(draft, setting, ref(target));
    return;
  }
  if (!strict) compileNotInProc(draft, setting, target, m.destination);
  const later = becomesReadonlyLater(m, options, keyOf(m) === 'dev');
  add(draft, {
    ...setting,
    call: mount(
      m.source ?? type,
      through(target),
      type,
      later ? options.flags & ~MS.MS_RDONLY : options.flags,
      withMountLabel(draft, type, type === 'tmpfs' ? tmpfsData(draft, m, options) : options.data) || null,
    ),
    why: WHY[type] ?? whyOf(m, type),
    man: MAN[type] ?? 'mount(2)',
  });
  if (later || copied || options.propagation.length || options.recursive.set || options.recursive.clear) {
    forgetFolders(draft, m.destination);
    const mounted = openInside(draft, setting, m.destination, { flags: O.O_PATH | O.O_DIRECTORY, strict });
    if (copied) compileCopyUp(draft, setting, m, options.data, target, mounted);
    compileAttributes(draft, setting, mounted, options);
    if (later) draft.readonlyLater.push({ setting, mount: m, mounted, flags: options.flags });
    else closeResult(draft, setting, ref(mounted));
  }
  closeResult(draft, setting, ref(target));
}

/** File systems that show a namespace, which whoever mounts them must own. */
const SHOWS: Record<string, NamespaceType> = { proc: 'pid', mqueue: 'ipc' };

/** A new user namespace owns only namespaces that are new with it; the kernel says EPERM, and not what is missing. */
function checkNamespace(draft: Draft, setting: Setting, type: string): void {
  const shown = SHOWS[type];
  if (!shown || !isNew(draft.config, 'user') || isNew(draft.config, shown)) return;
  throw new Error(
    `${setting.from}: ${type} cannot be mounted in a new user namespace without a new "${shown}" namespace, because it would show one of the host's; add {"type": "${shown}"} to linux.namespaces, or bind the host's`,
  );
}

/** The kernel says EINVAL to a uid= or gid= that the container's user namespace does not have, and not what is wrong. */
function checkOwners(draft: Draft, setting: Setting, options: MountOptions): void {
  const user = namespaceOf(draft.config, 'user');
  if (!user || user.path) return;
  const has = (maps: IdMapping[] | undefined, id: number) => maps?.some((m) => id >= m.containerID && id < m.containerID + m.size) === true;
  for (const word of options.data.split(',')) {
    const [, kind, id] = /^([ug]id)=(\d+)$/.exec(word) ?? [];
    if (!kind || has(kind === 'uid' ? draft.config.linux?.uidMappings : draft.config.linux?.gidMappings, Number(id))) continue;
    throw new Error(
      `${setting.from}/options: ${word} is not possible, because linux.${kind}Mappings map no such id into the container; leave it out, or map it`,
    );
  }
}

function whyOf(m: Mount, type: string): string {
  if (type === 'tmpfs' && keyOf(m) === 'dev')
    return "A /dev of its own, in memory, with only the few devices that are made below: the image's device files are hidden and the host's disks cannot be reached.";
  if (type === 'tmpfs' && m.destination.endsWith('/shm'))
    return 'Shared memory of its own (shm_open and POSIX semaphores live in files here), with a size limit.';
  if (type === 'tmpfs') return 'A file system in memory: fast, empty, and gone with the container.';
  return `Mount a ${type} file system, as the configuration asks.`;
}

/** `remount`: other restrictions for what is mounted there already. */
function compileRemount(draft: Draft, setting: Setting, m: Mount, options: MountOptions): void {
  const mounted = openInside(draft, setting, m.destination);
  add(draft, {
    ...setting,
    call: mount(m.source ?? null, through(mounted), m.type ?? null, options.flags, options.data || null),
    why: `Change the restrictions of what is mounted at ${m.destination} already.`,
  });
  compileAttributes(draft, setting, mounted, options);
  closeResult(draft, setting, ref(mounted));
}

function compileBind(draft: Draft, setting: Setting, m: Mount, options: MountOptions, index: number): void {
  const source = sourceOf(draft, m);
  const recursive = (options.flags & MS.MS_REC) !== 0;
  const tree = treeName(index);
  if (!takenByStarter(draft, m, options)) cloneTree(draft, setting, source, recursive, tree);
  const attributes = bindAttributes(draft, options);
  const restricted = attributes.set !== 0 || attributes.clear !== 0;
  const modern = kernelAtLeast(draft.host, 5, 12);
  if (modern && restricted)
    add(draft, {
      ...setting,
      call: mountSetattr(ref(tree), AT.AT_EMPTY_PATH, attributes),
      why: 'Give the copy its restrictions before it is attached, so that there is no moment at which it can be used without them.',
    });
  const key = keyOf(m);
  if (key === 'proc')
    add(draft, {
      ...setting,
      call: fstatfs(ref(tree)),
      minor: true,
      expect: isProcfs(`${source} is no procfs, and nothing else may be mounted at /proc.`),
      why: 'Only a procfs may lie at /proc: settings are written there, and what pretends to be one could redirect them (CVE-2019-19921).',
    });
  const kind = draft.host.files[m.source ?? ''];
  const target =
    kind === undefined || kind === 'dir' || (kind === 'missing' && liesInRootfs(draft, source))
      ? folderInside(draft, setting, m.destination, { strict: key === 'proc' || key === 'sys' })
      : fileInside(draft, setting, m.destination);
  if (key !== 'proc' && !isReplaceable(key)) compileNotInProc(draft, setting, target, m.destination);
  add(draft, {
    ...setting,
    call: attach(tree, target),
    why: `Show ${source} of the host at ${m.destination}: the same files, not a copy of them. Both ends are descriptors, so no link can redirect the mount in between.`,
  });
  if (!modern && restricted)
    add(draft, {
      ...setting,
      call: mount(null, through(tree), null, remountFlags(options.flags | keptFlags(draft, m.source ?? '', options.clear)), null),
      why: 'A bind mount takes its restrictions only by a second call (before Linux 5.12).',
    });
  if (!modern && takenByStarter(draft, m, options))
    add(draft, {
      ...setting,
      call: mount(null, through(tree), null, cutPropagation(draft, options) | MS.MS_REC, null),
      minor: true,
      why: "The copy still belongs to the host's group of shared mounts: cut it off (before Linux 5.12 only once it is attached).",
    });
  compileAttributes(draft, setting, tree, options);
  closeResult(draft, setting, ref(tree));
}

/** What was left writable until everything had its place in it. */
export function compileReadonlyMounts(draft: Draft): void {
  for (const { setting, mount: m, mounted, flags } of draft.readonlyLater) compileReadonlyNow(draft, setting, m, mounted, flags);
}
