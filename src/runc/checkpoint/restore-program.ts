/**
 * The program of a restore: cgroups, a mount namespace in which the rootfs is a mount point and
 * has a place for every mount, and in it criu, which makes all the rest. What is mounted for
 * criu ends with it: nothing is left on the host, even after a SIGKILL. Pure, as all programs are.
 */
import { posix } from 'node:path';
import { CLONE, MNT, MS, O, PR } from '../../libc/flags.ts';
import { compileCgroup, compileCgroupJoin, compileCgroupOwner } from '../compile/cgroup.ts';
import { cgroupPaths } from '../compile/cgroup-paths.ts';
import { compileScope } from '../compile/cgroup-scope.ts';
import { rootfsPath } from '../compile/compile.ts';
import { add, closeResult, type Draft, newDraft, type Setting, signal, wait } from '../compile/draft.ts';
import { components, fileInside, folderInside, forgetFolders, ROOT } from '../compile/inside.ts';
import { isBind, isRemount, sourceOf } from '../compile/mount-sources.ts';
import { attach, cloneTree } from '../compile/root.ts';
import type { Host } from '../host/facts.ts';
import { clone, execve, fcntl, mkdirat, mount, open, prctl, umount2, unshare } from '../program/calls.ts';
import { descriptors } from '../program/descriptors.ts';
import { type Program, ref } from '../program/step.ts';
import { TOKENS } from '../program/tokens.ts';
import type { Config, Mount } from '../spec/config.ts';
import { parseMountOptions } from '../spec/mount-options.ts';

export interface RestoreProgramOptions {
  id: string;
  bundle: string;
  /** A folder over which the rootfs is mounted for criu, in criu's own mount namespace. */
  point: string;
  criu: { path: string; environment: string[] };
  /** How many descriptors from 3 on criu gets. */
  preserveFds: number;
}

const FD_CLOEXEC = 1;
const F_SETFD = 2;

const init = (from: string, chapter: Setting['chapter'] = 'root file system'): Setting => ({ actor: 'init', chapter, from });

/** Starter and init are criu's here: the container's own first process is made by criu. */
function compileProcess(draft: Draft): void {
  signal(
    draft,
    { actor: 'runtime', chapter: 'cgroup', from: 'minirun' },
    TOKENS.prepared,
    'The cgroups are there, so the process that goes into them may be made.',
  );
  const starter: Setting = { actor: 'starter', chapter: 'namespaces', from: 'minirun' };
  wait(draft, starter, TOKENS.prepared, 'What this process makes must find its cgroups.');
  add(draft, {
    ...starter,
    call: clone(CLONE.CLONE_PARENT | CLONE.SIGCHLD),
    saves: 'init',
    becomes: 'init',
    why: "Make the process that becomes criu. CLONE_PARENT makes it a child of the runtime; criu will make the container's first process in the same way, as its own sibling, so the runtime is the parent of that one too.",
  });
  signal(draft, starter, TOKENS.cloned, 'Tell the runtime that it exists.');
  wait(draft, { actor: 'runtime', chapter: 'namespaces', from: 'minirun' }, TOKENS.cloned, 'The process that becomes criu exists.');
}

/** Places that lie in a file system which criu fills from the image: their mount points come with it. */
function inRestoredMount(config: Config, m: Mount): boolean {
  const place = `${components(m.destination).join('/')}/`;
  return (config.mounts ?? []).some((other) => {
    const above = `${components(other.destination).join('/')}/`;
    return other !== m && place !== above && place.startsWith(above) && !isBind(other, parseMountOptions(other.options ?? []));
  });
}

/** Mount points that are missing are made, and binds are mounted, because other mount points may lie in them. */
function compilePlaces(draft: Draft): void {
  draft.config.mounts?.forEach((m, index) => {
    const options = parseMountOptions(m.options ?? []);
    if (m.type === 'cgroup' || m.type === 'cgroup2' || isRemount(options) || inRestoredMount(draft.config, m)) return;
    const setting = init(`#/mounts/${index}`);
    if (!isBind(m, options)) {
      folderInside(draft, setting, m.destination);
      return;
    }
    const tree = `tree.${index}`;
    cloneTree(draft, setting, sourceOf(draft, m), true, tree);
    const kind = draft.host.files[m.source ?? ''];
    const target = (kind === undefined || kind === 'dir' ? folderInside : fileInside)(draft, setting, m.destination);
    add(draft, {
      ...setting,
      call: attach(tree, target),
      why: `Show ${m.source} there for a moment: places for further mounts may have to be made in it, as they were when the container was created.`,
    });
    forgetFolders(draft, m.destination);
    closeResult(draft, setting, ref(tree));
  });
}

