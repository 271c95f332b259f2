/** Steps that put a new process into the namespaces of one that runs: for exec, and for hooks. */
import { CLONE, O, PR } from '../../libc/flags.ts';
import { clone, clone3, open, prctl, setns } from '../program/calls.ts';
import { type Ref, ref } from '../program/step.ts';
import type { NamespaceType } from '../spec/config.ts';
import { add, closeResult, type Draft, type Setting } from './draft.ts';
import { NAMESPACE_FILE, NAMESPACE_FLAG } from './namespaces.ts';

/** Whose namespaces: a process number, and those in which it differs from the runtime. */
export interface Joined {
  pid: number;
  namespaces: readonly NamespaceType[];
  /** It has the same mounts as the runtime, and another root in them: a container without a mount namespace of its own. */
  chrooted?: boolean;
}

/** The pid namespace comes last: from then on a child is seen from inside, and it must not have anything of the host any more. */
const ORDER: readonly NamespaceType[] = ['user', 'ipc', 'uts', 'network', 'cgroup', 'time', 'mount', 'pid'];

const WHY: Partial<Record<NamespaceType, string>> = {
  user: "Join the container's user namespace first: it gives this process the power to join the others.",
  time: "Join the container's time namespace, so that the clocks that count from boot show what they show in there.",
  mount:
    "Join the container's mounts: from here on / is its root, and the host's files are gone from view. Before the next process is made, as the container sees that one: who may trace others in there could walk through its /proc/PID/root (CVE-2016-9962).",
  pid: "Children are now born among the container's processes. The process itself stays outside: nobody changes its own pid.",
};

/**
 * The starter joins all namespaces, then clones init.
 * @param beforeClone more steps of the starter, made when it has joined everything
 * @param birthplace descriptor of the cgroup of version 2 in which init is born. It joins its cgroup namespace itself then: with
 * `nsdelegate`, who is in there already can have no child outside of what is seen from there, and the starter is outside.
 */
export function compileJoiningStarter(
  draft: Draft,
  { pid, namespaces }: Joined,
  beforeClone: () => void = () => {},
  birthplace?: Ref,
): void {
  const starter: Setting = { actor: 'starter', chapter: 'namespaces', from: 'minirun' };
  add(draft, {
    ...starter,
    call: prctl(PR.PR_SET_DUMPABLE, 0),
    why: "The container's processes are about to see this one. Not being dumpable keeps them from tracing it or opening its /proc entries before the command replaces it (CVE-2016-9962).",
  });
  for (const type of namespaces) {
    add(draft, {
      ...starter,
      call: open(`/proc/${pid}/ns/${NAMESPACE_FILE[type]}`, O.O_RDONLY | O.O_CLOEXEC),
      saves: NAMESPACE_FILE[type],
      minor: true,
      why: "Each namespace of the container's first process is a file in its /proc folder; all are opened before the first one is joined, because afterwards this /proc is out of sight.",
    });
  }
  for (const type of ORDER)
    if (namespaces.includes(type) && !(birthplace && type === 'cgroup'))
      joinNamespace(draft, starter, type, WHY[type] ?? `Join the container's ${type} namespace.`);
  beforeClone();
  add(draft, {
    ...starter,
    call: birthplace ? clone3(CLONE.CLONE_PARENT, birthplace) : clone(CLONE.CLONE_PARENT | CLONE.SIGCHLD),
    saves: 'init',
    becomes: 'init',
    why: "Make the process that becomes the command, inside the container's pid namespace, and as a child of the runtime, which waits for it.",
  });
  if (birthplace && namespaces.includes('cgroup'))
    joinNamespace(draft, { ...starter, actor: 'init' }, 'cgroup', "Join the container's cgroup namespace.");
}

function joinNamespace(draft: Draft, setting: Setting, type: NamespaceType, why: string): void {
  const file = ref(NAMESPACE_FILE[type]);
  add(draft, { ...setting, call: setns(file, NAMESPACE_FLAG[type]), why });
  closeResult(draft, setting, file);
}
