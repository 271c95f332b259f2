/**
 * libseccomp: turns rules about system calls into a program that the kernel runs at each call.
 *
 * Only what a filter's making needs is bound; the filter is installed by a step of ours, so that
 * it can be narrated. Source: seccomp_init(3), seccomp_rule_add(3), seccomp_export_bpf(3).
 */
import { readSync } from 'node:fs';
import { SyscallError } from './errno.ts';
import { closeFd, memoryFile } from './fd.ts';
import { addressOf, loadKoffi } from './ffi.ts';

/** What happens at a system call; ERRNO and TRACE carry 16 bits of data in the low half. */
export const SCMP_ACT = {
  KILL_PROCESS: 0x80000000,
  KILL_THREAD: 0,
  TRAP: 0x00030000,
  ERRNO: 0x00050000,
  NOTIFY: 0x7fc00000,
  TRACE: 0x7ff00000,
  LOG: 0x7ffc0000,
  ALLOW: 0x7fff0000,
} as const;

/** enum scmp_compare. */
export const SCMP_CMP = { NE: 1, LT: 2, LE: 3, EQ: 4, GE: 5, GT: 6, MASKED_EQ: 7 } as const;

/** A condition on one argument; for MASKED_EQ `a` is the mask and `b` the value. */
export interface Condition {
  index: number;
  op: number;
  a: bigint;
  b: bigint;
}

type Fn = (...args: unknown[]) => number;
interface Library {
  init: (action: number) => bigint;
  release: Fn;
  archAdd: Fn;
  archResolve: Fn;
  resolve: Fn;
  ruleAdd: Fn;
  attrSet: Fn;
  exportBpf: Fn;
  version: () => unknown;
}

const ATTR_OPTIMIZE = 8;
const EEXIST = -17;
const UNKNOWN_SYSCALL = -1;

let library: Library | undefined | null;

function load(): Library | undefined {
  if (library !== undefined) return library ?? undefined;
  const p = 'uintptr_t';
  try {
    const so = loadKoffi().load('libseccomp.so.2');
    const f = (name: string, result: string, ...args: string[]) => so.func(name, result, args) as unknown as Fn;
    library = {
      init: f('seccomp_init', p, 'uint32_t') as unknown as Library['init'],
      release: f('seccomp_release', 'void', p),
      archAdd: f('seccomp_arch_add', 'int', p, 'uint32_t'),
      archResolve: f('seccomp_arch_resolve_name', 'uint32_t', 'const char *'),
      resolve: f('seccomp_syscall_resolve_name_arch', 'int', 'uint32_t', 'const char *'),
      ruleAdd: f('seccomp_rule_add_array', 'int', p, 'uint32_t', 'int', 'unsigned int', p),
      attrSet: f('seccomp_attr_set', 'int', p, 'int', 'uint32_t'),
      exportBpf: f('seccomp_export_bpf', 'int', p, 'int'),
      version: so.func('seccomp_version', 'void *', []) as unknown as Library['version'],
    };
  } catch {
    library = null;
  }
  return library ?? undefined;
}

/** True when libseccomp.so.2 is installed. Loads it. */
export const seccompAvailable = (): boolean => load() !== undefined;

/** The version of libseccomp, `2.5.4`; undefined when it is not installed. Source: seccomp_version(3). */
export function seccompVersion(): string | undefined {
  const l = load();
  if (!l) return undefined;
  const numbers = loadKoffi().decode(l.version(), 'uint32_t', 3) as number[];
  return [...numbers].join('.');
}

/** Those of some `SCMP_ARCH_…` names that this libseccomp knows. */
export const knownArchitectures = (names: readonly string[]): string[] => names.filter((name) => resolveArch(architectureName(name)) !== 0);

/** `SCMP_ARCH_X86_64` → libseccomp's `x86_64`. */
export const architectureName = (name: string): string => name.replace(/^SCMP_ARCH_/, '').toLowerCase();

/** libseccomp's number for an architecture (`x86_64`, `aarch64`, `x32`); 0 when it knows none of that name. */
export const resolveArch = (name: string): number => required().archResolve(name) >>> 0;

/**
 * The number of a system call; negative for one that this architecture spells differently
 * (libseccomp translates it). Undefined when libseccomp does not know the name.
 */
export function resolveSyscall(arch: number, name: string): number | undefined {
  const number = required().resolve(arch, name);
  return number === UNKNOWN_SYSCALL ? undefined : number;
}

function required(): Library {
  const l = load();
  if (!l) throw new Error('libseccomp.so.2 is not installed (Debian: apt install libseccomp2)');
  return l;
}

/** A filter being made. `release` must be called at the end. */
export interface FilterContext {
  /** Makes the rules hold for another architecture of this machine too (32-bit programs). */
  addArch(arch: number): void;
  /** Decides by a binary tree over the numbers instead of one comparison after another. */
  optimize(): void;
  /** @throws SyscallError when libseccomp refuses the rule */
  addRule(doing: string, action: number, syscall: number, conditions: readonly Condition[]): void;
  /** The filter: struct sock_filter[], 8 bytes each. */
  export(): Buffer;
  release(): void;
}

/**
 * Starts a filter that does `defaultAction` where no rule matches.
 * @throws Error when libseccomp is not installed; SyscallError when it refuses the action
 */
export function newFilter(defaultAction: number): FilterContext {
  const l = required();
  const ctx = l.init(defaultAction);
  if (!ctx) throw new SyscallError(`seccomp_init with action 0x${defaultAction.toString(16)}`, 22);
  const check = (doing: string, result: number) => {
    if (result < 0) throw new SyscallError(doing, -result);
  };
  return {
    addArch(arch) {
      const result = l.archAdd(ctx, arch);
      if (result !== EEXIST) check('seccomp_arch_add', result);
    },
    optimize() {
      l.attrSet(ctx, ATTR_OPTIMIZE, 2); // before libseccomp 2.5.0 there is no such attribute: slower, not wrong
    },
    addRule(doing, action, syscall, conditions) {
      // struct scmp_arg_cmp: unsigned arg; int op; uint64_t datum_a, datum_b
      const array = Buffer.alloc(24 * conditions.length);
      conditions.forEach((c, i) => {
        array.writeUInt32LE(c.index, 24 * i);
        array.writeInt32LE(c.op, 24 * i + 4);
        array.writeBigUInt64LE(BigInt.asUintN(64, c.a), 24 * i + 8);
        array.writeBigUInt64LE(BigInt.asUintN(64, c.b), 24 * i + 16);
      });
      check(doing, l.ruleAdd(ctx, action, syscall, conditions.length, conditions.length ? addressOf(array) : 0));
    },
    export() {
      const fd = memoryFile('seccomp', new Uint8Array(0));
      try {
        check('seccomp_export_bpf', l.exportBpf(ctx, fd));
        const bytes = Buffer.alloc(8 * 32768);
        return Buffer.from(bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)));
      } finally {
        closeFd(fd);
      }
    },
    release() {
      l.release(ctx);
    },
  };
}
