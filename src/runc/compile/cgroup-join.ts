/** Init's way into the container's cgroups. Source: cgroups(7). */
import { O } from '../../libc/flags.ts';
import { open, write } from '../program/calls.ts';
import { type Ref, ref } from '../program/step.ts';
import { type CgroupPaths, isRootless, v1Folders } from './cgroup-paths.ts';
import { add, closeResult, type Draft, fresh, type Setting, writeFile } from './draft.ts';

/**
 * Init's steps that put itself into the container's cgroups. They must be its first ones: before
 * it makes a cgroup namespace (whose root is the cgroup that the process is in at that moment) and
 * before it loses sight of the host's /sys.
 *
 * Init joins by itself, because the kernel can move the calling thread without stopping the
 * world. Measured on Linux 6.18 with nine v1 trees: 0.3 ms by writing 0 to `tasks`, 7 to 9 ms by
 * writing a pid to `cgroup.procs` (it then waits until no process anywhere forks or ends). Init has
 * one thread, or, with the ffi engine, others that end at its execve: a thread is all there is to
 * move. v2 has no such file; there the short way is clone3(2) with CLONE_INTO_CGROUP, where `cloneInto` allows it: init is born there.
 * @param born the descriptor of v2's folder, where init was born in it
 */
export function compileCgroupJoin(draft: Draft, paths: CgroupPaths, born?: Ref): void {
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
  if (born) closeResult(draft, setting, born);
  else if (paths.v2 !== undefined)
    writeFile(
      draft,
      setting,
      `${paths.v2}/cgroup.procs`,
      '0',
      "Joins the container's cgroup: 0 stands for whoever writes. Everything that is started from here on is born in it.",
    );
}

/** The folder in which the starter can have init born; undefined where init has to join it. */
export const birthplaceOf = (draft: Draft, { v2, unit }: CgroupPaths, wanted: boolean | undefined): string | undefined =>
  wanted && unit === undefined && !isRootless(draft.host) ? v2 : undefined;

/** The same for exec: not where a limit of processes may be reached, as such a process can go there, and not be born there. */
export const execBirthplaceOf = (draft: Draft, paths: CgroupPaths, wanted: boolean | undefined): string | undefined =>
  draft.host.cgroup.v2Controllers.includes('pids') ? undefined : birthplaceOf(draft, paths, wanted);

/** The starter's step that opens it. @returns its descriptor, which init has too */
export function openBirthplace(draft: Draft, folder: string): Ref {
  const saves = fresh(draft, 'cgroup');
  add(draft, {
    actor: 'starter',
    chapter: 'cgroup',
    from: draft.config.linux?.cgroupsPath ? '#/linux/cgroupsPath' : 'minirun',
    call: open(folder, O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC),
    saves,
    why: "The container's cgroup of version 2: the next process is going to be born in it.",
  });
  return ref(saves);
}

/**
 * The same for exec, where init is born among the container's processes and has lost sight of the
 * host's /sys by then: the starter opens the files, and init writes to them. (Were the starter to
 * join, init could not be born where a limit of processes is reached.)
 * An ordinary user may move a process only below a folder that is its own and above both cgroups;
 * where there is none, the command runs where it is, as in runc.
 * @param born the descriptor of v2's folder, where init is born in it
 * @returns what adds init's steps
 */
export function compileCgroupOpen(draft: Draft, paths: CgroupPaths, born?: Ref): () => void {
  const starter: Setting = { actor: 'starter', chapter: 'cgroup', from: 'minirun' };
  const init: Setting = { ...starter, actor: 'init' };
  const files = [
    ...[...v1Folders(paths).keys()].map((folder) => `${folder}/tasks`),
    ...(paths.v2 === undefined || born ? [] : [`${paths.v2}/cgroup.procs`]),
  ];
  const forbidden = isRootless(draft.host) ? { ignore: ['EACCES', 'EBADF'] } : {};
  const opened = files.map((path) => {
    const name = fresh(draft, 'cgroup');
    add(draft, {
      ...starter,
      call: open(path, O.O_WRONLY | O.O_CLOEXEC),
      saves: name,
      ...forbidden,
      minor: true,
      why: "Open the file through which a process joins the container's cgroup, as long as the host's /sys is in sight.",
    });
    return ref(name);
  });
  return () => {
    if (born) closeResult(draft, init, born);
    for (const file of opened) {
      add(draft, {
        ...init,
        call: write(file, '0'),
        ...forbidden,
        why: "Joins the container's cgroup: 0 stands for whoever writes. What the command uses counts as the container's.",
      });
      closeResult(draft, init, file, isRootless(draft.host));
    }
  };
}
