/**
 * The part before a seccomp filter that answers ENOSYS ("no such call") to system calls newer than
 * the profile.
 *
 * A C library that finds a new call missing (ENOSYS) uses the old one; one that is told EPERM
 * believes that it may not, and gives up. A profile cannot name calls that did not exist when it
 * was written, so what lies above its highest number gets ENOSYS instead of the default errno.
 */
import { SCMP_ACT } from '../../libc/seccomp.ts';

export interface LastSyscall {
  /** libseccomp's number of the architecture: AUDIT_ARCH_*, and 0x4000003e for x32. */
  token: number;
  /** The highest system call number that the profile names for it; 0: none. */
  last: number;
}

export const AUDIT_ARCH_X86_64 = 0xc000003e;
/** libseccomp's own number: the kernel reports x32 calls as x86-64 ones with bit 30 set. */
const X32 = 0x4000003e;
const X32_BIT = 0x40000000;
const ENOSYS = 38;

/** Classic BPF: opcode, jump distance when true and when false, constant (bpf(4), linux/filter.h). */
type Instruction = [code: number, jt: number, jf: number, k: number];
const load = (offset: number): Instruction => [0x20, 0, 0, offset];
const jumpEqual = (k: number, jt: number, jf: number): Instruction => [0x15, jt, jf, k];
const jumpGreater = (k: number, jt: number, jf: number): Instruction => [0x25, jt, jf, k];
const jumpBits = (k: number, jt: number, jf: number): Instruction => [0x45, jt, jf, k];
const jump = (k: number): Instruction => [0x05, 0, 0, k];
const answer = (k: number): Instruction => [0x06, 0, 0, k];

// struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6]
const NR = 0;
const ARCH = 4;

/** After the architecture is known: fall through to ENOSYS, or jump over it. */
function section(last: Map<number, number>, arch: number): Instruction[] {
  const own = last.get(arch);
  const x32 = arch === AUDIT_ARCH_X86_64 ? last.get(X32) : undefined;
  const body: Instruction[] = [];
  if (arch !== AUDIT_ARCH_X86_64) body.push(jumpGreater(own ?? 0, 0, 1));
  else if (x32 === undefined) body.push(jumpBits(X32_BIT, 2, 0), jumpGreater(own ?? 0, 0, 1));
  else if (own === undefined) body.push(jumpBits(X32_BIT, 0, 2), jumpGreater(x32, 0, 1));
  else body.push(jumpBits(X32_BIT, 1, 0), jumpGreater(own, 1, 2), jumpGreater(x32, 0, 1));
  return [load(NR), ...body, answer((SCMP_ACT.ERRNO | ENOSYS) >>> 0)];
}

/**
 * Instructions to be put before a filter (which must load what it needs itself, as libseccomp's do).
 * Architectures of which the profile names no call are left to the filter.
 */
export function enosysPrologue(lastSyscalls: readonly LastSyscall[]): Buffer {
  const last = new Map(lastSyscalls.filter((l) => l.last > 0).map((l) => [l.token >>> 0, l.last >>> 0]));
  const arches = [...new Set([...last.keys()].map((token) => (token === X32 ? AUDIT_ARCH_X86_64 : token)))];
  if (!arches.length) return Buffer.alloc(0);
  const out: Instruction[] = [];
  // Written from the end, because each section jumps over all that follow it.
  for (const arch of arches.reverse()) {
    const body = [...section(last, arch), jump(out.length)];
    out.unshift(jumpEqual(arch, 0, body.length), ...body);
  }
  out.unshift(load(ARCH));
  const bytes = Buffer.alloc(8 * out.length);
  out.forEach(([code, jt, jf, k], i) => {
    bytes.writeUInt16LE(code, 8 * i);
    bytes.writeUInt8(jt, 8 * i + 2);
    bytes.writeUInt8(jf, 8 * i + 3);
    bytes.writeUInt32LE(k >>> 0, 8 * i + 4);
  });
  return bytes;
}
