/**
 * Sources of bind mounts that the starter takes, while it still has the host's privileges: those
 * that the container's root may not be able to reach, and those whose owner ids are mapped.
 */
import { posix } from 'node:path';
import { AT, CLONE, MOUNT_ATTR, MS, O, WAIT } from '../../libc/flags.ts';
import { kernelAtLeast } from '../host/facts.ts';
import { clone, mountSetattr, open, waitChild } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import type { IdMapping, Mount } from '../spec/config.ts';
import { parseIdmapOption } from '../spec/idmap-option.ts';
import { type MountOptions, parseMountOptions } from '../spec/mount-options.ts';
import { add, closeResult, type Draft, fresh, hasNamespace, namespaceOf, type Setting, writeFile } from './draft.ts';
import { mapText } from './idmap.ts';
import { cloneTree } from './root.ts';

/** A bind mount, by its type or its options. */
export const isBind = (m: Mount, options: MountOptions): boolean => m.type === 'bind' || options.bind;

/** A change of what is mounted already (`remount`) has no source. */
export const isRemount = (options: MountOptions): boolean => (options.flags & MS.MS_REMOUNT) !== 0;

/** A relative source is relative to the bundle (config.md, "mounts"). */
export const sourceOf = (draft: Draft, m: Mount): string => posix.resolve(draft.bundle, m.source ?? '');

/** True for a place in the rootfs, as the host names it. */
export const liesInRootfs = (draft: Draft, path: string): boolean =>
  `${path}/`.startsWith(`${posix.resolve(draft.bundle, draft.config.root?.path ?? 'rootfs')}/`);

/** The result that holds the tree of mount number `index`. */
export const treeName = (index: number): string => `tree.${index}`;

const isIdMapped = (m: Mount, options: MountOptions): boolean =>
  options.idmap !== undefined || (m.uidMappings?.length ?? 0) > 0 || (m.gidMappings?.length ?? 0) > 0;

/**
 * In a user namespace made by root, sources may lie below folders that are closed to the ids that
 * the container is mapped to. What lies in the rootfs itself may be a mount that init makes: init
 * takes that.
 */
export function takenByStarter(draft: Draft, m: Mount, options: MountOptions): boolean {
  if (!isBind(m, options) || isRemount(options)) return false;
  if (isIdMapped(m, options)) return true;
  if (!hasNamespace(draft.config, 'user') || draft.host.uid !== 0) return false;
  return !liesInRootfs(draft, sourceOf(draft, m));
}

/**
 * What is left of the connection between a tree that the starter took and the original. A user
 * namespace can give nothing back to the host: shared becomes slave, as in every mount namespace of one.
 */
export const cutPropagation = (draft: Draft, options: MountOptions): number =>
  /(slave|shared)$/.test(draft.config.linux?.rootfsPropagation ?? '') || options.propagation.some((p) => (p & MS.MS_SLAVE) !== 0)
    ? MS.MS_SLAVE
    : MS.MS_PRIVATE;

/** The starter's part of the mounts. It must come before any user namespace is joined. */
export function compileMountSources(draft: Draft): void {
  const namespaces = new Map<string, string>();
  draft.config.mounts?.forEach((m, index) => {
    const options = parseMountOptions(m.options ?? []);
    if (!takenByStarter(draft, m, options)) return;
    const setting: Setting = { actor: 'starter', chapter: 'root file system', from: `#/mounts/${index}` };
    const userNamespace = isIdMapped(m, options) ? idMapNamespace(draft, setting, m, namespaces) : undefined;
    cloneTree(draft, setting, sourceOf(draft, m), (options.flags & MS.MS_REC) !== 0, treeName(index));
    if (kernelAtLeast(draft.host, 5, 12))
      add(draft, {
        ...setting,
        minor: true,
        call: mountSetattr(ref(treeName(index)), AT.AT_EMPTY_PATH | AT.AT_RECURSIVE, {
          set: 0,
          clear: 0,
          propagation: cutPropagation(draft, options),
        }),
        why:
          cutPropagation(draft, options) === MS.MS_SLAVE
            ? "The copy still belongs to the host's group of shared mounts: from now on it only receives."
            : "The copy still belongs to the host's group of shared mounts: cut it off.",
      });
    if (userNamespace) mapTree(draft, setting, index, options, userNamespace);
  });
  for (const name of namespaces.values()) closeResult(draft, { actor: 'starter', chapter: 'root file system', from: 'minirun' }, ref(name));
}

