/**
 * A program as numbers: what both interpreters (`native/minirun-init.c` and `engine/interpret.ts`)
 * execute. Every string and struct becomes bytes in one data segment; what is known only at run
 * time becomes a patch that is applied to that segment (or to the argument) just before the call.
 */
import { ERRNO } from '../../libc/errno.ts';
import { syscallNumber } from '../../libc/syscalls.ts';
import { type Actor, type Arg, isClone, type Program, type Ref, type Step } from './step.ts';

export const ACTORS: readonly Actor[] = ['runtime', 'starter', 'init'];

/** The number of an actor that has no steps. */
export const NOBODY = 255;

/** An argument word: an immediate number, an offset into the data segment, or the result in a slot. */
export interface FlatArg {
  kind: 'immediate' | 'data' | 'slot';
  value: bigint;
}

/** Before a step: write a slot's value (or a pointer) into the data segment. */
export interface Patch {
  kind: 'pointer' | 'i32' | 'u64' | 'decimal';
  /** Where to write. */
  at: number;
  /** pointer: the offset pointed to; otherwise the slot. */
  value: number;
  /** decimal: offset of the NUL-terminated text that follows the digits. */
  suffix: number;
}

export interface FlatExpect {
  at: number;
  size: number;
  mask: bigint;
  equals: bigint;
  not: boolean;
}

export type Op = 'syscall' | 'wait' | 'signal' | 'clone' | 'exec';

export interface FlatStep {
  op: Op;
  actor: number;
  /** clone: the actor number that the child becomes, or {@link NOBODY}. */
  becomes: number;
  nr: number;
  args: FlatArg[];
  /** Slot that receives the result, or -1. */
  save: number;
  ignore: number[];
  patches: Patch[];
  expect: FlatExpect[];
}

export interface FlatProgram {
  steps: FlatStep[];
  data: Uint8Array;
  slots: string[];
  /** Pointers inside the data segment: written once, at load. */
  relocations: Patch[];
}

/** O_* flags whose numbers differ on arm64; programs carry the x86-64 ones. */
const ARM64_OPEN: [x64: bigint, arm64: bigint][] = [
  [0o200000n, 0o40000n], // O_DIRECTORY
  [0o400000n, 0o100000n], // O_NOFOLLOW
  [0o40000n, 0o200000n], // O_DIRECT
];

/** Calls whose kernel name differs from the libc one. */
const KERNEL_NAME: Record<string, string> = { prlimit: 'prlimit64', fstatat: 'newfstatat' };

/** The data segment while it grows: everything 8-byte aligned, equal texts only once. */
class DataSegment {
  private memory = Buffer.alloc(32 * 1024);
  private size = 0;
  private texts = new Map<string, number>();

  /** Room for `length` zero bytes; returns its offset. */
  reserve(length: number): number {
    const at = this.size;
    this.size += (length + 7) & ~7;
    if (this.size > this.memory.length) {
      const larger = Buffer.alloc(2 * this.size);
      this.memory.copy(larger, 0, 0, at);
      this.memory = larger;
    }
    return at;
  }

  add(bytes: Uint8Array): number {
    const at = this.reserve(bytes.length);
    this.memory.set(bytes, at);
    return at;
  }

  /** A NUL-terminated text, shared with equal ones: nothing is ever written into it. */
  addText(text: string): number {
    const known = this.texts.get(text);
    if (known !== undefined) return known;
    const at = this.reserve(Buffer.byteLength(text) + 1);
    this.memory.write(text, at);
    this.texts.set(text, at);
    return at;
  }

  /** Writes into what was reserved: the lowest `width` bytes of a number. */
  setNumber(at: number, value: bigint, width: number): void {
    const view = new DataView(this.memory.buffer, this.memory.byteOffset + at, width);
    if (width === 8) view.setBigUint64(0, value, true);
    else if (width === 4) view.setUint32(0, Number(value & 0xffffffffn), true);
    else if (width === 2) view.setUint16(0, Number(value & 0xffffn), true);
    else view.setUint8(0, Number(value & 0xffn));
  }

  set(at: number, bytes: Uint8Array): void {
    this.memory.set(bytes, at);
  }

  bytes(): Uint8Array {
    return this.memory.subarray(0, this.size);
  }
}

/** A 64-bit number in decimal has at most this many digits. */
const DIGITS = 20;

const WIDTH = { u8: 1, u16: 2, u32: 4, i32: 4, u64: 8, ptr: 8, bytes: 0 } as const;

/**
 * Lays a program out for execution.
 * @throws Error when a step refers to a result that no earlier step saves, or to an unknown call.
 */
