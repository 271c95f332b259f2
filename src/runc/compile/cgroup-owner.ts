/**
 * Handing a container its own part of the v2 tree.
 * Source: runtime-spec, config-linux.md, "Cgroup ownership"; cgroups(7), "Cgroups v2 delegation".
 */
import { posix } from 'node:path';
import { MS } from '../../libc/flags.ts';
import { AT_FDCWD } from '../program/args.ts';
import { fchownat } from '../program/calls.ts';
import type { Config } from '../spec/config.ts';
import { parseMountOptions } from '../spec/mount-options.ts';
import type { CgroupPaths } from './cgroup-paths.ts';
import { add, type Draft, isNew, type Setting } from './draft.ts';

/** The files whose owner may share out what the folder has: those of /sys/kernel/cgroup/delegate. */
const DELEGATED = ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads', 'memory.oom.group', 'memory.reclaim'];

/**
 * The id on the host of the user that the command runs as, when the container sees its own cgroups and may
 * write to them. Undefined otherwise, and for root, whom they belong to anyway.
 */
export function cgroupOwner(config: Config): number | undefined {
  if (!isNew(config, 'cgroup')) return undefined;
  const mount = config.mounts?.find(
    (m) => (m.type === 'cgroup' || m.type === 'cgroup2') && posix.normalize(m.destination) === '/sys/fs/cgroup',
  );
  if (!mount || parseMountOptions(mount.options ?? []).flags & MS.MS_RDONLY) return undefined;
  const inside = config.process?.user.uid ?? 0;
  const maps = isNew(config, 'user') ? (config.linux?.uidMappings ?? []) : undefined;
  if (!maps) return inside || undefined;
  const map = maps.find((m) => inside >= m.containerID && inside < m.containerID + m.size);
  return map ? map.hostID + inside - map.containerID || undefined : undefined;
}

/** The runtime's steps that give the folder away. Limits stay root's: their files are not among them. */
export function compileCgroupOwner(draft: Draft, { v2: folder }: CgroupPaths): void {
  if (folder === undefined) return;
  const owner = cgroupOwner(draft.config);
  if (owner === undefined || draft.host.uid !== 0 || draft.host.inUserNamespace || draft.host.cgroup.mode !== 'v2') return;
  const setting: Setting = { actor: 'runtime', chapter: 'cgroup', from: '#/process/user/uid' };
  const UNCHANGED = -1;
  add(draft, {
    ...setting,
    call: fchownat(AT_FDCWD, folder, owner, UNCHANGED, 0),
    why: "The container may write to its cgroups, so the folder becomes its user's: it can make folders below, for services of its own. The limits of the folder itself stay root's.",
  });
  for (const name of DELEGATED)
    add(draft, {
      ...setting,
      call: fchownat(AT_FDCWD, `${folder}/${name}`, owner, UNCHANGED, 0),
      ignore: ['ENOENT'],
      minor: true,
      why: 'The same for the files by which processes are moved and controllers shared out.',
    });
}
