/**
 * Handing controllers down the v2 tree: a folder has those that the folder above has switched on for its children.
 * Sources: Linux, admin-guide/cgroup-v2.rst, "Controlling Controllers", "Threads".
 */
import { posix } from 'node:path';
import { chain } from './cgroup-paths.ts';
import { type Draft, type Setting, writeFile, writeValues } from './draft.ts';

const RUNTIME: Setting = { actor: 'runtime', chapter: 'cgroup', from: 'minirun' };

/** The folders above a container's whose controllers may be switched on: from the top, or from what was handed to this user. */
export function foldersAbove({ host }: Draft, folder: string): string[] {
  const { v2 = '', delegated = v2 } = host.cgroup;
  const all = [v2, ...chain(v2, posix.dirname(folder))];
  return all.slice(Math.max(0, all.indexOf(delegated)));
}

/** Controllers that count threads, not whole processes: they can be on below a folder that holds processes itself. */
const THREADED = new Set(['cpu', 'cpuset', 'perf_event', 'pids']);
const isDomain = (controller: string): boolean => !THREADED.has(controller);
const switches = (controllers: string[]): string => controllers.map((name) => `+${name}`).join(' ');

/**
 * Switches controllers on that limits need. Where a folder holds processes (a container's own, seen
 * from inside) the kernel takes the threaded controllers alone, and makes of it a folder whose
 * children hold threads only: no container could be put there. In one write with a domain
 * controller they are refused, and the error says why.
 */
export function switchOn(draft: Draft, folders: string[], controllers: string[]): void {
  if (!controllers.length) return;
  const domain = draft.host.cgroup.v2Controllers.filter(isDomain);
  const together =
    controllers.some(isDomain) || !domain.length
      ? controllers
      : [...controllers, domain.includes('memory') ? 'memory' : (domain[0] as string)];
  for (const path of folders)
    writeFile(
      draft,
      RUNTIME,
      `${path}/cgroup.subtree_control`,
      switches(together),
      `Switches on ${together.join(', ')} for the folders below, so that limits can be set there. The kernel allows it only where no process sits in this folder itself, the top excepted (EBUSY otherwise): processes belong into the leaves of the tree.`,
    );
}

/** Switches the others on as well, as far as that can be done: all together, or at least what counts memory and processes. */
export function offer(draft: Draft, folders: string[], needed: string[]): void {
  const others = draft.host.cgroup.v2Controllers.filter((c) => !needed.includes(c));
  const counted = others.filter((c) => c === 'memory' || c === 'pids');
  // Never threaded ones without a domain controller: see switchOn.
  const sets = [others, counted].filter((set) => set.length && (set.some(isDomain) || needed.some(isDomain)));
  if (!sets.length) return;
  for (const path of folders)
    writeValues(
      draft,
      RUNTIME,
      `${path}/cgroup.subtree_control`,
      sets.map((set) => ({
        value: switches(set),
        why: 'A write with one that cannot be switched on has no effect at all; then the most useful ones are tried alone.',
      })),
      `Switches on ${others.join(', ')} for the folders below: no limit needs them now, but then what the container uses is counted, a limit can be set later, and being killed for lack of memory can be told from other ends. It is no matter if that cannot be.`,
      { ignore: ['EBUSY', 'EINVAL', 'ENOENT', 'EOPNOTSUPP'] },
    );
}
