/**
 * The bytes that minirun-init reads from its program descriptor: header, steps, relocations, patches, checks,
 * slots, data. The layout is the structs at the top of `native/minirun-init.c`.
 */
import type { FlatProgram, Patch } from './flatten.ts';

export const MODES = { quiet: 0, report: 1, lockstep: 2 } as const;
export type Mode = keyof typeof MODES;

const MAGIC = 0x314e524d; // "MRN1"
const OPS = { syscall: 0, wait: 1, signal: 2, clone: 3, exec: 4 } as const;
const ARG_KINDS = { immediate: 0, data: 1, slot: 2 } as const;
const PATCH_KINDS = { pointer: 0, i32: 1, u64: 2, decimal: 3 } as const;
const HEADER = 32;
const STEP = 96;
const PATCH = 16;
const EXPECT = 24;
/** After this step minirun-init stops reporting: a seccomp filter may forbid write(2). */
const FLAG_SILENCE = 1;
/** After this step minirun-init asks for no more permission: the runtime leaves. */
const FLAG_UNATTENDED = 2;
/** In an expectation's size: the value must be anything else. */
const EXPECT_NOT = 0x100;

/**
 * @param actor the actor number with which the reading process begins
 * @param silenceAfter indexes of steps after which no report is written
 * @param unattendedAfter indexes of steps after which nobody is asked before a step
 * @throws Error when a step ignores more than four errno values (the layout's limit)
 */
export function serialise(
  flat: FlatProgram,
  mode: Mode,
  actor: number,
  silenceAfter: ReadonlySet<number>,
  unattendedAfter: ReadonlySet<number> = new Set(),
): Buffer {
  const patches = flat.steps.flatMap((s) => s.patches);
  const expects = flat.steps.flatMap((s) => s.expect);
  const size =
    HEADER +
    STEP * flat.steps.length +
    PATCH * (flat.relocations.length + patches.length) +
    EXPECT * expects.length +
    8 * flat.slots.length +
    flat.data.length;
  const out = Buffer.alloc(size);
  // Not Buffer's own methods: those are JavaScript, which is slow until it has been compiled, and this runs once.
  const view = new DataView(out.buffer, out.byteOffset, size);
  const header = [MAGIC, MODES[mode], flat.steps.length, flat.slots.length, flat.relocations.length, patches.length, expects.length, actor];
  header.forEach((word, i) => view.setUint32(4 * i, word, true));

  let at = HEADER;
  let firstPatch = 0;
  let firstExpect = 0;
  flat.steps.forEach((step, index) => {
    if (step.ignore.length > 4) throw new Error('a step may ignore four errno values at most');
    out[at] = OPS[step.op];
    out[at + 1] = step.actor;
    out[at + 2] = step.becomes;
    out[at + 3] = (silenceAfter.has(index) ? FLAG_SILENCE : 0) | (unattendedAfter.has(index) ? FLAG_UNATTENDED : 0);
    view.setInt32(at + 4, step.nr, true);
    view.setInt32(at + 8, step.save, true);
    view.setUint16(at + 12, step.patches.length, true);
    view.setUint16(at + 14, step.expect.length, true);
    view.setUint32(at + 16, firstPatch, true);
    view.setUint32(at + 20, firstExpect, true);
    step.ignore.forEach((n, i) => view.setInt32(at + 24 + 4 * i, n, true));
    step.args.forEach((arg, i) => {
      out[at + 40 + i] = ARG_KINDS[arg.kind];
      view.setBigUint64(at + 48 + 8 * i, arg.value, true);
    });
    firstPatch += step.patches.length;
    firstExpect += step.expect.length;
    at += STEP;
  });
  const writePatch = (p: Patch) => {
    [PATCH_KINDS[p.kind], p.at, p.value, p.suffix].forEach((word, i) => view.setUint32(at + 4 * i, word, true));
    at += PATCH;
  };
  flat.relocations.forEach(writePatch);
  patches.forEach(writePatch);
  for (const e of expects) {
    view.setUint32(at, e.at, true);
    view.setUint32(at + 4, e.size | (e.not ? EXPECT_NOT : 0), true);
    view.setBigUint64(at + 8, e.mask, true);
    view.setBigUint64(at + 16, e.equals, true);
    at += EXPECT;
  }
  at += 8 * flat.slots.length;
  out.set(flat.data, at);
  return out;
}
