/** A difference of two programs as a text to read. */
import type { Program, Step } from '../runc/program/step.ts';
import { showStep } from './decode.ts';
import { type ArgumentChange, type Diff, type DiffEntry, flagChange } from './program-diff.ts';
import { callLines, chapterHeading, type Page, page, prose } from './step-block.ts';
import { type Palette, palette } from './style.ts';
import { STRING_WIDTH } from './text.ts';

export { type ArgumentChange, type Diff, type DiffEntry, diffPrograms } from './program-diff.ts';

export interface DiffTextOptions {
  colour?: boolean;
  /** Columns; 100 unless told. */
  width?: number;
}

/** The sum in one line, then each step that differs, under the heading of its chapter. Ends in a newline. */
export function renderDiff(diff: Diff, options: DiffTextOptions = {}): string {
  const style = palette(options.colour ?? false);
  const larger = diff.before.steps.length > diff.after.steps.length ? diff.before : diff.after;
  const p = page(larger, style, options.width ?? 100);
  const out = [style.bold(sum(diff))];
  const told = new Set<string>();
  let chapter: string | undefined;
  for (const entry of diff.entries) {
    const [program, index] = sideOf(diff, entry);
    const step = program.steps[index] as Step;
    if (step.chapter !== chapter) {
      chapter = step.chapter;
      out.push('', chapterHeading(step.chapter, p), '');
    } else if (!(step.minor && told.has(step.why))) out.push('');
    out.push(
      ...callLines(
        p,
        index,
        step,
        showStep(program, index, { width: STRING_WIDTH }),
        { plain: '', painted: '' },
        { mark: mark(entry, style) },
      ),
    );
    out.push(...below(p, entry, step, told));
  }
  return `${out.join('\n')}\n`;
}

/** `14 steps fewer: 2 added, 16 removed, 1 changed (136 before, 122 after).` */
export function sum(diff: Diff): string {
  const { before, after, entries } = diff;
  if (!entries.length) return `No difference: the same ${before.steps.length} steps.`;
  const count = (kind: DiffEntry['kind']) => entries.filter((entry) => entry.kind === kind).length;
  const more = after.steps.length - before.steps.length;
  const size = more === 0 ? 'As many steps' : `${Math.abs(more)} step${Math.abs(more) === 1 ? '' : 's'} ${more > 0 ? 'more' : 'fewer'}`;
  const parts = (['added', 'removed', 'changed'] as const).filter(count).map((kind) => `${count(kind)} ${kind}`);
  return `${size}: ${parts.join(', ')} (${before.steps.length} before, ${after.steps.length} after).`;
}

/** The program and index that an entry is shown from: the new one where it has the step. */
const sideOf = (diff: Diff, entry: DiffEntry): [Program, number] =>
  entry.kind === 'removed' ? [diff.before, entry.before] : [diff.after, entry.after];

function mark(entry: DiffEntry, style: Palette): string {
  if (entry.kind === 'added') return style.green('+');
  return entry.kind === 'removed' ? style.red('-') : style.yellow('~');
}

/** For a changed step what is different, for the others why they are (or were) made: each reason once. */
function below(p: Page, entry: DiffEntry, step: Step, told: Set<string>): string[] {
  if (entry.kind === 'changed') return argumentLines(entry.arguments).flatMap((line) => prose(p, line, p.style.yellow));
  if (told.has(step.why)) return [];
  told.add(step.why);
  return prose(p, step.why, step.minor ? p.style.dim : undefined);
}

/** `flags: +CLONE_NEWNET`; arguments that change in the same way (capability sets) share a line. */
function argumentLines(changes: ArgumentChange[]): string[] {
  const names = new Map<string, string[]>();
  for (const change of changes) {
    const what = flagChange(change) ?? `${change.before} → ${change.after}`;
    names.set(what, [...(names.get(what) ?? []), change.name]);
  }
  return [...names].map(([what, who]) => `${who.join(', ')}: ${what}`);
}
