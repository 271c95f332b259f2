/**
 * Follows a running program: remembers results by name, looks at the acting process before and
 * after each call, and says what the call changed. Shared by the narrators.
 */
import { readFileSync, readlinkSync, statfsSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename } from 'node:path';
import type { Outcome, Where } from '../runc/engine/observer.ts';
import { type Arg, isClone, type Ref } from '../runc/program/step.ts';
import { aspectsOf, type Change, compare } from './changes.ts';
import { type Aspect, attempt, type Snapshot, snapshot } from './snapshot.ts';

export interface Watch {
  /** The result that was saved under a name, once it is known. */
  value(ref: Ref): number | undefined;
  begin(where: Where): void;
  /** What the call changed; empty when it failed or nothing can be seen. Never throws. */
  end(where: Where, outcome: Outcome): Change[];
}

/** What was seen before a call. */
interface Before {
  pid: number;
  snapshot: Snapshot;
  aspects: readonly Aspect[];
  /** For a write: the file behind the descriptor and its content. */
  file?: OpenFile;
  content?: string | undefined;
}

export function watchChanges(): Watch {
  const results = new Map<string, number>();
  const looked = new Map<number, Before>();
  /** Host and domain name; undefined once the process may have joined another's UTS namespace. */
  const names = new Map<string, string | undefined>([['sethostname', hostname()]]);
  const value = (ref: Ref): number | undefined => results.get(ref.of);

  return {
    value,
    begin(where) {
      const { call } = where.step;
      const pid = subjectOf(where, value);
      if (pid === undefined) return;
      const file = call.name === 'write' ? openFile(where, value) : undefined;
      const joins = file !== undefined && isMembership(file.path);
      const aspects: readonly Aspect[] = joins ? ['cgroup'] : aspectsOf(call.name);
      if (!file && !aspects.length) return;
      looked.set(where.index, {
        pid,
        aspects,
        snapshot: snapshot(pid, aspects),
        ...(file && !joins ? { file, content: content(file) } : {}),
      });
    },
    end(where, outcome) {
      const { step } = where;
      const before = looked.get(where.index);
      looked.delete(where.index);
      if (step.saves) results.set(step.saves, outcome.result);
      if (outcome.result < 0) return [];
      if (step.call.name === 'setns') names.clear();
      if (step.call.name === 'sethostname' || step.call.name === 'setdomainname')
        return [nameChange(step.call.name, step.call.args[0], names)];
      if (step.call.name === 'openat2') return descriptorTarget(where, outcome.result);
      if (!before) return [];
      const born = isClone(step.call);
      const changes = compare(step.call.name, before.snapshot, snapshot(born ? outcome.result : before.pid, before.aspects));
      if (born) changes.unshift(...numbersOf(outcome.result));
      if (before.file) changes.push(...contentChange(before.file, before.content));
      return changes;
    },
  };
}

/** The process that the call changes: mostly the one that makes it. */
function subjectOf(where: Where, value: Watch['value']): number | undefined {
  const { call } = where.step;
  const target = call.name === 'prlimit' ? number(call.args[0], value) : call.name === 'write' ? writtenPid(where, value) : 0;
  return target || where.pid;
}

function number(arg: Arg | undefined, value: Watch['value']): number | undefined {
  if (arg?.kind === 'int') return Number(arg.value);
  return arg?.kind === 'result' ? value(arg) : undefined;
}

/** A process number that is written as text, into cgroup.procs. */
function writtenPid({ step }: Where, value: Watch['value']): number | undefined {
  const arg = step.call.args[1];
  if (arg?.kind === 'text') return Number(arg.parts.map((part) => (typeof part === 'string' ? part : value(part))).join('')) || undefined;
  if (arg?.kind !== 'data') return undefined;
  return Number(Buffer.from(arg.hex, 'hex').toString('latin1')) || undefined;
}

const isMembership = (path: string): boolean => ['cgroup.procs', 'cgroup.threads', 'tasks'].includes(basename(path));

