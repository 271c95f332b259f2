/** /sys/fs/cgroup inside the container: its own cgroup as the root, whatever the host's layout is. */
import { AT, MS } from '../../libc/flags.ts';
import { kernelAtLeast } from '../host/facts.ts';
import { mount, mountSetattr, symlinkat } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import type { Mount } from '../spec/config.ts';
import { type MountOptions, parseMountOptions } from '../spec/mount-options.ts';
import { cgroupPaths } from './cgroup-paths.ts';
import { add, closeResult, type Draft, isNew, type Setting } from './draft.ts';
import { folderInside, forgetFolders, openInside, through } from './inside.ts';
import { isBind } from './mount-sources.ts';
import { compileNotInProc } from './mount-target.ts';
import { attach, cloneTree } from './root.ts';
import { mustBindSys } from './sysfs.ts';

/** v2 is one file system; v1 and hybrid are a tmpfs with a folder for each hierarchy. */
export function compileCgroupMount(draft: Draft, setting: Setting, m: Mount, options: MountOptions): void {
  const { mode, v2 } = draft.host.cgroup;
  if (mode === 'none') {
    draft.warnings.push(`${m.destination} is not mounted: this host has no cgroup file system`);
    return;
  }
  // `cgroup` is whatever the host has; who writes `cgroup2` means version 2, on a hybrid host too.
  if (mode === 'v2' || m.type === 'cgroup2') {
    mountV2(draft, setting, m.destination, options);
    return;
  }
  const restricted = options.flags | MS.MS_NOSUID | MS.MS_NODEV | MS.MS_NOEXEC;
  const base = folderInside(draft, setting, m.destination);
  compileNotInProc(draft, setting, base, m.destination);
  add(draft, {
    ...setting,
    call: mount('tmpfs', through(base), 'tmpfs', restricted & ~MS.MS_RDONLY, 'mode=755'),
    man: 'cgroups(7)',
    why: 'cgroup v1 has one file system for each controller. A small tmpfs holds the folders on which they are mounted.',
  });
  forgetFolders(draft, m.destination);
  const hierarchies = new Map<string, string[]>();
  for (const [controller, where] of Object.entries(draft.host.cgroup.v1)) {
    hierarchies.set(where, [...(hierarchies.get(where) ?? []), controller]);
  }
  const own = cgroupPaths(draft.config, draft.host, draft.config.annotations?.['minirun.id'] ?? 'container');
  for (const [where, controllers] of hierarchies) {
    const folder = where.slice(where.lastIndexOf('/') + 1);
    const place = `${m.destination}/${folder}`;
    const target = folderInside(draft, setting, place);
    if (isNew(draft.config, 'cgroup')) {
      const data = controllers.map((c) => (c.startsWith('name=') ? `none,${c}` : c)).join(',');
      add(draft, {
        ...setting,
        call: mount('cgroup', through(target), 'cgroup', restricted, data),
        man: 'cgroups(7)',
        minor: true,
        why: `The ${controllers.join(' and ')} hierarchy; in the new cgroup namespace its root is the container's own cgroup.`,
      });
    } else bindOwn(draft, setting, own.v1[controllers[0] as string] ?? where, target, restricted);
    forgetFolders(draft, place);
    for (const controller of controllers) {
      if (controllers.length < 2 || controller === folder) continue;
      const parent = folderInside(draft, setting, m.destination);
      add(draft, {
        ...setting,
        call: symlinkat(folder, ref(parent), controller),
        ignore: ['EEXIST'],
        minor: true,
        why: 'Controllers that are mounted together are also found by their single names.',
      });
    }
  }
  // Where the container has no cgroup in the v2 tree, mounting it would show the host's whole tree.
  if (v2 && own.v2) {
    const place = `${m.destination}/${v2.slice(v2.lastIndexOf('/') + 1)}`;
    if (isNew(draft.config, 'cgroup')) mountV2(draft, { ...setting }, place, options, true);
    else bindOwn(draft, setting, own.v2 ?? v2, folderInside(draft, setting, place), restricted);
    forgetFolders(draft, place);
  }
  if (options.flags & MS.MS_RDONLY) {
    const top = openInside(draft, setting, m.destination);
    add(draft, {
      ...setting,
      call: mount(null, through(top), null, MS.MS_REMOUNT | MS.MS_BIND | restricted, null),
      minor: true,
      why: 'All folders are in place: the tmpfs becomes read-only as well.',
    });
    closeResult(draft, setting, ref(top));
  }
}

