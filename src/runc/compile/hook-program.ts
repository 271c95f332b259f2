/** The program of a createContainer hook: it runs in the container's namespaces, where the host's files are still to be seen. */
import { CLOSE_RANGE } from '../../libc/flags.ts';
import type { Host } from '../host/facts.ts';
import { chdir, closeRange, execve } from '../program/calls.ts';
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
}

/** It keeps the runtime's privileges: the program is the host's, and what is in the image has not run yet. */
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
  add(draft, {
    actor: 'init',
    chapter: 'hooks',
    from: hook.from,
    call: execve(hook.path, hook.args, hook.env),
    why: 'Become the hook.',
  });
  return { version: 1, arch: host.arch, steps: draft.steps, warnings: [] };
}
