/**
 * Device rules for cgroup v2: it has no list of devices, it runs a small program of ours at each
 * open and mknod of a device. Sources: bpf(2); Linux, include/uapi/linux/bpf.h, struct bpf_cgroup_dev_ctx.
 */
import type { Rule, Rules } from './device-rules.ts';

export const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
export const BPF_CGROUP_DEVICE = 6;
/** Other programs on this folder or above it are asked too; all must say yes. */
export const BPF_F_ALLOW_MULTI = 2;

// Registers: R0 is the answer (1: allowed, 0: EPERM), R1 points to the request at the start.
const [R0, R1, TYPE, ACCESS, MAJOR, MINOR, SCRATCH] = [0, 1, 2, 3, 4, 5, 6] as const;

const LOAD_WORD = 0x61; // BPF_LDX | BPF_MEM | BPF_W
const MOVE = 0xb7; // BPF_ALU64 | BPF_MOV | BPF_K
const MOVE_REGISTER = 0xbf; // BPF_ALU64 | BPF_MOV | BPF_X
const AND = 0x54; // BPF_ALU | BPF_AND | BPF_K: 32 bits
const SHIFT_RIGHT = 0x74; // BPF_ALU | BPF_RSH | BPF_K: 32 bits
const JUMP_NOT_EQUAL = 0x55; // BPF_JMP | BPF_JNE | BPF_K
const EXIT = 0x95;

const BLOCK = 1;
const CHAR = 2;

interface Instruction {
  code: number;
  to?: number;
  from?: number;
  offset?: number;
  value?: number;
}

function encode(program: Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(8 * program.length);
  program.forEach((i, at) => {
    bytes.writeUInt8(i.code, 8 * at);
    bytes.writeUInt8((i.to ?? 0) | ((i.from ?? 0) << 4), 8 * at + 1);
    bytes.writeInt16LE(i.offset ?? 0, 8 * at + 2);
    bytes.writeInt32LE((i.value ?? 0) | 0, 8 * at + 4);
  });
  return new Uint8Array(bytes);
}

const answer = (allow: boolean): Instruction[] => [{ code: MOVE, to: R0, value: allow ? 1 : 0 }, { code: EXIT }];

/**
 * One rule: leave to the next one unless the device fits; then decide.
 * A forbidding rule decides when any of the wanted accesses is its own. An allowing one strikes its
 * accesses from the wanted ones, and decides when none is left: opening for reading and writing may
 * be allowed by two rules together.
 */
function decide(rule: Rule): Instruction[] {
  const hit: Instruction[] = rule.allow
    ? [{ code: AND, to: ACCESS, value: ~rule.access & 7 }, { code: JUMP_NOT_EQUAL, to: ACCESS, offset: 2, value: 0 }, ...answer(true)]
    : [
        { code: MOVE_REGISTER, to: SCRATCH, from: ACCESS },
        { code: AND, to: SCRATCH, value: rule.access },
        // Jumps over itself only when something is left; else to the next rule, which starts after the answer.
        { code: 0x15, to: SCRATCH, offset: 2, value: 0 }, // BPF_JMP | BPF_JEQ | BPF_K
        ...answer(false),
      ];
  const tests: [register: number, value: number | undefined][] = [
    [TYPE, rule.type === 'b' ? BLOCK : CHAR],
    [MAJOR, rule.major],
    [MINOR, rule.minor],
  ];
  const wanted = tests.filter(([, value]) => value !== undefined);
  return [
    ...wanted.map(([register, value], i) => ({ code: JUMP_NOT_EQUAL, to: register, value, offset: wanted.length - i - 1 + hit.length })),
    ...hit,
  ];
}

/** The rules as a BPF_PROG_TYPE_CGROUP_DEVICE program: struct bpf_insn[], 8 bytes each. */
export function deviceProgram({ otherwise, rules }: Rules): Uint8Array {
  return encode([
    // struct bpf_cgroup_dev_ctx: u32 access_type (access << 16 | type), u32 major, u32 minor
    { code: LOAD_WORD, to: TYPE, from: R1, offset: 0 },
    { code: MOVE_REGISTER, to: ACCESS, from: TYPE },
    { code: AND, to: TYPE, value: 0xffff },
    { code: SHIFT_RIGHT, to: ACCESS, value: 16 },
    { code: LOAD_WORD, to: MAJOR, from: R1, offset: 4 },
    { code: LOAD_WORD, to: MINOR, from: R1, offset: 8 },
    // The last rule wins, so it is asked first.
    ...[...rules].reverse().flatMap(decide),
    ...answer(otherwise),
  ]);
}
