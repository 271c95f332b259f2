/** A program being written: every compiler file appends its steps to a draft. */

import { O } from '../../libc/flags.ts';
import type { Host } from '../host/facts.ts';
import type { Fd, Text } from '../program/args.ts';
import { AT_FDCWD } from '../program/args.ts';
import { close, openat, write } from '../program/calls.ts';
import { type Actor, type Chapter, type Ref, ref, type Step } from '../program/step.ts';
import type { Config, Mount, NamespaceType } from '../spec/config.ts';

export interface Draft {
  config: Config;
  host: Host;
  steps: Step[];
  warnings: string[];
  /** Makes names of results that are used once. */
  serial: number;
  /** Absolute folder against which relative paths of the config are resolved. */
  bundle: string;
  /** Folders inside the rootfs that are open: path → result name. Emptied by every mount. */
  folders: Map<string, string>;
  /** Mounts that become read-only when everything has its place in them. */
  readonlyLater: { setting: Setting; mount: Mount; mounted: string; flags: number }[];
}

export const newDraft = (config: Config, host: Host, bundle = '/'): Draft => ({
  config,
  host,
  bundle,
  steps: [],
  warnings: [],
  serial: 0,
  folders: new Map(),
  readonlyLater: [],
});

/** Manual pages whose name or section differs from the call's. */
const MAN: Record<string, string> = {
  openat: 'open(2)',
  mkdirat: 'mkdir(2)',
  mknodat: 'mknod(2)',
  symlinkat: 'symlink(2)',
  unlinkat: 'unlink(2)',
  fchownat: 'chown(2)',
  fchown: 'chown(2)',
  fchmodat: 'chmod(2)',
  umount2: 'umount(2)',
  prlimit: 'getrlimit(2)',
  setresgid: 'setresuid(2)',
  dup3: 'dup(2)',
  execve: 'execve(2)',
  getcwd: 'getcwd(3)',
  fstatfs: 'statfs(2)',
  sendto: 'send(2)',
  recvfrom: 'recv(2)',
  fchdir: 'chdir(2)',
  posix_spawn: 'posix_spawn(3)',
  sync_wait: 'read(2)',
  sync_signal: 'write(2)',
  setdomainname: 'getdomainname(2)',
  sethostname: 'gethostname(2)',
};

type NewStep = Omit<Step, 'man'> & { man?: string };

/** Appends a step; its manual page is that of the call unless another one is named. */
export function add(draft: Draft, step: NewStep): void {
  // The literal becomes the step: copying it once more would double the time of compiling.
  step.man ??= MAN[step.call.name] ?? `${step.call.name}(2)`;
  draft.steps.push(step as Step);
}

/** What the steps of one compiler function have in common. */
export interface Setting {
  actor: Actor;
  chapter: Chapter;
  from: string;
}

/** A fresh name for a result. */
export const fresh = (draft: Draft, base: string): string => `${base}.${++draft.serial}`;

/** `actor` says it has reached a point. */
export const signal = (draft: Draft, setting: Setting, token: string, why: string): void =>
  add(draft, { ...setting, call: { name: 'sync_signal', args: [{ kind: 'text', parts: [token] }] }, sync: { kind: 'signal', token }, why });

/** `actor` waits until the other one has reached a point. */
export const wait = (draft: Draft, setting: Setting, token: string, why: string): void =>
  add(draft, { ...setting, call: { name: 'sync_wait', args: [{ kind: 'text', parts: [token] }] }, sync: { kind: 'wait', token }, why });

/**
 * Writes a text into a file that exists (a cgroup or /proc file): open, write, close.
 * @param ignore errno names of the open and the write that mean "not here: go on"
 */
export function writeFile(
  draft: Draft,
  setting: Setting,
  path: Text,
  value: string,
  why: string,
  options: { ignore?: string[]; dir?: Fd } = {},
): void {
  writeValues(draft, setting, path, [{ value, why: 'The kernel takes the value as text, in one write.' }], why, options);
}

/** Several values into one file, a write each: what the kernel reads as one order must come in one write. */
export function writeValues(
  draft: Draft,
  setting: Setting,
  path: Text,
  values: { value: string; why: string }[],
  why: string,
  options: { ignore?: string[]; dir?: Fd } = {},
): void {
  const name = fresh(draft, 'file');
  const ignore = options.ignore ?? [];
  add(draft, {
    ...setting,
    call: openat(options.dir ?? AT_FDCWD, path, O.O_WRONLY | O.O_CLOEXEC),
    saves: name,
    ...(ignore.length ? { ignore } : {}),
    why,
  });
  for (const each of values) {
    add(draft, {
      ...setting,
      call: write(ref(name), each.value),
      ...(ignore.length ? { ignore: [...new Set([...ignore, 'EBADF'])].slice(0, 4) } : {}),
      minor: true,
      why: each.why,
    });
  }
  closeResult(draft, setting, ref(name), ignore.length > 0);
}

/** Closes a descriptor that is not needed any more. */
export function closeResult(draft: Draft, setting: Setting, descriptor: Ref, mayBeMissing = false): void {
  add(draft, {
    ...setting,
    call: close(descriptor),
    ...(mayBeMissing ? { ignore: ['EBADF'] } : {}),
    minor: true,
    why: 'The descriptor has done its work; what stays open could leak into the container.',
  });
}

/** The entry of config.linux.namespaces for a type: its index, whether it is new, or the path that it joins. */
export function namespaceOf(config: Config, type: NamespaceType): { index: number; path: string | undefined } | undefined {
  const index = config.linux?.namespaces?.findIndex((n) => n.type === type) ?? -1;
  if (index < 0) return undefined;
  return { index, path: config.linux?.namespaces?.[index]?.path || undefined };
}

/** True when the container gets a new namespace of this type (not the host's, not another's). */
export const isNew = (config: Config, type: NamespaceType): boolean => {
  const entry = namespaceOf(config, type);
  return entry !== undefined && entry.path === undefined;
};

export const hasNamespace = (config: Config, type: NamespaceType): boolean => namespaceOf(config, type) !== undefined;
