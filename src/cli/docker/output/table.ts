/** Tables as Docker's client lays them out, cut to the width of a terminal. */
import { displayWidth, padEnd, palette, wantsColour } from '../../../explain/style.ts';

const LEAST = 10;
const GAP = 3;
/** A column is not made narrower than this to fit. */
const LEAST_CUT = 12;

/** What would move the cursor or break the line is shown as a question mark. */
const visible = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, '?');

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  for (const letter of text) {
    if (displayWidth(kept + letter) > width - 1) break;
    kept += letter;
  }
  return `${kept}…`;
}

export interface TableLook {
  /** Columns of the terminal; undefined: as wide as it needs to be. */
  width?: number | undefined;
  colour?: boolean;
  /** The narrowest column, its gap included; 10 without. */
  least?: number;
}

/** How tables look on a stream. */
export const lookOf = (stream: NodeJS.WriteStream): TableLook => ({
  width: stream.isTTY ? stream.columns || undefined : undefined,
  colour: wantsColour(stream),
});

/**
 * Lines of cells → text. Cells are as wide as the widest of their column, at least ten with the three
 * spaces behind them. On a terminal the widest columns are cut until a line fits; names are cut last.
 * @param lines the first one is the header
 */
export function tableText(lines: readonly (readonly string[])[], { width, colour = false, least = LEAST }: TableLook = {}): string {
  const cells = lines.map((line) => line.map(visible));
  const count = Math.max(0, ...cells.map((line) => line.length));
  const needs = Array.from({ length: count }, (_, i) => Math.max(...cells.map((line) => displayWidth(line[i] ?? ''))));
  const widths = needs.map((need, i) => (i === count - 1 ? need : Math.max(need, least - GAP)));
  if (width !== undefined) narrow(widths, width - GAP * (count - 1));
  const { bold } = palette(colour);
  return cells
    .map((line, n) => {
      const text = line
        .map((cell, i) =>
          i === count - 1 ? cut(cell, widths[i] as number) : padEnd(cut(cell, widths[i] as number), (widths[i] as number) + GAP),
        )
        .join('');
      return `${n === 0 ? bold(text) : text}\n`;
    })
    .join('');
}

/** Takes from the widest until all fits, or nothing more can be taken. */
function narrow(widths: number[], room: number): void {
  for (let excess = widths.reduce((a, b) => a + b, 0) - room; excess > 0; ) {
    const widest = widths.indexOf(Math.max(...widths));
    const others = Math.max(LEAST_CUT, ...widths.filter((_, i) => i !== widest && (widths[i] as number) < (widths[widest] as number)));
    const less = Math.min(excess, Math.max(1, (widths[widest] as number) - others));
    if ((widths[widest] as number) - less < LEAST_CUT) return;
    widths[widest] = (widths[widest] as number) - less;
    excess -= less;
  }
}
