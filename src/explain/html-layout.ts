/** The picture's geometry: a row for each step, lanes for the actors, arrows between them, threads for the namespaces. */
import { type Actor, type Chapter, isClone, type Program } from '../runc/program/step.ts';
import { NAMESPACES, type NamespaceChange } from './container-state.ts';

export const LANES: readonly Actor[] = ['runtime', 'starter', 'init'];

/** Widths and heights in CSS pixels. */
export const LANE_WIDTH = 56;
export const LANES_WIDTH = LANE_WIDTH * LANES.length;
export const THREAD_WIDTH = 17;
export const THREADS_WIDTH = THREAD_WIDTH * NAMESPACES.length + 8;
const ROW = 30;
const SMALL_ROW = 19;
const BAND = 34;

export interface Row {
  index: number;
  top: number;
  /** 0 for a small step in a picture of the large ones. */
  height: number;
  /** The middle of the row, where its mark lies. */
  y: number;
}

/** Neighbouring steps of one chapter. */
export interface Band {
  chapter: Chapter;
  top: number;
  height: number;
  rows: Row[];
}

export interface Arrow {
  kind: 'sync' | 'clone';
  token: string;
  from: { lane: number; y: number };
  to: { lane: number; y: number };
}

export interface Layout {
  height: number;
  bands: Band[];
  rows: Row[];
  arrows: Arrow[];
  /** Where each actor's line begins and ends; an actor without steps has none. */
  lifelines: { actor: Actor; from: number; to: number }[];
  /** Stretches in which an actor waits. */
  waits: { lane: number; from: number; to: number }[];
}

const lane = (actor: Actor): number => LANES.indexOf(actor);

/**
 * Places every step: top to bottom in the program's order, which is a causal one.
 * @param small whether small steps (close, a second write) are drawn too
 */
export function layOut(program: Program, small = true): Layout {
  const bands: Band[] = [];
  const rows: Row[] = [];
  let y = 0;
  program.steps.forEach((step, index) => {
    if (step.minor && !small) {
      rows.push({ index, top: y, height: 0, y });
      return;
    }
    let band = bands.at(-1);
    if (band?.chapter !== step.chapter) {
      band = { chapter: step.chapter, top: y, height: BAND, rows: [] };
      bands.push(band);
      y += BAND;
    }
    const height = step.minor ? SMALL_ROW : ROW;
    const row = { index, top: y, height, y: y + height / 2 };
    rows.push(row);
    band.rows.push(row);
    band.height += height;
    y += height;
  });
  return {
    height: y + 12,
    bands,
    rows,
    arrows: arrowsOf(program, rows),
    lifelines: lifelinesOf(program, rows, y),
    waits: waitsOf(program, rows),
  };
}

const yOf = (rows: Row[], index: number): number => rows[index]?.y ?? 0;

function arrowsOf(program: Program, rows: Row[]): Arrow[] {
  return program.steps.flatMap((step, index): Arrow[] => {
    if (isClone(step.call)) {
      const becomes = step.becomes ?? 'init';
      if (becomes === 'nobody') return [];
      const y = yOf(rows, index);
      return [{ kind: 'clone', token: '', from: { lane: lane(step.actor), y }, to: { lane: lane(becomes), y } }];
    }
    if (step.sync?.kind !== 'signal') return [];
    const { token } = step.sync;
    const other = program.steps.findIndex((s, i) => i > index && s.sync?.kind === 'wait' && s.sync.token === token);
    const peer = program.steps[other];
    if (!peer) return [];
    return [
      { kind: 'sync', token, from: { lane: lane(step.actor), y: yOf(rows, index) }, to: { lane: lane(peer.actor), y: yOf(rows, other) } },
    ];
  });
}

function lifelinesOf(program: Program, rows: Row[], end: number): Layout['lifelines'] {
  return LANES.flatMap((actor) => {
    const own = program.steps.flatMap((s, i) => (s.actor === actor ? [i] : []));
    if (!own.length) return [];
    const born = program.steps.findIndex((s) => isClone(s.call) && (s.becomes ?? 'init') === actor);
    const from = born >= 0 ? yOf(rows, born) : 0;
    const to = actor === 'starter' ? yOf(rows, own.at(-1) as number) : end;
    return [{ actor, from, to }];
  });
}

