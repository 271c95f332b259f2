/** What a call changed: compares two snapshots of a process, in words. */
import { capabilityNames } from '../libc/capabilities.ts';
import { compareMounts, type MountEntry, propagationName, rootMount, showMount, showSource } from './mount-table.ts';
import type { Aspect, Snapshot } from './snapshot.ts';

/** One thing that is different now. Without `before` it is new, without `after` it is gone. */
export interface Change {
  /** `namespace`, `host name`, `mounted`, `user id`, `memory.max`. */
  subject: string;
  before?: string;
  after?: string;
}

/** `mnt:[4026531841] → mnt:[4026532357]`, `user id: 1000 → 0`, `mounted: proc on /proc`. */
export function showChange(change: Change): string {
  const { subject, before, after } = change;
  // The kernel's own notation names the kind of namespace.
  const label = subject === 'namespace' ? '' : `${subject}: `;
  if (before === undefined) return `${label}${after}`;
  if (after === undefined) return `${label}${before}`;
  return `${label}${before} → ${after}`;
}

/** What each call can change of the process that makes it; others change nothing that /proc shows. */
const ASPECTS: Record<string, readonly Aspect[]> = {
  clone: ['namespaces'],
  clone3: ['namespaces'],
  unshare: ['namespaces'],
  setns: ['namespaces'],
  mount: ['mounts'],
  umount2: ['mounts'],
  move_mount: ['mounts'],
  mount_setattr: ['mounts'],
  pivot_root: ['mounts', 'cwd'],
  chroot: ['mounts', 'cwd'],
  chdir: ['cwd'],
  fchdir: ['cwd'],
  setresuid: ['status'],
  setresgid: ['status'],
  setgroups: ['status'],
  capset: ['status'],
  prctl: ['status'],
  seccomp: ['status'],
  umask: ['status'],
  prlimit: ['limits'],
  personality: ['personality'],
  setsid: ['session'],
  execve: ['exe', 'status', 'descriptors'],
};
export const aspectsOf = (callName: string): readonly Aspect[] => ASPECTS[callName] ?? [];

/** Everything that differs between two snapshots; what one of them lacks is not compared. */
export function compare(callName: string, before: Snapshot, after: Snapshot): Change[] {
  const out: Change[] = [];
  const simple = (subject: string, was: string | undefined, is: string | undefined) => {
    if (was !== undefined && is !== undefined && was !== is) out.push({ subject, before: was, after: is });
  };
  if (before.namespaces && after.namespaces) out.push(...namespaceChanges(before.namespaces, after.namespaces));
  if (before.mounts && after.mounts) {
    if (callName === 'pivot_root' || callName === 'chroot') out.push(...rootChange(before.mounts, after.mounts));
    else out.push(...mountChanges(before.mounts, after.mounts));
  }
  simple('working directory', before.cwd, after.cwd);
  simple('program', before.exe, after.exe);
  simple('open descriptors', before.descriptors?.toString(), after.descriptors?.toString());
  if (before.status && after.status) out.push(...statusChanges(before.status, after.status));
  if (before.cgroup && after.cgroup) {
    for (const [controllers, path] of after.cgroup)
      simple(controllers ? `cgroup (${controllers})` : 'cgroup', before.cgroup.get(controllers), path);
  }
  for (const [name, value] of after.limits ?? []) simple(name.toLowerCase(), before.limits?.get(name), value);
  simple('session', before.session, after.session);
  simple('personality', before.personality, after.personality);
  return out;
}

function namespaceChanges(before: Map<string, string>, after: Map<string, string>): Change[] {
  const out: Change[] = [];
  for (const [name, is] of after) {
    const was = before.get(name);
    if (was === undefined || was === is) continue;
    if (!name.endsWith('_for_children')) out.push({ subject: 'namespace', before: was, after: is });
    // The children's namespace is worth a line only while it is another than the process's own.
    else if (is !== after.get(name.slice(0, -'_for_children'.length)))
      out.push({
        subject: 'namespace of children',
        before: was,
        after: is || `a new ${name.slice(0, -'_for_children'.length)} namespace, made with the first child`,
      });
  }
  return out;
}

function rootChange(before: Map<number, MountEntry>, after: Map<number, MountEntry>): Change[] {
  const was = rootMount(before);
  const is = rootMount(after);
  return was && is && was.id !== is.id ? [{ subject: 'root directory', before: showSource(was), after: showSource(is) }] : [];
}