export function flatten(program: Program): FlatProgram {
  const segment = new DataSegment();
  const relocations: Patch[] = [];
  const slots: string[] = [];
  const newest = new Map<string, number>();
  const buffers = new Map<string, number>();
  const slotOf = (of: string): number => {
    const slot = newest.get(of);
    if (slot === undefined) throw new Error(`a step uses the result "${of}" before any step has saved it`);
    return slot;
  };

  const number = (arg: Extract<Arg, { kind: 'int' }>): bigint => {
    let value = BigInt(arg.value);
    if (program.arch === 'arm64' && arg.family === 'O') {
      const original = value;
      for (const [x64] of ARM64_OPEN) value &= ~x64;
      for (const [x64, arm64] of ARM64_OPEN) if (original & x64) value |= arm64;
    }
    return BigInt.asUintN(64, value);
  };

  const placeText = (parts: (string | Ref)[], patches: Patch[]): number => {
    const dynamic = parts.findIndex((p) => typeof p !== 'string');
    if (dynamic < 0) return segment.addText(parts.length === 1 ? (parts[0] as string) : parts.join(''));
    const head = Buffer.from(parts.slice(0, dynamic).join(''));
    const rest = parts.slice(dynamic + 1);
    if (rest.some((p) => typeof p !== 'string')) throw new Error('a string may hold one result at most');
    const tail = rest.join('');
    const at = segment.reserve(head.length + DIGITS + Buffer.byteLength(tail) + 1);
    segment.set(at, head);
    const suffix = segment.addText(tail);
    patches.push({ kind: 'decimal', at: at + head.length, value: slotOf((parts[dynamic] as Ref).of), suffix });
    return at;
  };

  /** Puts what `arg` points to into the segment; returns its offset. */
  const place = (arg: Arg, patches: Patch[]): number => {
    switch (arg.kind) {
      case 'text':
        return placeText(arg.parts, patches);
      case 'data':
        return segment.add(Buffer.from(arg.hex, 'hex'));
      case 'buffer': {
        const at = segment.reserve(arg.size);
        if (arg.name !== undefined) buffers.set(arg.name, at);
        return at;
      }
      case 'memory': {
        const at = buffers.get(arg.of);
        if (at === undefined) throw new Error(`a step reads the buffer "${arg.of}" before any step has it filled`);
        return at + arg.offset;
      }
      case 'list': {
        const at = segment.reserve(8 * (arg.items.length + 1));
        arg.items.forEach((item, i) => {
          relocations.push({ kind: 'pointer', at: at + 8 * i, value: segment.addText(item), suffix: 0 });
        });
        return at;
      }
      case 'struct': {
        const offsets: number[] = [];
        let size = 0;
        let largest = 1;
        for (const f of arg.fields) {
          const width = f.type === 'bytes' ? (f.value.kind === 'data' ? f.value.hex.length / 2 : 0) : WIDTH[f.type];
          const align = f.type === 'bytes' ? 1 : width;
          size = Math.ceil(size / align) * align;
          offsets.push(size);
          size += width;
          largest = Math.max(largest, align);
        }
        size = Math.ceil(size / largest) * largest;
        const at = segment.reserve(size);
        arg.fields.forEach((f, i) => {
          const where = at + (offsets[i] as number);
          if (f.value.kind === 'result') {
            patches.push({ kind: f.type === 'u64' ? 'u64' : 'i32', at: where, value: slotOf(f.value.of), suffix: 0 });
          } else if (f.type === 'ptr') {
            if (f.value.kind === 'null') return;
            relocations.push({ kind: 'pointer', at: where, value: place(f.value, patches), suffix: 0 });
          } else if (f.value.kind === 'int') {
            segment.setNumber(where, number(f.value), WIDTH[f.type]);
          } else if (f.value.kind === 'data') {
            segment.set(where, Buffer.from(f.value.hex, 'hex'));
          } else throw new Error(`field ${f.name} of ${arg.name} cannot be a ${f.value.kind}`);
        });
        return at;
      }
      default:
        throw new Error(`a ${arg.kind} has no address`);
    }
  };

  const flatArg = (arg: Arg, patches: Patch[]): FlatArg => {
    if (arg.kind === 'int') return { kind: 'immediate', value: number(arg) };
    if (arg.kind === 'null') return { kind: 'immediate', value: 0n };
    if (arg.kind === 'result') return { kind: 'slot', value: BigInt(slotOf(arg.of)) };
    return { kind: 'data', value: BigInt(place(arg, patches)) };
  };

  const flatStep = (step: Step): FlatStep => {
    const patches: Patch[] = [];
    const op = opOf(step);
    const args = op === 'wait' || op === 'signal' ? [] : step.call.args.map((arg) => flatArg(arg, patches));
    const expect = (step.expect ?? []).map((e) => {
      const target = args[e.arg];
      if (target?.kind !== 'data') throw new Error(`${step.call.name}: argument ${e.arg} is no buffer to check`);
      return { at: Number(target.value) + e.offset, size: e.size, mask: e.mask, equals: e.equals, not: e.not === true };
    });
    const ignore = (step.ignore ?? []).map((name) => {
      const n = ERRNO[name];
      if (n === undefined) throw new Error(`unknown errno ${name}`);
      return n;
    });
    let save = -1;
    if (step.saves) {
      save = slots.push(step.saves) - 1;
      newest.set(step.saves, save);
    }
    const name = KERNEL_NAME[step.call.name] ?? step.call.name;
    return {
      op,
      actor: ACTORS.indexOf(step.actor),
      becomes: step.becomes === 'nobody' ? NOBODY : step.becomes ? ACTORS.indexOf(step.becomes) : 0,
      nr: op === 'wait' || op === 'signal' ? 0 : isHelperProgram(step) ? -1 : syscallNumber(name, program.arch),
      args,
      save,
      ignore,
      patches,
      expect,
    };
  };

  const steps = program.steps.map(flatStep);
  return { steps, data: segment.bytes(), slots, relocations };
}

/** Steps that run another program and wait for it (hooks, newuidmap) are the runtime's alone. */
export const isHelperProgram = (step: Step): boolean => step.call.name === 'posix_spawn' || step.call.name === 'run_hook';

function opOf(step: Step): Op {
  if (step.sync) return step.sync.kind;
  if (isClone(step.call)) return 'clone';
  if (step.call.name === 'execve') return 'exec';
  return 'syscall';
}
