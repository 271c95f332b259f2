/** A call on the page: broken into lines between arguments and flags, never inside a string; coloured. */
import { displayWidth, type Palette } from './style.ts';

/** Columns by which the second and later lines of a call are moved to the right. */
export const HANGING = 4;

/** Splits after every separator that stands outside quotes and outside deeper brackets than `depth`. */
function split(call: string, depth: number, ends: (text: string) => boolean): string[] {
  const out: string[] = [];
  let piece = '';
  let open = 0;
  let quoted = false;
  for (let i = 0; i < call.length; i++) {
    const c = call[i] as string;
    piece += c;
    if (quoted && c === '\\') piece += call[++i] ?? '';
    else if (c === '"') quoted = !quoted;
    else if (quoted) continue;
    else if ('([{'.includes(c)) open++;
    else if (')]}'.includes(c)) open--;
    if (quoted || open > depth || !ends(piece)) continue;
    out.push(piece);
    piece = '';
  }
  if (piece) out.push(piece);
  return out;
}

const argumentsOf = (call: string): string[] => split(call, 1, (text) => text.endsWith(', '));
/** The parts of one argument: elements of a list, fields of a struct, single flags. */
const partsOf = (argument: string): string[] =>
  split(argument, Number.POSITIVE_INFINITY, (text) => text.endsWith(', ') || text.endsWith('|'));

/**
 * Lays a call (as `showCall` writes it) out over lines of at most `width` columns. An argument that fits on a line stays whole; a string is never broken, so a
 * line with a long one may be longer.
 */
export function layoutCall(call: string, width: number): string[] {
  if (displayWidth(call) <= width) return [call];
  const indent = ' '.repeat(HANGING);
  const lines: string[] = [];
  let line = '';
  const put = (piece: string) => {
    if (line.trim() && displayWidth(line + piece.trimEnd()) > width) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += piece;
  };
  for (const argument of argumentsOf(call)) {
    const fits = displayWidth(indent + argument.trimEnd()) <= width;
    for (const piece of fits ? [argument] : partsOf(argument)) put(piece);
  }
  lines.push(line);
  return lines;
}

const TOKENS = /(?<text>"(?:[^"\\]|\\.)*"…?)|(?<note>\/\*.*?\*\/)|(?<name><[^<>"]+>)|(?<flag>\b_?[A-Z][A-Z0-9_]{2,}\b)/g;

/** Colours one line of a call: the callee bold, strings green, flags blue, results of earlier steps magenta. */
export function paintCall(line: string, style: Palette): string {
  const callee = /^[a-z_0-9]+(?=\()/.exec(line)?.[0] ?? '';
  const rest = line.slice(callee.length).replace(TOKENS, (token, ...found) => {
    const groups = found.at(-1) as Record<string, string | undefined>;
    if (groups.text) return style.green(token);
    if (groups.note) return style.dim(token);
    if (groups.name) return style.magenta(token);
    return style.blue(token);
  });
  return style.bold(callee) + rest;
}
