/** Init's way into the container's cgroups. Source: cgroups(7). */
import { type CgroupPaths, v1Folders } from './cgroup-paths.ts';
import { type Draft, type Setting, writeFile } from './draft.ts';

/**
 * Init's steps that put itself into the container's cgroups. They must be its first ones: before
 * it makes a cgroup namespace (whose root is the cgroup that the process is in at that moment) and
 * before it loses sight of the host's /sys.
 *
 * Init joins by itself, because the kernel can move the calling thread without stopping the
 * world. Measured on Linux 6.18 with nine v1 trees: 0.3 ms by writing 0 to `tasks`, 7 to 9 ms by
 * writing a pid to `cgroup.procs` (it then waits until no process anywhere forks or ends). Init has
 * one thread, or, with the ffi engine, others that end at its execve: a thread is all there is to
 * move. v2 has no such file; there the short way is clone3(2) with CLONE_INTO_CGROUP.
 */
export function compileCgroupJoin(draft: Draft, paths: CgroupPaths): void {
  const setting: Setting = { actor: 'init', chapter: 'cgroup', from: draft.config.linux?.cgroupsPath ? '#/linux/cgroupsPath' : 'minirun' };
  let first = true;
  for (const [folder, controllers] of v1Folders(paths)) {
    const name = controllers.join(' and ');
    writeFile(
      draft,
      setting,
      `${folder}/tasks`,
      '0',
      first
        ? `Joins the container's cgroup for ${name}: 0 stands for whoever writes. Everything that is started from here on is born in it, and what runs as root inside cannot leave, because these files are out of its reach.`
        : `Joins the container's cgroup for ${name}.`,
    );
    first = false;
  }
  if (paths.v2 !== undefined)
    writeFile(
      draft,
      setting,
      `${paths.v2}/cgroup.procs`,
      '0',
      "Joins the container's cgroup: 0 stands for whoever writes. Everything that is started from here on is born in it.",
    );
}
