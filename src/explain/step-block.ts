/** One step on the page: number and actor in a gutter on the left, call and explanation beside it. */
import type { Actor, Chapter, Program, Step } from '../runc/program/step.ts';
import { HANGING, layoutCall, paintCall } from './call-layout.ts';
import { harmless } from './quote.ts';
import { displayWidth, type Palette, padEnd, wrap } from './style.ts';

/** How a page is laid out; the same for a whole program. */
export interface Page {
  style: Palette;
  /** Columns of the whole page. */
  width: number;
  /** Digits of the highest step number. */
  digits: number;
}

export const page = (program: Program, style: Palette, width: number): Page => ({
  style,
  width,
  digits: String(program.steps.length).length,
});

const ACTOR_WIDTH = 'runtime'.length;
/** Spaces before the number, between number and actor, between actor and call. */
const MARGIN = 2;
const GAP = 2;

/** Columns left of the call; on a narrow page the explanation uses less. */
const gutterWidth = (p: Page): number => MARGIN + p.digits + GAP + ACTOR_WIDTH + GAP;
const isNarrow = (p: Page): boolean => p.width < 60;
const textIndent = (p: Page): number => (isNarrow(p) ? MARGIN + 2 : gutterWidth(p));

/** A text without and with colours. */
export interface Painted {
  plain: string;
  painted: string;
}

const ACTOR_COLOUR: Record<Actor, 'yellow' | 'magenta' | 'cyan'> = { runtime: 'yellow', starter: 'magenta', init: 'cyan' };

export const paintActor = (actor: Actor, style: Palette): string => style[ACTOR_COLOUR[actor]](actor);

/** `── namespaces ───────` over the width of the page; `aside` stands at the right end. */
export function chapterHeading(chapter: Chapter, p: Page, aside = ''): string {
  const left = `── ${chapter} `;
  const right = aside ? ` ${aside} ──` : '';
  const line = '─'.repeat(Math.max(2, p.width - left.length - right.length));
  return `${p.style.dim('──')} ${p.style.bold(chapter)} ${p.style.dim(line + right)}`;
}

/**
 * The call of a step, with its number and actor; small print for a minor step.
 * @param call as showCall writes it; what follows the call (its result) is in `result`
 * @param options.mark one character before the number, for a diff
 * @param options.reserve columns to leave free at the right edge
 * @param options.number instead of the step's: for what is no step of the program
 */
export function callLines(
  p: Page,
  index: number,
  step: Step,
  call: string,
  result: Painted,
  options: { mark?: string; reserve?: number; number?: string } = {},
): string[] {
  const number = (options.number ?? String(index + 1)).padStart(p.digits);
  const actor = padEnd(paintActor(step.actor, p.style), ACTOR_WIDTH);
  const gutter = `${options.mark ?? ' '}${' '.repeat(MARGIN - 1)}${p.style.dim(number)}${' '.repeat(GAP)}${actor}${' '.repeat(GAP)}`;
  const room = p.width - gutterWidth(p) - (options.reserve ?? 0);
  const plain = layoutCall(call, room);
  const lines = plain.map((line) => (step.sync || step.minor ? p.style.dim(line) : paintCall(line, p.style)));
  if (result.plain) {
    const last = plain.at(-1) ?? '';
    if (displayWidth(last) + 1 + displayWidth(result.plain) <= room) lines.push(`${lines.pop()} ${result.painted}`);
    else lines.push(' '.repeat(HANGING) + result.painted);
  }
  return lines.map((line, i) => (i === 0 ? gutter : ' '.repeat(gutterWidth(p))) + line);
}

/** Prose below a call, indented and broken between words. */
export const prose = (p: Page, text: string, paint: (line: string) => string = (line) => line): string[] =>
  wrap(harmless(text), p.width - textIndent(p)).map((line) => `${' '.repeat(textIndent(p))}${paint(line)}`);

const either = new Intl.ListFormat('en', { type: 'disjunction' });

/** The line with references: manual page, place in config.json, errors that are fine. */
export function references(p: Page, step: Step): string[] {
  const parts = [`see ${step.man}`, step.from === 'minirun' ? '' : `config ${step.from}`];
  if (step.ignore?.length) parts.push(`may fail with ${either.format(step.ignore)}`);
  return prose(p, parts.filter(Boolean).join(' · '), p.style.dim);
}

/** What is checked after the call, and what it means when it is not so. */
export const checks = (p: Page, step: Step): string[] =>
  (step.expect ?? []).flatMap((e) => prose(p, `Checked afterwards, else the start ends with: ${e.otherwise}`, p.style.dim));

/** The name under which later steps use the result. */
export const savedAs = (p: Page, step: Step): Painted =>
  step.saves
    ? { plain: `= <${step.saves}>`, painted: `${p.style.dim('=')} ${p.style.magenta(`<${step.saves}>`)}` }
    : { plain: '', painted: '' };