function mountV2(draft: Draft, setting: Setting, destination: string, options: MountOptions, minor = false): void {
  const target = folderInside(draft, setting, destination);
  compileNotInProc(draft, setting, target, destination);
  const hosts = draft.host.cgroup.v2;
  if (!isNew(draft.config, 'cgroup') && hosts !== undefined) {
    const own = cgroupPaths(draft.config, draft.host, draft.config.annotations?.['minirun.id'] ?? 'container');
    bindOwn(draft, setting, own.v2 ?? hosts, target, options.flags);
    return;
  }
  const covered = liesInBind(draft, destination) ? coverFirst(draft, setting, destination, target) : target;
  add(draft, {
    ...setting,
    call: mount('cgroup', through(covered), 'cgroup2', options.flags, options.data || null),
    man: 'cgroups(7)',
    minor,
    why: "The cgroup file system: programs (a JVM, for instance) read their limits here. In the new cgroup namespace its root is the container's own cgroup; read-only, so that limits cannot be lifted from inside.",
  });
}

/** The folder is part of a bind mount: the host's /sys, when the host's network is used by an ordinary user. */
const liesInBind = (draft: Draft, destination: string): boolean =>
  draft.config.mounts?.some(
    (m) => destination.startsWith(`${m.destination}/`) && (mustBindSys(draft, m) || isBind(m, parseMountOptions(m.options ?? []))),
  ) === true;

/** There the host's cgroup2 is mounted already, and the kernel refuses (EBUSY) to mount a file system on top of itself. */
function coverFirst(draft: Draft, setting: Setting, destination: string, target: string): string {
  add(draft, {
    ...setting,
    call: mount('tmpfs', through(target), 'tmpfs', MS.MS_NOSUID | MS.MS_NODEV | MS.MS_NOEXEC, 'mode=755'),
    minor: true,
    man: 'mount(2)',
    why: "The host's cgroup file system came along with its /sys. It is covered first, as a file system cannot be mounted on top of itself.",
  });
  forgetFolders(draft, destination);
  return folderInside(draft, setting, destination);
}

/** Without a cgroup namespace, the container's own cgroup folder is bound instead. */
function bindOwn(draft: Draft, setting: Setting, source: string, target: string, flags: number): void {
  const tree = `cgroup.${++draft.serial}`;
  cloneTree(draft, setting, source, false, tree);
  const set = flags & (MS.MS_RDONLY | MS.MS_NOSUID | MS.MS_NODEV | MS.MS_NOEXEC); // the same bits in both calls
  if (kernelAtLeast(draft.host, 5, 12))
    add(draft, {
      ...setting,
      call: mountSetattr(ref(tree), AT.AT_EMPTY_PATH, { set, clear: 0 }),
      minor: true,
      why: 'The same restrictions as the file system would get.',
    });
  add(draft, {
    ...setting,
    call: attach(tree, target),
    why: 'Without a cgroup namespace of its own, the container is shown its cgroup by a bind mount of that folder.',
  });
  if (!kernelAtLeast(draft.host, 5, 12))
    add(draft, {
      ...setting,
      call: mount(null, through(tree), null, MS.MS_BIND | MS.MS_REMOUNT | set, null),
      minor: true,
      why: 'The restrictions of a bind mount need a second call before Linux 5.12.',
    });
  closeResult(draft, setting, ref(tree));
}
