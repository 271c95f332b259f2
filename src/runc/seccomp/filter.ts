/**
 * An OCI seccomp profile as the program that the kernel runs at each system call.
 * Source: runtime-spec, config-linux.md, "Seccomp"; seccomp(2).
 */

import { SyscallError } from '../../libc/errno.ts';
import { SECCOMP_FLAG } from '../../libc/flags.ts';
import {
  architectureName,
  type Condition,
  type FilterContext,
  newFilter,
  resolveArch,
  resolveSyscall,
  SCMP_ACT,
  SCMP_CMP,
} from '../../libc/seccomp.ts';
import type { Seccomp, SeccompRule } from '../spec/config.ts';
import { enosysPrologue, type LastSyscall } from './enosys.ts';
import { usesNotify } from './notify.ts';

export interface CompiledFilter {
  /** struct sock_filter[]: 8 bytes an instruction. */
  filter: Uint8Array;
  /** SECCOMP_FILTER_FLAG_* for seccomp(2). */
  flags: number;
  /** What of the profile could not be used, one sentence each. */
  warnings: string[];
}

/** The profile asks for something that does not exist. The message names the place. */
export class SeccompProfileError extends Error {
  override name = 'SeccompProfileError';
}

const EPERM = 1;
const ENOSYS = 38;
/** The kernel refuses longer programs (BPF_MAXINSNS). */
const MAX_INSTRUCTIONS = 4096;
const MAX_ARGUMENTS = 6;

const ACTIONS: Record<string, number> = {
  SCMP_ACT_KILL: SCMP_ACT.KILL_THREAD,
  SCMP_ACT_KILL_THREAD: SCMP_ACT.KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: SCMP_ACT.KILL_PROCESS,
  SCMP_ACT_TRAP: SCMP_ACT.TRAP,
  SCMP_ACT_ERRNO: SCMP_ACT.ERRNO,
  SCMP_ACT_TRACE: SCMP_ACT.TRACE,
  SCMP_ACT_LOG: SCMP_ACT.LOG,
  SCMP_ACT_ALLOW: SCMP_ACT.ALLOW,
  SCMP_ACT_NOTIFY: SCMP_ACT.NOTIFY,
};
const OPERATORS: Record<string, number> = {
  SCMP_CMP_NE: SCMP_CMP.NE,
  SCMP_CMP_LT: SCMP_CMP.LT,
  SCMP_CMP_LE: SCMP_CMP.LE,
  SCMP_CMP_EQ: SCMP_CMP.EQ,
  SCMP_CMP_GE: SCMP_CMP.GE,
  SCMP_CMP_GT: SCMP_CMP.GT,
  SCMP_CMP_MASKED_EQ: SCMP_CMP.MASKED_EQ,
};

const known = (table: Record<string, number>, name: string, pointer: string): number => {
  const value = Object.hasOwn(table, name) ? table[name] : undefined;
  if (value === undefined) throw new SeccompProfileError(`${pointer}: ${JSON.stringify(name)} is none of ${Object.keys(table).join(', ')}`);
  return value;
};

/** ERRNO and TRACE carry a number: EPERM unless the profile gives another one. */
function action(name: string, errnoRet: number | undefined, pointer: string): number {
  const value = known(ACTIONS, name, pointer);
  if (value !== SCMP_ACT.ERRNO && value !== SCMP_ACT.TRACE) return value;
  return value | ((errnoRet ?? EPERM) & 0xffff);
}

/**
 * SECCOMP_FILTER_FLAG_* of a profile as the number that seccomp(2) takes. TSYNC is left out: it
 * concerns other threads of the process, and init has none. A profile that says nothing about
 * flags gets SPEC_ALLOW, as in runc and crun: otherwise each filtered process would run slower,
 * with a protection from speculative store bypass that others do not have either.
 */
export function filterFlags(profile: Seccomp): number {
  let flags: number = profile.flags ? 0 : SECCOMP_FLAG.SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  profile.flags?.forEach((name, i) => {
    const bit = known(SECCOMP_FLAG, name, `#/linux/seccomp/flags/${i}`);
    if (name === 'SECCOMP_FILTER_FLAG_NEW_LISTENER')
      throw new SeccompProfileError(`#/linux/seccomp/flags/${i}: the listener flag follows from SCMP_ACT_NOTIFY, it is not set by hand`);
    if (name !== 'SECCOMP_FILTER_FLAG_TSYNC') flags |= bit;
  });
  // The kernel knows this one together with a listener only.
  if (usesNotify(profile)) flags |= SECCOMP_FLAG.SECCOMP_FILTER_FLAG_NEW_LISTENER;
  else flags &= ~SECCOMP_FLAG.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  return flags;
}

const NATIVE = { x64: 'x86_64', arm64: 'aarch64' } as const;

function architectures(profile: Seccomp, arch: 'x64' | 'arm64'): number[] {
  const tokens = [resolveArch(NATIVE[arch])];
  profile.architectures?.forEach((name, i) => {
    const token = name.startsWith('SCMP_ARCH_') ? resolveArch(architectureName(name)) : 0;
    if (!token)
      throw new SeccompProfileError(`#/linux/seccomp/architectures/${i}: ${JSON.stringify(name)} is no architecture that libseccomp knows`);
    if (!tokens.includes(token)) tokens.push(token);
  });
  return tokens;
}

const MOST = 2n ** 64n - 1n;

