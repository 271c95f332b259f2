/** The program of `exec`: one more process in a container that runs. */
import type { Host } from '../host/facts.ts';
import type { Program } from '../program/step.ts';
import { TOKENS } from '../program/tokens.ts';
import type { Config, NamespaceType, Process } from '../spec/config.ts';
import { compileCgroupOpen, execBirthplaceOf, openBirthplace } from './cgroup-join.ts';
import { type CgroupPaths, cgroupPaths } from './cgroup-paths.ts';
import { type CommandOptions, compileCommand } from './command.ts';
import { compileFinalAffinity, compileInitialAffinity } from './cpu-affinity.ts';
import { newDraft, type Setting, signal, wait } from './draft.ts';
import { compileRelease } from './idmap.ts';
import { compileIntelRdt } from './intel-rdt.ts';
import { compileJoiningStarter } from './joining.ts';
import { compileOomScore, compileRlimits } from './limits.ts';
import { NAMESPACE_FILE } from './namespaces.ts';
import { compileEnterRoot } from './root.ts';
import { agentOf, compileNumberFromStarter } from './seccomp-agent.ts';
import { compileTerminal } from './terminal.ts';

export interface ExecOptions extends CommandOptions {
  /** The cgroups to run in; by default those that the config names. */
  cgroups?: CgroupPaths;
  id: string;
  /** The container's bundle: what a seccomp agent is told. */
  bundle?: string;
  /** The container's init, in the runtime's pid namespace. */
  pid: number;
  /** Namespaces in which init differs from the runtime: only those are joined. */
  namespaces: readonly NamespaceType[];
  /** Init has the runtime's mounts and another root in them (see Joined). */
  chrooted?: boolean;
  /** As in CompileOptions. */
  cloneInto?: boolean;
}

/** What the container's own process has and a further one gets too, unless it says otherwise; so in runc. */
function inherited({ process }: Config): Partial<Process> {
  const { capabilities, selinuxLabel, scheduler, ioPriority, execCPUAffinity } = process ?? ({} as Process);
  return {
    ...(capabilities ? { capabilities } : {}),
    ...(selinuxLabel ? { selinuxLabel } : {}),
    ...(scheduler ? { scheduler } : {}),
    ...(ioPriority ? { ioPriority } : {}),
    ...(execCPUAffinity ? { execCPUAffinity } : {}),
  };
}

/** @param config the container's config; its process is replaced by the one to execute */
export function compileExec(config: Config, asked: Process, host: Host, options: ExecOptions): Program {
  const process: Process = { ...inherited(config), ...asked };
  const namespaces = options.namespaces.map((type) => ({ type, path: `/proc/${options.pid}/ns/${NAMESPACE_FILE[type]}` }));
  const draft = newDraft(
    { ...config, process, linux: { ...config.linux, namespaces }, annotations: { ...config.annotations, 'minirun.id': options.id } },
    host,
    options.bundle,
  );
  const starter: Setting = { actor: 'starter', chapter: 'namespaces', from: 'minirun' };
  const init: Setting = { actor: 'init', chapter: 'namespaces', from: 'minirun' };
  const joined = { pid: options.pid, namespaces: options.namespaces };

  compileInitialAffinity(draft, process.execCPUAffinity);
  const cgroups = options.cgroups ?? cgroupPaths(draft.config, host, options.id);
  const birthplace = execBirthplaceOf(draft, cgroups, options.cloneInto);
  const born = birthplace === undefined ? undefined : openBirthplace(draft, birthplace);
  const joinCgroups = compileCgroupOpen(draft, cgroups, born);
  compileIntelRdt(draft, options.id, true);
  const number = compileNumberFromStarter(draft);
  compileJoiningStarter(draft, joined, number.before, born);
  number.after();
  signal(draft, starter, TOKENS.cloned, 'Tell the runtime that it exists.');
  wait(draft, { ...starter, actor: 'runtime' }, TOKENS.cloned, 'The runtime needs its number, for what is set from outside.');
  joinCgroups();
  compileFinalAffinity(draft, process.execCPUAffinity);
  compileOomScore(draft);
  compileRelease(draft);
  if (options.chrooted) compileEnterRoot(draft, options.pid);
  number.read();
  compileTerminal(draft, false, options.preserveFds);
  signal(draft, { ...init, chapter: 'the command' }, TOKENS.ready, 'Everything is joined.');
  wait(draft, { actor: 'runtime', chapter: 'the command', from: 'minirun' }, TOKENS.ready, 'Wait until it has joined everything.');
  compileRlimits(draft);
  signal(draft, { actor: 'runtime', chapter: 'the command', from: 'minirun' }, TOKENS.start, 'Let the command start.');
  wait(draft, { ...init, chapter: 'the command' }, TOKENS.start, 'Wait for the word to start.');
  compileCommand(draft, options);
  return {
    version: 1,
    arch: host.arch,
    steps: draft.steps,
    warnings: draft.warnings,
    ...(options.preserveFds ? { preserveFds: options.preserveFds } : {}),
    ...agentOf(draft.config),
  };
}
