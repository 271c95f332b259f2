/** The program of `exec`: one more process in a container that runs. */
import { CLONE, O, PR } from '../../libc/flags.ts';
import type { Host } from '../host/facts.ts';
import { clone, open, prctl, setns } from '../program/calls.ts';
import { type Program, ref } from '../program/step.ts';
import { TOKENS } from '../program/tokens.ts';
import type { Config, NamespaceType, Process } from '../spec/config.ts';
import { compileCgroupJoin } from './cgroup.ts';
import { cgroupPaths } from './cgroup-paths.ts';
import { type CommandOptions, compileCommand } from './command.ts';
import { add, closeResult, type Draft, newDraft, type Setting, signal, wait } from './draft.ts';
import { compileRelease } from './idmap.ts';
import { compileOomScore, compileRlimits } from './limits.ts';
import { NAMESPACE_FILE, NAMESPACE_FLAG } from './namespaces.ts';
import { compileTerminal } from './terminal.ts';

export interface ExecOptions extends CommandOptions {
  id: string;
  /** The container's init, in the runtime's pid namespace. */
  pid: number;
  /** Namespaces in which init differs from the runtime: only those are joined. */
  namespaces: readonly NamespaceType[];
}

const ORDER: readonly NamespaceType[] = ['ipc', 'uts', 'network', 'cgroup', 'mount'];

/** @param config the container's config; its process is replaced by the one to execute */
export function compileExec(config: Config, process: Process, host: Host, options: ExecOptions): Program {
  const namespaces = options.namespaces.map((type) => ({ type, path: `/proc/${options.pid}/ns/${NAMESPACE_FILE[type]}` }));
  const draft = newDraft(
    { ...config, process, linux: { ...config.linux, namespaces }, annotations: { ...config.annotations, 'minirun.id': options.id } },
    host,
  );
  const starter: Setting = { actor: 'starter', chapter: 'namespaces', from: 'minirun' };
  const init: Setting = { actor: 'init', chapter: 'namespaces', from: 'minirun' };
  const has = (type: NamespaceType) => options.namespaces.includes(type);

  add(draft, {
    ...starter,
    call: prctl(PR.PR_SET_DUMPABLE, 0),
    why: "The container's processes are about to see this one. Not being dumpable keeps them from tracing it or opening its /proc entries before the command replaces it (CVE-2016-9962).",
  });
  for (const type of options.namespaces) {
    add(draft, {
      ...starter,
      call: open(`/proc/${options.pid}/ns/${NAMESPACE_FILE[type]}`, O.O_RDONLY | O.O_CLOEXEC),
      saves: NAMESPACE_FILE[type],
      minor: true,
      why: "Each namespace of the container's first process is a file in its /proc folder; all are opened before the first one is joined, because afterwards this /proc is out of sight.",
    });
  }
  if (has('user'))
    joinNamespace(draft, starter, 'user', "Join the container's user namespace first: it gives this process the power to join the others.");
  if (has('pid'))
    joinNamespace(
      draft,
      starter,
      'pid',
      "Children are now born among the container's processes. The process itself stays outside: nobody changes its own pid.",
    );
  add(draft, {
    ...starter,
    call: clone(CLONE.CLONE_PARENT | CLONE.SIGCHLD),
    saves: 'init',
    becomes: 'init',
    why: "Make the process that becomes the command, inside the container's pid namespace, and as a child of the runtime, which waits for it.",
  });
  signal(draft, starter, TOKENS.cloned, 'Tell the runtime that it exists.');
  wait(draft, { ...starter, actor: 'runtime' }, TOKENS.cloned, "The runtime needs its number to put it into the container's cgroup.");
  compileCgroupJoin(draft, cgroupPaths(draft.config, host, options.id));
  compileOomScore(draft);
  compileRelease(draft);
  for (const type of ORDER) {
    if (has(type))
      joinNamespace(
        draft,
        init,
        type,
        type === 'mount'
          ? "Join the container's mounts, last: from here on / is its root, and the host's files are gone from view."
          : `Join the container's ${type} namespace.`,
      );
  }
  compileTerminal(draft, false);
  signal(draft, { ...init, chapter: 'the command' }, TOKENS.ready, 'Everything is joined.');
  wait(draft, { actor: 'runtime', chapter: 'the command', from: 'minirun' }, TOKENS.ready, 'Wait until it has joined everything.');
  compileRlimits(draft);
  signal(draft, { actor: 'runtime', chapter: 'the command', from: 'minirun' }, TOKENS.start, 'Let the command start.');
  wait(draft, { ...init, chapter: 'the command' }, TOKENS.start, 'Wait for the word to start.');
  compileCommand(draft, options);
  return { version: 1, arch: host.arch, steps: draft.steps, warnings: draft.warnings };
}

function joinNamespace(draft: Draft, setting: Setting, type: NamespaceType, why: string): void {
  const file = ref(NAMESPACE_FILE[type]);
  add(draft, { ...setting, call: setns(file, NAMESPACE_FLAG[type]), why });
  closeResult(draft, setting, file);
}