function compileRoot(draft: Draft, rootfs: string, point: string): void {
  add(draft, {
    ...init('minirun', 'namespaces'),
    call: unshare(CLONE.CLONE_NEWNS),
    why: 'A mount namespace for criu. What is mounted in it to help criu is seen by nobody else, and ends with it.',
  });
  add(draft, {
    ...init('minirun'),
    call: mount(null, '/', null, MS.MS_SLAVE | MS.MS_REC, null),
    man: 'mount_namespaces(7)',
    why: 'Before anything else: make every mount a slave, so that nothing that is mounted here appears on the host.',
  });
  const bind = (why: string, minor?: true) =>
    add(draft, {
      ...init('#/root/path'),
      call: mount(rootfs, point, null, MS.MS_BIND | MS.MS_REC, null),
      why,
      ...(minor ? { minor } : {}),
    });
  bind('criu needs the root of what it restores to be a mount point that nothing covers. A bind mount makes one of the rootfs.');
  add(draft, {
    ...init('#/root/path'),
    call: open(point, O.O_PATH | O.O_DIRECTORY | O.O_CLOEXEC),
    saves: ROOT,
    minor: true,
    why: 'Hold on to it: the places of mounts are resolved from this descriptor on.',
  });
  compilePlaces(draft);
  if (draft.config.root?.readonly)
    add(draft, {
      ...init('#/root/readonly'),
      call: mkdirat(ref(ROOT), 'tmp', 0o1777),
      ignore: ['EEXIST', 'EROFS'],
      minor: true,
      why: 'criu puts the old root there for a moment, when the new one is read-only already. An image made from scratch may have no /tmp.',
    });
  add(draft, {
    ...init('minirun'),
    call: umount2(point, MNT.MNT_DETACH),
    minor: true,
    why: 'Take all of it away again, with what was mounted in it: criu makes these mounts itself.',
  });
  bind('And the bare rootfs once more, for criu.', true);
}

/**
 * The program that ends by executing `criu swrk 3`: descriptor 3 is the socket on which it is told what to do.
 * @throws Error when the config asks for what cannot be restored
 */
export function compileRestore(config: Config, host: Host, options: RestoreProgramOptions): Program {
  const draft = newDraft(config, host, options.bundle);
  const paths = cgroupPaths(config, host, options.id);
  const { control } = descriptors(options.preserveFds);
  compileCgroup(draft, paths);
  compileProcess(draft);
  compileScope(draft, paths);
  compileCgroupJoin(draft, paths);
  compileCgroupOwner(draft, paths);
  compileRoot(draft, rootfsPath(config, options.bundle), posix.normalize(options.point));
  add(draft, {
    ...init('minirun', 'the command'),
    call: fcntl(control, F_SETFD, FD_CLOEXEC),
    minor: true,
    why: 'The socket to the runtime closes by itself when criu starts.',
  });
  if (config.process?.noNewPrivileges)
    add(draft, {
      ...init('#/process/noNewPrivileges', 'privileges'),
      call: prctl(PR.PR_SET_NO_NEW_PRIVS, 1),
      why: 'What criu makes inherits this. criu 3.17 and older do not restore it, and a set-uid program in the container could then do what the configuration forbids.',
    });
  add(draft, {
    ...init('minirun', 'the command'),
    call: execve(options.criu.path, ['criu', 'swrk', '3'], options.criu.environment),
    why: 'Become criu. It reads from descriptor 3 what it is to restore, makes the processes with their namespaces, memory and open files as they were, and ends; they go on.',
  });
  return { version: 1, arch: host.arch, steps: draft.steps, warnings: draft.warnings, preserveFds: options.preserveFds };
}
