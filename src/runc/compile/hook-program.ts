/** The program of a hook that runs in the container's namespaces (createContainer, startContainer). */
import { CLOSE_RANGE } from '../../libc/flags.ts';
import type { Host } from '../host/facts.ts';
import { chdir, closeRange, execve, seccompFilter } from '../program/calls.ts';
import { descriptors } from '../program/descriptors.ts';
import type { Program } from '../program/step.ts';
import type { Config } from '../spec/config.ts';
import { add, newDraft } from './draft.ts';
import { compileJoiningStarter, type Joined } from './joining.ts';

export interface HookProgram {
  from: string;
  path: string;
  args: string[];
  env: string[];
  cwd?: string | undefined;
  /** The container's own filter: it holds for what runs inside before the command does, as it does in runc. */
  filter?: { instructions: Uint8Array; flags: number } | undefined;
}

/** It keeps the runtime's privileges: a hook belongs to the host, not to the container. */
export function compileHookProgram(hook: HookProgram, joined: Joined, host: Pick<Host, 'arch'>): Program {
  const draft = newDraft({ ociVersion: '1.0.0' } as Config, host as Host);
  compileJoiningStarter(draft, joined);
  if (hook.cwd !== undefined)
    add(draft, { actor: 'init', chapter: 'hooks', from: hook.from, call: chdir(hook.cwd), minor: true, why: 'Where the hook starts.' });
  add(draft, {
    actor: 'init',
    chapter: 'hooks',
    from: hook.from,
    call: closeRange(descriptors().control, CLOSE_RANGE.CLOSE_RANGE_CLOEXEC),
    minor: true,
    why: 'Nothing of the runtime stays open in the hook.',
  });
  if (hook.filter)
    add(draft, {
      actor: 'init',
      chapter: 'hooks',
      from: '#/linux/seccomp',
      call: seccompFilter(hook.filter.instructions, hook.filter.flags),
      mutes: true,
      why: "The container's system call filter holds for its hooks inside as well.",
    });
  add(draft, {
    actor: 'init',
    chapter: 'hooks',
    from: hook.from,
    call: execve(hook.path, hook.args, hook.env),
    why: 'Become the hook.',
  });
  return { version: 1, arch: host.arch, steps: draft.steps, warnings: [] };
}
