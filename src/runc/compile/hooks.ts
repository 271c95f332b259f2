/** Hooks: programs that the config names, run while the container is made (config.md, "POSIX-platform Hooks"). */
import { runHook } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import { TOKENS } from '../program/tokens.ts';
import type { Config, Hook } from '../spec/config.ts';
import { add, type Draft, type Setting, signal, wait } from './draft.ts';

export type HookKind = 'prestart' | 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop';

/**
 * The container's status at the time of each hook (runtime.md, "Lifecycle"). Prestart hooks are older than
 * the others: where they were defined, the container was created by then.
 */
export const HOOK_STATUS: Record<HookKind, string> = {
  prestart: 'created',
  createRuntime: 'creating',
  createContainer: 'creating',
  startContainer: 'created',
  poststart: 'running',
  poststop: 'stopped',
};

const WHY: Partial<Record<HookKind, string>> = {
  prestart:
    "The namespaces are there and the root file system is not yet its root: the moment at which an engine connects the container's network. The hook finds the container by the pid in the state that it reads from standard input.",
  createRuntime:
    "Runs in the runtime's namespaces once the container's exist. The hook finds the container by the pid in the state that it reads from standard input.",
  createContainer:
    "Runs in the container's namespaces before its root is changed: its working directory is the root file system, it sees the host's files, and what it mounts is mounted for the container alone.",
  startContainer: 'Runs inside the container, among its files, just before its command: the place for ldconfig and the like.',
};

export const hooksOf = (config: Config, kind: HookKind): Hook[] => config.hooks?.[kind] ?? [];

/** The state that a hook reads (runtime.md, "State"), in two parts: the pid belongs between them. */
export function hookState(config: Config, kind: HookKind, id: string, bundle: string): [string, string] {
  const { 'minirun.id': _own, ...annotations } = config.annotations ?? {};
  const state = { ociVersion: config.ociVersion, id, status: HOOK_STATUS[kind], pid: 0, bundle, annotations };
  const text = JSON.stringify(Object.keys(annotations).length ? state : { ...state, annotations: undefined });
  const at = text.indexOf(',"pid":0') + ',"pid":'.length;
  return [text.slice(0, at), text.slice(at + 1)];
}

/** The runtime's steps that run the hooks of one kind, one after the other. The first that fails ends the start. */
export function compileHookCalls(draft: Draft, kind: HookKind, id: string, rootfs: string): void {
  hooksOf(draft.config, kind).forEach((hook, index) => {
    const [before, after] = hookState(draft.config, kind, id, draft.bundle);
    const inside = kind === 'createContainer' || kind === 'startContainer';
    add(draft, {
      actor: 'runtime',
      chapter: 'hooks',
      from: `#/hooks/${kind}/${index}`,
      man: 'execve(2)',
      call: runHook(
        hook.path,
        hook.args?.length ? hook.args : [hook.path],
        hook.env ?? null,
        hook.timeout ?? 0,
        [before, ref('init'), after],
        inside ? ref('init') : null,
        kind === 'createContainer' ? rootfs : null,
      ),
      why: WHY[kind] ?? `A ${kind} hook of the configuration.`,
    });
  });
}

const BEFORE_PIVOT: readonly HookKind[] = ['prestart', 'createRuntime', 'createContainer'];

/** Init stops, its mounts made and its root not yet changed, while the runtime runs the hooks of that moment. */
export function compileCreateHooks(draft: Draft, id: string, rootfs: string): void {
  if (!BEFORE_PIVOT.some((kind) => hooksOf(draft.config, kind).length)) return;
  const init: Setting = { actor: 'init', chapter: 'hooks', from: '#/hooks' };
  const runtime: Setting = { ...init, actor: 'runtime' };
  signal(draft, init, TOKENS.mounted, 'The namespaces and mounts are made: tell the runtime, which runs the hooks.');
  wait(draft, runtime, TOKENS.mounted, 'Hooks come when the namespaces exist and the root is not yet changed.');
  for (const kind of BEFORE_PIVOT) compileHookCalls(draft, kind, id, rootfs);
  signal(draft, runtime, TOKENS.hooked, 'All hooks have ended well.');
  wait(draft, init, TOKENS.hooked, 'Wait for the hooks: what they mount must be there before the root is changed.');
}
