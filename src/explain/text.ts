/** A program as a text to read: `minirun explain --format text` and `--dry-run`. */
import type { Actor, Program, Step } from '../runc/program/step.ts';
import { showStep } from './decode.ts';
import { harmless } from './quote.ts';
import { callLines, chapterHeading, checks, type Page, page, paintActor, prose, references, savedAs } from './step-block.ts';
import { padEnd, palette, wrap } from './style.ts';

export interface TextOptions {
  colour?: boolean;
  /** Columns; 100 unless told. */
  width?: number;
  /** Show flags as numbers too. */
  numbers?: boolean;
}

/** Longest string in a call before it is cut: a line of the page should be enough for most. */
export const STRING_WIDTH = 72;

export const ACTOR_MEANING: Record<Actor, string> = {
  runtime: 'minirun itself, outside: makes cgroups, maps users, keeps state',
  starter: 'a short-lived process in between: joins namespaces, then clones init',
  init: 'becomes process 1 of the container, and at last the command itself',
};

/** The whole program, a chapter after another, ending in a newline. */
export function renderText(program: Program, options: TextOptions = {}): string {
  const style = palette(options.colour ?? false);
  const p = page(program, style, options.width ?? 100);
  const told = newTold();
  const out: string[] = header(program, p);
  program.steps.forEach((step, index) => {
    const before = program.steps[index - 1];
    if (step.chapter !== before?.chapter) out.push('', chapterHeading(step.chapter, p, span(program, index)), '');
    // Full steps stand apart from what is above; small print stays with the step that it serves.
    else if (!isTold(step, told)) out.push('');
    const shown = showStep(program, index, { numbers: options.numbers ?? false, width: STRING_WIDTH });
    out.push(...callLines(p, index, step, shown, savedAs(p, step)), ...explanation(p, step, told));
  });
  return `${out.join('\n')}\n`;
}

/** What has been explained already on a page. */
export interface Told {
  whys: Set<string>;
  /** The last step that was no small print. */
  last: Step | undefined;
}
export const newTold = (): Told => ({ whys: new Set(), last: undefined });

/**
 * Nothing new is to be said of this step: small print (a close, a second write) has the same
 * reason every time, and steps in a row may be the same thing done to one item after another.
 */
export const isTold = (step: Step, told: Told): boolean =>
  step.minor
    ? told.whys.has(step.why)
    : told.last?.why === step.why && told.last.from === step.from && told.last.call.name === step.call.name;

/** Why, and where to read more; nothing where that has been told. */
export function explanation(p: Page, step: Step, told: Told): string[] {
  const again = isTold(step, told);
  told.whys.add(step.why);
  if (!step.minor) told.last = step;
  if (again) return [];
  return step.minor ? prose(p, step.why, p.style.dim) : [...prose(p, step.why), ...checks(p, step), ...references(p, step)];
}

/** `steps 12 to 19 of 61` for the run of steps in one chapter that begins at `first`. */
function span(program: Program, first: number): string {
  let last = first;
  while (program.steps[last + 1]?.chapter === program.steps[first]?.chapter) last++;
  const total = program.steps.length;
  return first === last ? `step ${first + 1} of ${total}` : `steps ${first + 1} to ${last + 1} of ${total}`;
}

function header(program: Program, p: Page): string[] {
  const { style } = p;
  const actors = (['runtime', 'starter', 'init'] as const).filter((actor) => program.steps.some((s) => s.actor === actor));
  const out = [
    style.bold(`This container starts in ${program.steps.length} steps.`),
    ...wrap('Each is one call into the kernel, made in this order. Nothing has been run.', p.width),
    '',
    ...legend(p, actors),
    ...entry(p, '<name>', style.magenta('<name>'), 'the result of the earlier step that ends in "= <name>", such as a file descriptor'),
    ...entry(
      p,
      'config',
      style.dim('config'),
      'the place in config.json that asks for a step; without it, minirun adds the step by itself',
    ),
  ];
  if (program.warnings.length) out.push('', ...warningLines(program, p));
  return out;
}

const LABEL = 9;
const entry = (p: Page, plain: string, painted: string, meaning: string): string[] =>
  wrap(meaning, p.width - LABEL - 2).map((line, i) => `  ${i === 0 ? padEnd(painted, LABEL) : ' '.repeat(plain ? LABEL : 0)}${line}`);

/** Who makes the calls, a line each. */
export const legend = (p: Page, actors: readonly Actor[]): string[] =>
  actors.flatMap((actor) => entry(p, actor, paintActor(actor, p.style), ACTOR_MEANING[actor]));

/** What the compiler had to leave out. */
export const warningLines = (program: Program, p: Page): string[] =>
  program.warnings.flatMap((warning) =>
    wrap(`warning: ${harmless(warning)}`, p.width - 2).map((line, i) => p.style.yellow(i === 0 ? `! ${line}` : `  ${line}`)),
  );
