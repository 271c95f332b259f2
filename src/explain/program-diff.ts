/** What an option does to a start: the steps that it adds, removes or changes. */
import type { Call, Program, Step } from '../runc/program/step.ts';
import { argumentRows } from './arguments.ts';
import { type Canonical, canonicalSteps } from './canonical.ts';

/** One argument with another value. */
export interface ArgumentChange {
  /** As the manual page names it, `flags`; fields of a struct as `how.resolve`. */
  name: string;
  before: string;
  after: string;
}

export type DiffEntry =
  | { kind: 'added'; after: number }
  | { kind: 'removed'; before: number }
  | { kind: 'changed'; before: number; after: number; arguments: ArgumentChange[] };

export interface Diff {
  before: Program;
  after: Program;
  /** In the order of the steps; numbers are indexes into the programs. */
  entries: DiffEntry[];
}

/** Compares two programs step by step. Where in config.json a step comes from, and why, does not matter. */
export function diffPrograms(before: Program, after: Program): Diff {
  const a = canonicalSteps(before);
  const b = canonicalSteps(after);
  const entries: DiffEntry[] = [];
  let i = 0;
  let j = 0;
  for (const [nextI, nextJ] of [...commonSteps(a, b), [a.length, b.length] as const]) {
    entries.push(...gap(before, after, a, b, range(i, nextI), range(j, nextJ)));
    i = nextI + 1;
    j = nextJ + 1;
  }
  return { before, after, entries };
}

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k);

/** Pairs of indexes of a longest common subsequence. */
function commonSteps(a: Canonical[], b: Canonical[]): [number, number][] {
  const columns = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * columns);
  const at = (i: number, j: number): number => longest[i * columns + j] as number;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i * columns + j] = a[i]?.key === b[j]?.key ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pairs: [number, number][] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if (a[i]?.key === b[j]?.key) pairs.push([i++, j++]);
    else if (at(i + 1, j) >= at(i, j + 1)) i++;
    else j++;
  }
  return pairs;
}

/** What lies between two common steps: a removed and an added step that act on the same thing are one changed step. */
function gap(before: Program, after: Program, a: Canonical[], b: Canonical[], removed: number[], added: number[]): DiffEntry[] {
  const out: DiffEntry[] = [];
  const left = [...removed];
  for (const j of added) {
    const found = left.findIndex((i) => a[i]?.identity === b[j]?.identity);
    if (found < 0) {
      out.push({ kind: 'added', after: j });
      continue;
    }
    // Removed steps before the partner keep their place in the order.
    for (const i of left.splice(0, found)) out.push({ kind: 'removed', before: i });
    const i = left.shift() as number;
    out.push({ kind: 'changed', before: i, after: j, arguments: argumentChanges(before.steps[i] as Step, after.steps[j] as Step) });
  }
  for (const i of left) out.push({ kind: 'removed', before: i });
  return out;
}

/** Arguments that only say how long another one is. */
const LENGTHS = new Set(['len', 'count', 'size', 'addrlen', 'cpusetsize']);

function argumentChanges(before: Step, after: Step): ArgumentChange[] {
  const rows = (call: Call) => new Map(argumentRows(call).map((row) => [row.name, withoutSerials(row.decoded)]));
  const was = rows(before.call);
  const is = rows(after.call);
  const changes: ArgumentChange[] = [];
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    const change = { name, before: was.get(name) ?? 'not given', after: is.get(name) ?? 'not given' };
    if (change.before !== change.after) changes.push(change);
  }
  const telling = changes.filter(({ name }) => !LENGTHS.has(name));
  return telling.length ? telling : changes;
}

const withoutSerials = (text: string): string => text.replace(/<([^<>]*?)\.\d+>/g, '<$1>');

/** Flags and capabilities that were added and left out: `+CLONE_NEWNET −CLONE_NEWIPC`; undefined for other values. */
export function flagChange({ before, after }: ArgumentChange): string | undefined {
  const names = (value: string) => (value === '0' ? [] : value.split('|'));
  const was = names(before);
  const is = names(after);
  if (![...was, ...is].every((name) => /^[A-Z][A-Z0-9_]+$/.test(name)) || was.length + is.length < 2) return undefined;
  return [...is.filter((n) => !was.includes(n)).map((n) => `+${n}`), ...was.filter((n) => !is.includes(n)).map((n) => `−${n}`)].join(' ');
}