/** f_type of procfs, sysfs, cgroup v1 and v2: include/uapi/linux/magic.h. */
const PROCFS = 0x9fa0;
const KERNEL_FILES = new Set([PROCFS, 0x62656572, 0x27e0eb, 0x63677270]);

interface OpenFile {
  /** As the kernel names it. */
  path: string;
  /** The way to the same file from here, whatever namespaces the writer is in. */
  link: string;
}

/**
 * The kernel file that is written to. Only files of procfs, sysfs and cgroups: to read anything
 * else could block or take bytes away. Sysctls that the kernel answers for the reader's
 * namespaces instead of the container's are left out.
 */
function openFile(where: Where, value: Watch['value']): OpenFile | undefined {
  const descriptor = number(where.step.call.args[0], value);
  if (descriptor === undefined || where.pid === undefined) return undefined;
  const link = `/proc/${where.pid}/fd/${descriptor}`;
  const path = attempt(() => readlinkSync(link));
  const type = attempt(() => statfsSync(link).type);
  if (path === undefined || type === undefined || !KERNEL_FILES.has(type)) return undefined;
  if (type === PROCFS && /\/sys\/(kernel|fs\/mqueue|user)\//.test(path)) return undefined;
  return { path, link };
}

const DEVICE_RULE = /\/devices\.(allow|deny)$/;

/** v1's device lists are written to two files and read from a third beside them. */
const readable = (file: OpenFile): string => (DEVICE_RULE.test(file.path) ? file.path.replace(DEVICE_RULE, '/devices.list') : file.link);

const content = (file: OpenFile): string | undefined =>
  attempt(() =>
    readFileSync(readable(file), 'utf8')
      .trim()
      .replace(/[ \t]+/g, ' ')
      .replaceAll('\n', '; '),
  );

const LONGEST = 60;
const short = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text || 'empty');

function contentChange(file: OpenFile, before: string | undefined): Change[] {
  const after = before === undefined ? undefined : content(file);
  if (before === undefined || after === undefined || before === after) return [];
  const sysctl = /\/proc\/sys\/(.*)/.exec(file.path)?.[1]?.replaceAll('/', '.');
  if (DEVICE_RULE.test(file.path)) return [{ subject: 'devices.list', after: lineChanges(before, after) }];
  return [{ subject: sysctl ?? basename(file.path), before: short(before), after: short(after) }];
}

/** Lines that came and went, of a file that is a list. */
function lineChanges(before: string, after: string): string {
  const was = before.split('; ').filter(Boolean);
  const is = after.split('; ').filter(Boolean);
  return [
    ...is.filter((line) => !was.includes(line)).map((line) => `+ ${line}`),
    ...was.filter((line) => !is.includes(line)).map((line) => `− ${line}`),
  ].join(', ');
}

/** Another UTS namespace's names cannot be read from outside: the call's argument tells the new one. */
function nameChange(callName: string, arg: Arg | undefined, names: Map<string, string | undefined>): Change {
  const after = arg?.kind === 'data' ? Buffer.from(arg.hex, 'hex').toString('utf8') : '';
  const before = names.get(callName);
  names.set(callName, after);
  return { subject: callName === 'sethostname' ? 'host name' : 'domain name', ...(before === undefined ? {} : { before }), after };
}

/** Where the kernel ended up after following the links of a path. */
function descriptorTarget(where: Where, descriptor: number): Change[] {
  const target = where.pid === undefined ? undefined : attempt(() => readlinkSync(`/proc/${where.pid}/fd/${descriptor}`));
  return target ? [{ subject: `descriptor ${descriptor}`, after: target }] : [];
}

/** A process has a number in each pid namespace from the runtime's down to its own. */
function numbersOf(pid: number): Change[] {
  const numbers = snapshot(pid, ['status']).status?.get('NSpid')?.split(/\s+/) ?? [];
  if (numbers.length < 2) return [];
  return [{ subject: 'process', after: `${numbers[0]} out here, ${numbers.at(-1)} in its own pid namespace` }];
}