function mapTree(draft: Draft, setting: Setting, index: number, options: MountOptions, userNamespace: string): void {
  add(draft, {
    ...setting,
    call: mountSetattr(ref(treeName(index)), AT.AT_EMPTY_PATH | (options.idmap === 'ridmap' ? AT.AT_RECURSIVE : 0), {
      set: MOUNT_ATTR.MOUNT_ATTR_IDMAP,
      clear: 0,
      userns: ref(userNamespace),
    }),
    why: 'Seen through this mount, the owners of files are translated: nothing on the disk changes. EINVAL means that the file system cannot do that (overlay, or an old kernel for tmpfs, nfs and others), or that it has ids mapped already.',
    man: 'mount_setattr(2)',
  });
}

/** The maps of an id-mapped mount; undefined for those of a user namespace that is joined. */
function mapsOf(draft: Draft, m: Mount): { uids: IdMapping[]; gids: IdMapping[] } | undefined {
  if (m.uidMappings?.length || m.gidMappings?.length) return { uids: m.uidMappings ?? [], gids: m.gidMappings ?? [] };
  const container = { uids: draft.config.linux?.uidMappings ?? [], gids: draft.config.linux?.gidMappings ?? [] };
  const { idmapText } = parseMountOptions(m.options ?? []);
  if (idmapText) return parseIdmapOption(idmapText, container);
  return namespaceOf(draft.config, 'user')?.path ? undefined : container;
}

/**
 * A descriptor of a user namespace that has the wanted maps: the kernel takes the maps of an
 * id-mapped mount from one. The container's own does not exist yet, and can be joined by nobody
 * who would then still have the right to map the mount; so one is made for the purpose. A process
 * makes it and ends at once: until it is waited for, its entry in /proc stands for the namespace.
 * @param made the namespaces that are there already, by their maps
 */
function idMapNamespace(draft: Draft, setting: Setting, m: Mount, made: Map<string, string>): string {
  if (draft.host.uid !== 0)
    throw new Error(
      `${setting.from}: only root of the host may map the owners of files for a mount; leave out idmap, ridmap, uidMappings and gidMappings`,
    );
  if (!kernelAtLeast(draft.host, 5, 12)) throw new Error(`${setting.from}: id-mapped mounts need Linux 5.12 or later`);
  const maps = mapsOf(draft, m);
  const key = maps ? `${mapText(maps.uids)}/${mapText(maps.gids)}` : '';
  const known = made.get(key);
  if (known) return known;
  const name = fresh(draft, 'idmap');
  made.set(key, name);
  if (!maps) {
    add(draft, {
      ...setting,
      call: open(namespaceOf(draft.config, 'user')?.path as string, O.O_RDONLY | O.O_CLOEXEC),
      saves: name,
      minor: true,
      why: "The ids of this mount are mapped as in the container's user namespace.",
    });
    return name;
  }
  const process = fresh(draft, 'mapper');
  add(draft, {
    ...setting,
    // No signal at its end: where SIGCHLD is ignored, as some callers have it, nothing would stay of it.
    call: clone(CLONE.CLONE_NEWUSER),
    saves: process,
    becomes: 'nobody',
    why: 'The kernel reads the map of a mount from a user namespace. This one is made for nothing else: its only process ends at once, and the maps are written from outside.',
  });
  const proc = (file: string) => ['/proc/', ref(process), file];
  const why = 'On the left the ids on the disk, on the right what they become, and how many.';
  writeFile(draft, setting, proc('/uid_map'), mapText(maps.uids), why);
  writeFile(draft, setting, proc('/gid_map'), mapText(maps.gids), 'The same for groups.');
  add(draft, {
    ...setting,
    call: open(proc('/ns/user'), O.O_RDONLY | O.O_CLOEXEC),
    saves: name,
    minor: true,
    why: 'Hold on to the namespace: with the descriptor it lives on without any process.',
  });
  add(draft, {
    ...setting,
    call: waitChild(ref(process), WAIT.WEXITED | WAIT.__WALL),
    minor: true,
    why: 'Take note of the end of that process, so that it does not stay as a zombie.',
  });
  return name;
}