/** More of a kind than this are counted, not listed. */
const LISTED = 3;

function mountChanges(before: Map<number, MountEntry>, after: Map<number, MountEntry>): Change[] {
  const { added, removed, changed } = compareMounts(before, after);
  const out: Change[] = [];
  for (const m of added.slice(0, LISTED)) out.push({ subject: 'mounted', after: showMount(m) });
  if (added.length > LISTED) out.push({ subject: 'mounted', after: `and ${added.length - LISTED} more` });
  if (removed.length > LISTED) out.push({ subject: 'unmounted', before: `${removed.length} mounts` });
  else for (const m of removed) out.push({ subject: 'unmounted', before: showMount(m) });

  const propagation = new Map<string, { before: string; after: string; of: MountEntry[] }>();
  for (const [was, is] of changed) {
    const pair = { before: propagationName(was), after: propagationName(is) };
    if (pair.before !== pair.after) {
      const key = `${pair.before} ${pair.after}`;
      const group = propagation.get(key) ?? { ...pair, of: [] };
      group.of.push(is);
      propagation.set(key, group);
    }
    if (was.options !== is.options) out.push({ subject: `options of ${is.mountPoint}`, before: was.options, after: is.options });
  }
  for (const { before: from, after: to, of } of propagation.values())
    out.push({
      subject: of.length === 1 ? `propagation of ${of[0]?.mountPoint}` : `propagation of ${of.length} mounts`,
      before: from,
      after: to,
    });
  return out;
}

/** Uid and Gid hold four numbers (real, effective, saved, file system), mostly the same one. */
const ids = (value: string): string => {
  const numbers = value.split(/\s+/);
  return new Set(numbers).size === 1 ? (numbers[0] ?? '') : numbers.join(' ');
};
const SECCOMP_MODES: Record<string, string> = { '0': 'off', '1': 'strict', '2': 'filter' };

const STATUS: [name: string, subject: string, show: (value: string) => string][] = [
  ['Uid', 'user id', ids],
  ['Gid', 'group id', ids],
  ['Groups', 'further groups', (value) => value || 'none'],
  ['NoNewPrivs', 'no_new_privs', (value) => value],
  ['Seccomp', 'seccomp', (value) => SECCOMP_MODES[value] ?? value],
  ['Umask', 'umask', (value) => value],
];
const SETS: [name: string, subject: string][] = [
  ['CapEff', 'effective'],
  ['CapPrm', 'permitted'],
  ['CapInh', 'inheritable'],
  ['CapBnd', 'bounding'],
  ['CapAmb', 'ambient'],
];

function statusChanges(before: Map<string, string>, after: Map<string, string>): Change[] {
  const out: Change[] = [];
  for (const [name, subject, show] of STATUS) {
    const was = before.get(name);
    const is = after.get(name);
    if (was !== undefined && is !== undefined && was !== is) out.push({ subject, before: show(was), after: show(is) });
  }
  // Sets that change in the same way share a line.
  const sets = new Map<string, { names: string[]; change: Omit<Change, 'subject'> }>();
  for (const [name, subject] of SETS) {
    const change = capabilityChange(before.get(name), after.get(name));
    if (!change) continue;
    const key = `${change.before} ${change.after}`;
    const entry = sets.get(key) ?? { names: [], change };
    entry.names.push(subject);
    sets.set(key, entry);
  }
  for (const { names, change } of sets.values()) out.push({ subject: `${names.join(' and ')} capabilities`, ...change });
  return out;
}

/** A few lost or won are named, more are counted. */
function capabilityChange(before: string | undefined, after: string | undefined): Omit<Change, 'subject'> | undefined {
  if (before === undefined || after === undefined || before === after) return undefined;
  const was = BigInt(`0x${before}`);
  const is = BigInt(`0x${after}`);
  const lost = capabilityNames(was & ~is).map((name) => `−${name}`);
  const won = capabilityNames(is & ~was).map((name) => `+${name}`);
  if (lost.length + won.length <= LISTED) return { after: [...lost, ...won].join(' ') };
  const count = (set: bigint) => `${capabilityNames(set).length || 'none'}`;
  return { before: count(was), after: count(is) };
}
