/**
 * A flattened program in memory that the kernel can read: the TypeScript twin of the upper half
 * of `perform()` in native/minirun-init.c. Used for the runtime's own steps (both engines) and
 * by the ffi engine for all of them.
 */
import { addressOf, syscall } from '../../libc/ffi.ts';
import type { FlatProgram, FlatStep, Patch } from './flatten.ts';

export interface ProgramMemory {
  flat: FlatProgram;
  data: Buffer;
  view: DataView;
  base: bigint;
  /** Results by slot number. */
  results: number[];
}

/** Copies the data segment to memory of its own and writes the pointers in it. */
export function load(flat: FlatProgram): ProgramMemory {
  const data = Buffer.from(flat.data.length ? flat.data : new Uint8Array(8));
  const memory = { flat, data, view: new DataView(data.buffer, data.byteOffset, data.length), base: addressOf(data), results: [] };
  for (const p of flat.relocations) apply(p, memory);
  return memory;
}

function apply(p: Patch, memory: ProgramMemory): void {
  const { data, view, base, results } = memory;
  if (p.kind === 'pointer') {
    view.setBigUint64(p.at, base + BigInt(p.value), true);
    return;
  }
  const result = results[p.value] ?? 0;
  if (p.kind === 'i32') view.setInt32(p.at, result, true);
  else if (p.kind === 'u64') view.setBigUint64(p.at, BigInt(result), true);
  else {
    const end = data.indexOf(0, p.suffix) + 1;
    const suffix = Buffer.from(data.subarray(p.suffix, end));
    const digits = data.write(String(result), p.at, 'latin1');
    data.set(suffix, p.at + digits);
  }
}

/** Writes what is only known now into the step's memory and returns its argument words. */
export function prepare(step: FlatStep, memory: ProgramMemory): (number | bigint)[] {
  for (const p of step.patches) apply(p, memory);
  return step.args.map((arg) => {
    if (arg.kind === 'data') return memory.base + arg.value;
    if (arg.kind === 'slot') return memory.results[Number(arg.value)] ?? 0;
    return arg.value;
  });
}

/** Makes the step's call. Returns the result, or -errno. */
export const perform = (step: FlatStep, memory: ProgramMemory): number => syscall(step.nr, prepare(step, memory));

/** The index of the first expectation that does not hold, or -1. */
export function unexpected(step: FlatStep, memory: ProgramMemory): number {
  return step.expect.findIndex((e) => {
    let value = 0n;
    for (let i = 0; i < e.size; i++) value |= BigInt(memory.data[e.at + i] ?? 0) << BigInt(8 * i);
    return ((value & e.mask) === e.equals) === e.not;
  });
}
