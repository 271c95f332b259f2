/**
 * compile(config, host): the whole container start as a value. Pure: it reads and changes
 * nothing, so it runs without root and on any operating system.
 */
import { isAbsolute, posix } from 'node:path';
import type { Host } from '../host/facts.ts';
import { umask } from '../program/calls.ts';
import type { Program } from '../program/step.ts';
import { TOKENS } from '../program/tokens.ts';
import type { Config } from '../spec/config.ts';
import { compileCgroup, compileCgroupJoin, compileCgroupOwner } from './cgroup.ts';
import { birthplaceOf } from './cgroup-join.ts';
import { type CgroupPaths, cgroupPaths } from './cgroup-paths.ts';
import { compileScope } from './cgroup-scope.ts';
import { type CommandOptions, compileCommand } from './command.ts';
import { compileFinalAffinity } from './cpu-affinity.ts';
import { compileDevices } from './devices.ts';
import { add, type Draft, hasNamespace, newDraft, signal, wait } from './draft.ts';
import { compileCreateHooks, compileHookCalls } from './hooks.ts';
import { compileIdentity } from './identity.ts';
import { compileIdMaps, compileRelease } from './idmap.ts';
import { components, folderInside } from './inside.ts';
import { compileIntelRdt } from './intel-rdt.ts';
import { compileOomScore, compileRlimits } from './limits.ts';
import { compileMadeDevices } from './made-devices.ts';
import { compileMountSources } from './mount-sources.ts';
import { compileMounts, compileReadonlyMounts } from './mounts.ts';
import { compileMoveRoot } from './move-root.ts';
import { compileInitNamespaces, compileStarter } from './namespaces.ts';
import { compileMaskedPaths, compileReadonlyPaths } from './protected-paths.ts';
import { compileChroot, compilePivot, compileReadonlyRoot, compileRootBind } from './root.ts';
import { agentOf, compileOwnNumber } from './seccomp-agent.ts';
import { compileSysctls } from './sysctl.ts';
import { compileTerminal } from './terminal.ts';

export interface CompileOptions extends CommandOptions {
  /** The container's id: the last part of its default cgroup path. */
  id: string;
  /** Absolute folder against which a relative root.path is resolved. */
  bundle: string;
  /** Move the rootfs over / instead of pivoting: for a root that lies in the initramfs (`--no-pivot`). */
  noPivot?: boolean;
  /** Init may be born in its cgroup of version 2 (clone3); without, it joins it, for which the kernel waits up to 10 ms. */
  cloneInto?: boolean;
}

/** The absolute path of the rootfs. */
export const rootfsPath = (config: Config, bundle: string): string => {
  const path = config.root?.path ?? 'rootfs';
  return isAbsolute(path) ? posix.normalize(path) : posix.join(bundle, path);
};

/**
 * The program that starts a container.
 * @throws Error when the config asks for something that cannot be done on this host at all
 */
export function compile(config: Config, host: Host, options: CompileOptions): Program {
  const draft = newDraft(withId(config, options.id), host, options.bundle);
  const rootfs = rootfsPath(config, options.bundle);
  const cgroups = cgroupPaths(draft.config, host, options.id);

  compileCgroup(draft, cgroups);
  const beforeJoining = () => {
    compileMountSources(draft);
    compileMadeDevices(draft);
  };
  const born = compileStarter(draft, beforeJoining, birthplaceOf(draft, cgroups, options.cloneInto));
  compileIdMaps(draft);
  compileScope(draft, cgroups);
  compileCgroupJoin(draft, cgroups, born);
  compileIntelRdt(draft, options.id);
  compileFinalAffinity(draft, undefined);
  compileOomScore(draft);
  compileRelease(draft);
  compileOwnNumber(draft);

  compileInitNamespaces(draft);
  add(draft, {
    actor: 'init',
    chapter: 'root file system',
    from: 'minirun',
    call: umask(0),
    minor: true,
    why: 'Folders and devices made from here on get exactly the permissions that are asked for.',
  });
  compileIdentity(draft);
  compileRootBind(draft, rootfs);
  compileMounts(draft);
  compileDevices(draft);
  compileCreateHooks(draft, options.id, rootfs);
  compileTerminal(draft, true, options.preserveFds);
  compileSysctls(draft);
  compileCwdFolder(draft);
  compileReadonlyMounts(draft);
  compileReadonlyPaths(draft);
  compileMaskedPaths(draft);
  compileReadonlyRoot(draft);
  if (!hasNamespace(config, 'mount')) compileChroot(draft);
  else if (options.noPivot) compileMoveRoot(draft);
  else compilePivot(draft);

  compileReady(draft, options, cgroups);
  compileCommand(draft, options);
  return {
    version: 1,
    arch: host.arch,
    steps: draft.steps,
    warnings: draft.warnings,
    ...(options.preserveFds ? { preserveFds: options.preserveFds } : {}),
    ...(options.gated ? { gated: true } : {}),
    ...agentOf(draft.config),
  };
}

/** The container is made; the runtime writes that down and sets the last limits before the command starts. */
function compileReady(draft: Draft, options: CompileOptions, cgroups: CgroupPaths): void {
  signal(
    draft,
    { actor: 'init', chapter: 'the command', from: 'minirun' },
    TOKENS.ready,
    'The container is made. Tell the runtime, which writes its state down.',
  );
  wait(draft, { actor: 'runtime', chapter: 'the command', from: 'minirun' }, TOKENS.ready, 'Wait until the container is made.');
  // Not before: an init in a user namespace joins as root of the host without root's power, to whom the files must still belong.
  compileCgroupOwner(draft, cgroups);
  compileRlimits(draft);
  if (!options.gated) compileHookCalls(draft, 'startContainer', options.id, '/');
  signal(draft, { actor: 'runtime', chapter: 'the command', from: 'minirun' }, TOKENS.start, 'Let the command start.');
  wait(
    draft,
    { actor: 'init', chapter: 'the command', from: 'minirun' },
    TOKENS.start,
    'Wait for the word to start. Were the runtime killed now, this process would notice and end: nothing is left behind.',
  );
}

/** As runc and Docker do, a working directory that the image lacks is made. */
function compileCwdFolder(draft: Draft): void {
  const cwd = draft.config.process?.cwd ?? '/';
  const first = components(cwd)[0];
  if (first === undefined || ['proc', 'sys', 'dev'].includes(first)) return;
  folderInside(draft, { actor: 'init', chapter: 'root file system', from: '#/process/cwd' }, cwd);
}

const withId = (config: Config, id: string): Config => ({
  ...config,
  annotations: { ...config.annotations, 'minirun.id': config.annotations?.['minirun.id'] ?? id },
});
