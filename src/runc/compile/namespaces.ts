/**
 * Namespaces: which ones the container gets new, which it joins, and who makes them.
 *
 * The starter does what only a parent can do: a process never changes its own pid namespace, it
 * can only choose that of its children; and a new time namespace is entered by children as well.
 * Init makes the rest itself, one unshare for each, so that a reader sees each of them change.
 */
import { CLONE, O, PR } from '../../libc/flags.ts';
import { kernelAtLeast } from '../host/facts.ts';
import { clone, clone3, open, prctl, setns, unshare } from '../program/calls.ts';
import { type Ref, ref } from '../program/step.ts';
import { TOKENS } from '../program/tokens.ts';
import type { Config, NamespaceType } from '../spec/config.ts';
import { openBirthplace } from './cgroup-join.ts';
import { add, closeResult, type Draft, fresh, isNew, namespaceOf, type Setting, signal, wait } from './draft.ts';
import { compileTimeNamespace } from './time-namespace.ts';

export const NAMESPACE_FLAG: Record<NamespaceType, number> = {
  user: CLONE.CLONE_NEWUSER,
  pid: CLONE.CLONE_NEWPID,
  network: CLONE.CLONE_NEWNET,
  mount: CLONE.CLONE_NEWNS,
  ipc: CLONE.CLONE_NEWIPC,
  uts: CLONE.CLONE_NEWUTS,
  cgroup: CLONE.CLONE_NEWCGROUP,
  time: CLONE.CLONE_NEWTIME,
};

/** What the kernel calls it in /proc/PID/ns. */
export const NAMESPACE_FILE: Record<NamespaceType, string> = {
  user: 'user',
  pid: 'pid',
  network: 'net',
  mount: 'mnt',
  ipc: 'ipc',
  uts: 'uts',
  cgroup: 'cgroup',
  time: 'time',
};

const JOIN_WHY: Record<NamespaceType, string> = {
  user: 'Join the user namespace first: it decides which privileges this process has over all the others.',
  pid: 'From now on children of this process are born in the other pid namespace. The process itself stays where it is: no process ever changes its own pid.',
  network: 'Share the network of another namespace: the same interfaces, addresses and ports.',
  mount: 'See the same mounts as the processes of that namespace.',
  ipc: 'Share System V semaphores, shared memory and POSIX message queues with that namespace.',
  uts: 'Share the host name of that namespace: changing it here changes it there.',
  cgroup: 'See the cgroup tree from the same root as that namespace.',
  time: 'Share the clock offsets of that namespace.',
};

const NEW_WHY: Record<Exclude<NamespaceType, 'user' | 'pid' | 'time'>, string> = {
  mount:
    "A mount namespace of its own: from here on mounting and unmounting changes what this process sees and nothing for the host. It begins as a copy of the host's mount table.",
  network:
    "A network namespace of its own: no interface but a loopback that is down, its own ports, routes and firewall. The host's network can be neither seen nor used.",
  uts: 'A UTS namespace of its own ("UNIX time-sharing": the name is from uname(2)), so that the container can have a host name without renaming the host.',
  ipc: 'An IPC namespace of its own: System V shared memory, semaphores and message queues of the host are out of sight, and its own vanish with it.',
  cgroup:
    "A cgroup namespace of its own, made after the process was put into its cgroup: that cgroup becomes the root of what /proc/self/cgroup shows, so the container does not learn where it lies in the host's tree.",
};

/** Order in which init makes or joins the ones that it can: the cgroup namespace last, once it is in its cgroup. */
const INIT_ORDER: readonly Exclude<NamespaceType, 'user' | 'pid' | 'time'>[] = ['ipc', 'uts', 'network', 'mount', 'cgroup'];

const starter = (from: string): Setting => ({ actor: 'starter', chapter: 'namespaces', from });
const init = (from: string): Setting => ({ actor: 'init', chapter: 'namespaces', from });

const pointer = (config: Config, type: NamespaceType): string => {
  const entry = namespaceOf(config, type);
  return entry ? `#/linux/namespaces/${entry.index}` : 'minirun';
};

/** Opens a namespace file and joins it. */
function join(draft: Draft, setting: Setting, type: NamespaceType, path: string): void {
  const name = fresh(draft, `${NAMESPACE_FILE[type]}ns`);
  add(draft, {
    ...setting,
    call: open(path, O.O_RDONLY | O.O_CLOEXEC),
    saves: name,
    why: `A namespace is joined through a file that stands for it; this one is named in the configuration.`,
    minor: true,
  });
  add(draft, { ...setting, call: setns(ref(name), NAMESPACE_FLAG[type]), why: JOIN_WHY[type] });
  closeResult(draft, setting, ref(name));
}

/** True when init is made inside a new user namespace. */
export const newUserNamespace = (config: Config): boolean => isNew(config, 'user');