function waitsOf(program: Program, rows: Row[]): Layout['waits'] {
  const last = new Map<Actor, number>();
  const waits: Layout['waits'] = [];
  program.steps.forEach((step, index) => {
    if (isClone(step.call) && step.becomes !== 'nobody') last.set(step.becomes ?? 'init', yOf(rows, index));
    const from = last.get(step.actor);
    if (step.sync?.kind === 'wait' && from !== undefined) waits.push({ lane: lane(step.actor), from, to: yOf(rows, index) });
    last.set(step.actor, yOf(rows, index));
  });
  return waits;
}

const laneX = (index: number): number => LANE_WIDTH * (index + 0.5);
export const threadX = (index: number): number => THREAD_WIDTH * (index + 0.5) + 4;

/**
 * Lanes, marks and arrows, as the inside of an SVG element. All text in it is ours.
 * @param view names the picture, because the ids of arrow heads must differ between two on a page
 */
export function drawLanes(program: Program, layout: Layout, view: string): string {
  const out: string[] = [];
  for (const { actor, from, to } of layout.lifelines) {
    const x = laneX(lane(actor));
    out.push(`<line class="life ${actor}" x1="${x}" x2="${x}" y1="${from}" y2="${to}"/>`);
    if (actor === 'starter')
      out.push(
        `<line class="life-end ${actor}" x1="${x - 9}" x2="${x + 9}" y1="${to + 12}" y2="${to + 12}"/><line class="life ${actor}" x1="${x}" x2="${x}" y1="${to}" y2="${to + 12}"/>`,
      );
  }
  for (const w of layout.waits) out.push(`<line class="waiting" x1="${laneX(w.lane)}" x2="${laneX(w.lane)}" y1="${w.from}" y2="${w.to}"/>`);
  for (const a of layout.arrows) out.push(drawArrow(a, view));
  for (const row of layout.rows) {
    const step = program.steps[row.index];
    if (!step || !row.height) continue;
    const x = laneX(lane(step.actor));
    const r = step.minor ? 3.5 : 7;
    const classes = `mark ${step.actor}${step.sync ? ' sync' : ''}`;
    const shape = step.sync
      ? `<path d="M${x} ${row.y - r - 1}L${x + r + 1} ${row.y}L${x} ${row.y + r + 1}L${x - r - 1} ${row.y}Z"`
      : `<circle cx="${x}" cy="${row.y}" r="${r}"`;
    out.push(`${shape} class="${classes}" data-mark="${row.index}"/>`);
  }
  return out.join('');
}

function drawArrow(a: Arrow, view: string): string {
  const direction = Math.sign(a.to.lane - a.from.lane) || 1;
  const x1 = laneX(a.from.lane) + 8 * direction;
  const x2 = laneX(a.to.lane) - 11 * direction;
  const bend = Math.max(14, Math.abs(x2 - x1) / 2) * direction;
  const path =
    a.kind === 'clone'
      ? `M${x1} ${a.from.y}L${x2} ${a.to.y}`
      : `M${x1} ${a.from.y}C${x1 + bend} ${a.from.y} ${x2 - bend} ${a.to.y} ${x2} ${a.to.y}`;
  const birth = a.kind === 'clone' ? `<circle class="birth" cx="${laneX(a.to.lane)}" cy="${a.to.y}" r="8"/>` : '';
  return `<path class="arrow ${a.kind}" d="${path}" marker-end="url(#head-${a.kind}-${view})"/>${birth}`;
}

/** A thread for each namespace: pale while it is the host's, strong from the step that changes it. */
export function drawThreads(layout: Layout, changes: NamespaceChange[]): string {
  return NAMESPACES.map((namespace, i) => {
    const x = threadX(i);
    const own = changes.filter((c) => c.namespace === namespace);
    const stops = [...own.map((c) => yOf(layout.rows, c.step)), layout.height];
    const shared = `<line class="thread" x1="${x}" x2="${x}" y1="0" y2="${stops[0]}"/>`;
    return (
      shared +
      own
        .map(
          (c, n) =>
            `<line class="thread own n${i}${c.becomes === 'joined' ? ' joined' : ''}" x1="${x}" x2="${x}" y1="${stops[n]}" y2="${stops[n + 1]}"/>`,
        )
        .join('') +
      own.map((c, n) => `<circle class="knot n${i} ${c.becomes}" cx="${x}" cy="${stops[n]}" r="6"/>`).join('')
    );
  }).join('');
}
