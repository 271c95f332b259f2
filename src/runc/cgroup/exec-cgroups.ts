/** Into which cgroups a further command of a container goes. */
import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import type { CgroupPaths } from '../compile/cgroup-paths.ts';
import { v2FolderOf } from '../host/cgroup-facts.ts';
import { foldersOf, readQuietly } from './processes.ts';

/** Controllers that can be on for the folders below while processes sit in the folder itself (admin-guide/cgroup-v2.rst, "Threads"). */
const THREADED = new Set(['cpu', 'cpuset', 'perf_event', 'pids']);

const switchedOn = (folder: string): string[] => readQuietly(`${folder}/cgroup.subtree_control`).split(/\s+/).filter(Boolean);

/** `--cgroup` options → sub-folder by controller; key '' stands for all. */
function subFolders(flags: string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const flag of flags) {
    const parts = flag.split(':');
    if (parts.length > 2) throw new Error(`invalid --cgroup argument: ${flag}`);
    if (parts.length === 1) {
      if (flags.length > 1) throw new Error(`invalid --cgroup argument: ${flag} (missing <controller>: prefix)`);
      found.set('', flag);
      continue;
    }
    for (const controller of (parts[0] as string).split(',')) {
      if (found.has(controller)) throw new Error(`invalid --cgroup argument(s): controller ${controller} specified multiple times`);
      found.set(controller, parts[1] as string);
    }
  }
  return found;
}

function below(folder: string, sub: string): string {
  const path = posix.join(folder, sub).replace(/(.)\/$/, '$1');
  if (path !== folder && !path.startsWith(`${folder}/`)) throw new Error(`--cgroup: ${sub} is not a sub cgroup path`);
  return path;
}

const failed = (folder: string, what: string): Error =>
  new Error(`exec --cgroup: adding pid of the command to cgroups: ${folder}/cgroup.procs: ${what}`);

/**
 * The cgroups for a command that is executed in a container.
 *
 * Without options: the container's own. In v2 nothing can be put there any more once something
 * inside has switched controllers on for folders of its own; then it is where the first process is.
 * @param pid the container's first process
 * @param flags `--cgroup` options: `SUBFOLDER`, or `CONTROLLER[,CONTROLLER]:SUBFOLDER` several times
 * @throws Error when an option is wrong, or its folder is not there or takes no process
 */
export function execCgroups(paths: CgroupPaths, pid: number, flags: string[] = []): CgroupPaths {
  if (!flags.length) {
    const { v2 } = paths;
    if (v2 === undefined || !switchedOn(v2).length) return paths;
    const first = v2FolderOf(pid);
    return first?.startsWith(`${v2}/`) ? { ...paths, v2: first } : paths;
  }
  const subs = subFolders(flags);
  const chosen: CgroupPaths = { ...paths, v1: { ...paths.v1 } };
  for (const [name, sub] of subs) {
    if (name === '') {
      for (const [controller, folder] of Object.entries(paths.v1)) chosen.v1[controller] = below(folder, sub);
      if (paths.v2 !== undefined) chosen.v2 = below(paths.v2, sub);
    } else {
      const folder = paths.v1[name];
      if (folder === undefined)
        throw new Error(
          `--cgroup: unknown controller ${name}; the container has ${Object.keys(paths.v1).join(', ') || 'version 2 alone, which has no controllers to name'}`,
        );
      chosen.v1[name] = below(folder, sub);
    }
  }
  const folders = foldersOf(chosen);
  if (!folders.length) throw new Error('--cgroup: the container has no cgroups');
  const missing = folders.find((folder) => !existsSync(`${folder}/cgroup.procs`));
  if (missing)
    throw failed(missing, 'no such file or directory (ENOENT); make it first, in the container (mkdir below /sys/fs/cgroup) or here');
  if (chosen.v2 !== undefined && switchedOn(chosen.v2).some((controller) => !THREADED.has(controller)))
    throw failed(
      chosen.v2,
      'device or resource busy (EBUSY): controllers are switched on for the folders below it, so processes belong there; name one of them',
    );
  return chosen;
}