/** 64 bits without sign. JSON's doubles round 2^64-1 up to 2^64: that is what was meant. */
function word(value: number | string, pointer: string): bigint {
  const number = /^\d+$/.test(String(value)) || Number.isInteger(value) ? BigInt(value) : -1n;
  if (number === MOST + 1n && typeof value === 'number') return MOST;
  if (number < 0n || number > MOST) throw new SeccompProfileError(`${pointer}: ${value} is no whole number from 0 to 2^64-1`);
  return number;
}

function conditions(rule: SeccompRule, pointer: string): Condition[] {
  return (rule.args ?? []).map((arg, i) => {
    if (!Number.isInteger(arg.index) || arg.index < 0 || arg.index >= MAX_ARGUMENTS)
      throw new SeccompProfileError(`${pointer}/args/${i}/index: ${arg.index}, but a system call has arguments 0 to ${MAX_ARGUMENTS - 1}`);
    return {
      index: arg.index,
      op: known(OPERATORS, arg.op, `${pointer}/args/${i}/op`),
      a: word(arg.value, `${pointer}/args/${i}/value`),
      b: word(arg.valueTwo ?? 0, `${pointer}/args/${i}/valueTwo`),
    };
  });
}

function addRules(context: FilterContext, rule: SeccompRule, i: number, native: number, defaultAction: number, warnings: string[]): void {
  const pointer = `#/linux/seccomp/syscalls/${i}`;
  const what = action(rule.action, rule.errnoRet, `${pointer}/action`);
  const all = conditions(rule, pointer);
  if (what === defaultAction) return; // libseccomp refuses a rule that changes nothing
  // A rule is the conjunction of its conditions, but libseccomp takes one a argument only; profiles
  // that name an argument twice mean "any of these" (runc's reading, which they were written for).
  const once = new Set(all.map((c) => c.index)).size === all.length;
  const alternatives = once ? [all] : all.map((c) => [c]);
  const unknown: string[] = [];
  for (const name of rule.names) {
    const number = resolveSyscall(native, name);
    if (number === undefined) {
      unknown.push(name);
      continue;
    }
    for (const one of alternatives) {
      try {
        context.addRule(`add the seccomp rule for ${name} (${pointer})`, what, number, one);
      } catch (error) {
        if (!(error instanceof SyscallError)) throw error;
        throw new SeccompProfileError(`${error.message}. Usual cause: another rule for ${name} says something else`);
      }
    }
  }
  // An allowed call that is unknown stays forbidden: safe. A forbidden one that is unknown stays allowed: worth a word.
  if (unknown.length && defaultAction === SCMP_ACT.ALLOW)
    warnings.push(`seccomp: libseccomp does not know ${unknown.join(', ')} (${pointer}), so the rule for it has no effect`);
}

/** Where nothing matches: allowed in one way or another, so there is nobody to mislead with EPERM. */
const lenient = (defaultAction: number): boolean =>
  [SCMP_ACT.ALLOW, SCMP_ACT.LOG, SCMP_ACT.TRACE].some((a) => a === (defaultAction & 0xffff0000) >>> 0);

/** The largest number that the profile names, for each architecture: what is above it is newer than the profile. */
function lastSyscalls(profile: Seccomp, tokens: readonly number[]): LastSyscall[] {
  const names = new Set(profile.syscalls?.flatMap((rule) => rule.names));
  return tokens.map((token) => {
    let last = 0;
    for (const name of names) last = Math.max(last, resolveSyscall(token, name) ?? 0);
    return { token, last };
  });
}

/**
 * Compiles a profile. System calls that libseccomp does not know are left out, as runc does.
 * @param arch the machine's own architecture, which is always covered
 * @throws SeccompProfileError when the profile breaks the specification; Error without libseccomp
 */
export function compileFilter(profile: Seccomp, arch: 'x64' | 'arm64'): CompiledFilter {
  const warnings: string[] = [];
  const defaultAction = action(profile.defaultAction, profile.defaultErrnoRet, '#/linux/seccomp/defaultAction');
  if (defaultAction === SCMP_ACT.NOTIFY)
    throw new SeccompProfileError('#/linux/seccomp/defaultAction: SCMP_ACT_NOTIFY cannot be the default action');
  const flags = filterFlags(profile);
  const tokens = architectures(profile, arch);
  const native = tokens[0] as number;
  const context = newFilter(defaultAction);
  try {
    for (const token of tokens.slice(1)) context.addArch(token);
    // A tree pays for itself in long lists only, and libseccomp up to 2.5.4 makes a wrong one of no rules at all.
    if ((profile.syscalls ?? []).reduce((n, rule) => n + rule.names.length, 0) > 32) context.optimize();
    profile.syscalls?.forEach((rule, i) => addRules(context, rule, i, native, defaultAction, warnings));
    const rules = context.export();
    const prologue =
      lenient(defaultAction) || (profile.defaultErrnoRet === ENOSYS && profile.defaultAction === 'SCMP_ACT_ERRNO')
        ? Buffer.alloc(0)
        : enosysPrologue(lastSyscalls(profile, tokens));
    const filter = Buffer.concat([prologue, rules]);
    if (filter.length / 8 > MAX_INSTRUCTIONS)
      throw new SeccompProfileError(
        `the seccomp profile makes ${filter.length / 8} instructions; the kernel takes ${MAX_INSTRUCTIONS} at most`,
      );
    return { filter: new Uint8Array(filter), flags, warnings };
  } finally {
    context.release();
  }
}