/**
 * The starter's steps, and the runtime's wait for them: join user, pid and time namespaces by
 * path, or ask for new ones, then clone init. `cloned` is the token; `init` names its pid.
 * @param beforeJoining adds what the starter does while it still has the host's privileges
 * @param birthplace the folder of version 2 in which init is born; see cgroup-join.ts
 * @returns the starter's descriptor of it, which init has too
 */
export function compileStarter(draft: Draft, beforeJoining: () => void = () => {}, birthplace?: string): Ref | undefined {
  const { config } = draft;
  signal(
    draft,
    { actor: 'runtime', chapter: 'cgroup', from: 'minirun' },
    TOKENS.prepared,
    'The cgroups are there, so the process that goes into them may be made.',
  );
  wait(
    draft,
    starter('minirun'),
    TOKENS.prepared,
    'Until now this process, the starter, has only waited: what it makes must find its cgroups.',
  );
  beforeJoining();
  const cgroup = birthplace === undefined ? undefined : openBirthplace(draft, birthplace);
  const joinsOthers = (config.linux?.namespaces ?? []).some((n) => n.path && (n.type === 'pid' || n.type === 'user'));
  if (joinsOthers) {
    add(draft, {
      ...starter('minirun'),
      call: prctl(PR.PR_SET_DUMPABLE, 0),
      why: 'Other processes live in the namespaces that are joined next. Not being dumpable keeps them from tracing this process or opening its /proc entries before the command replaces it (CVE-2016-9962).',
    });
  }
  for (const type of ['user', 'time', 'pid'] as const) {
    const entry = namespaceOf(config, type);
    if (entry?.path) join(draft, starter(`#/linux/namespaces/${entry.index}`), type, entry.path);
  }
  if (isNew(config, 'time') && !newUserNamespace(config)) compileTimeNamespace(draft, starter(pointer(config, 'time')), false);

  let flags: number = CLONE.CLONE_PARENT;
  const whys: string[] = [];
  let from = 'minirun';
  if (isNew(config, 'pid')) {
    flags |= CLONE.CLONE_NEWPID;
    from = pointer(config, 'pid');
    whys.push(
      'Make the process that becomes the container, in a new pid namespace where it is number 1. PID 1 is special: signals that it has no handler for are ignored (even SIGKILL when it comes from inside), orphans become its children so that it has to reap them or they stay as zombies, and when it ends the kernel kills everything in its namespace.',
    );
  } else whys.push("Make the process that becomes the container's command.");
  if (newUserNamespace(config)) {
    flags |= CLONE.CLONE_NEWUSER;
    from = isNew(config, 'pid') ? from : pointer(config, 'user');
    whys.push(
      'It starts a new user namespace as well: in there it has every capability, but only over what that namespace owns; outside it stays the harmless user that it is mapped to.',
    );
  } else if (!namespaceOf(config, 'user')) {
    whys.push(
      "It stays in the host's user namespace, as Docker does by default: root inside is the host's root, held back only by namespaces, dropped capabilities, seccomp and cgroups. Docker leaves it so because files in images and volumes would otherwise belong to shifted ids.",
    );
  }
  whys.push('CLONE_PARENT makes it a child of the runtime, which then can wait for it; the starter is done.');
  if (cgroup) whys.push("With CLONE_INTO_CGROUP it is born in the container's cgroup, and nothing of it ever runs outside.");
  const call = cgroup ? clone3(flags, cgroup) : clone(flags | CLONE.SIGCHLD);
  add(draft, { ...starter(from), call, saves: 'init', becomes: 'init', why: whys.join(' ') });
  signal(
    draft,
    starter('minirun'),
    TOKENS.cloned,
    'Tell the runtime that init exists; its process number went with the report of the clone.',
  );
  wait(
    draft,
    { actor: 'runtime', chapter: 'namespaces', from: 'minirun' },
    TOKENS.cloned,
    'The runtime needs the number of the new process, to map its users and set its limits.',
  );
  return cgroup;
}

/** Init's own namespaces: joined by path, or new. */
export function compileInitNamespaces(draft: Draft): void {
  const { config } = draft;
  for (const type of INIT_ORDER) {
    const entry = namespaceOf(config, type);
    if (entry?.path) join(draft, init(`#/linux/namespaces/${entry.index}`), type, entry.path);
  }
  for (const type of INIT_ORDER) {
    if (!isNew(config, type)) continue;
    add(draft, { ...init(pointer(config, type)), call: unshare(NAMESPACE_FLAG[type]), why: NEW_WHY[type] });
  }
  if (isNew(config, 'time') && newUserNamespace(config)) {
    if (!kernelAtLeast(draft.host, 6, 3))
      throw new Error('a new time namespace together with a new user namespace needs Linux 6.3 or later; leave one of them out');
    compileTimeNamespace(draft, init(pointer(config, 'time')), true);
  }
}
