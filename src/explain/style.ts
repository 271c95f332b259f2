/** How text looks in a terminal: colours, width in columns, lines that end between words. */

export interface Palette {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  blue(text: string): string;
  magenta(text: string): string;
  cyan(text: string): string;
}

const ESC = '\u001b[';
const sgr = (on: number, off: number) => (text: string) => (text ? `${ESC}${on}m${text}${ESC}${off}m` : '');
const same = (text: string): string => text;

const COLOURED: Palette = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
  blue: sgr(34, 39),
  magenta: sgr(35, 39),
  cyan: sgr(36, 39),
};
const PLAIN: Palette = { bold: same, dim: same, red: same, green: same, yellow: same, blue: same, magenta: same, cyan: same };

/** ANSI colours, or functions that change nothing. */
export const palette = (colour: boolean): Palette => (colour ? COLOURED : PLAIN);

/**
 * Whether to colour what is written to `stream`: NO_COLOR (any value) says no, FORCE_COLOR says
 * yes (0 and false: no), else a terminal that is not "dumb" is coloured. Source: no-color.org.
 */
export function wantsColour(stream: { isTTY?: boolean }, env: Record<string, string | undefined> = process.env): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false';
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** Lines longer than this are hard to read, however wide the window is. */
const COMFORTABLE = 110;

/** Columns to write to `stream` with: the terminal's, at most 110; 100 where it is no terminal. */
export const textWidth = (stream: { isTTY?: boolean; columns?: number }): number =>
  stream.isTTY && stream.columns ? Math.max(30, Math.min(stream.columns, COMFORTABLE)) : 100;

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are escape sequences
const COLOUR_SEQUENCE = /\u001b\[[0-9;]*m/g;
/** Blocks that Unicode's East Asian Width property calls wide, and emoji. */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1faff}\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}/u;
/** Made when it is needed: loading its tables takes 5 ms, and most texts are ASCII. */
let segmenter: Intl.Segmenter | undefined;
const graphemes = {
  segment(text: string) {
    segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
    return segmenter.segment(text);
  },
};

/** Columns that a text takes in a terminal: 2 for a wide character, 0 for a colour or a combining mark. */
export function displayWidth(text: string): number {
  const plain = text.replace(COLOUR_SEQUENCE, '');
  if (/^[ -~]*$/.test(plain)) return plain.length;
  let width = 0;
  for (const { segment } of graphemes.segment(plain)) {
    if (/^[\p{Mn}\p{Cf}]/u.test(segment)) continue;
    width += WIDE.test(segment) ? 2 : 1;
  }
  return width;
}

/** Adds spaces on the right until the text is `width` columns wide. */
export const padEnd = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - displayWidth(text)));

/**
 * Breaks a text into lines of at most `width` columns, between words; a word that is longer than
 * a line is broken where the line ends. Newlines in the text are kept.
 */
export function wrap(text: string, width: number): string[] {
  const room = Math.max(10, width);
  return text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    let used = 0;
    for (const word of paragraph.split(' ').filter(Boolean)) {
      for (const piece of displayWidth(word) > room ? chop(word, room) : [word]) {
        const length = displayWidth(piece);
        if (line && used + 1 + length > room) {
          lines.push(line);
          line = '';
          used = 0;
        }
        used += length + (line ? 1 : 0);
        line = line ? `${line} ${piece}` : piece;
      }
    }
    lines.push(line);
    return lines;
  });
}

function chop(word: string, width: number): string[] {
  const pieces: string[] = [];
  let piece = '';
  for (const { segment } of graphemes.segment(word)) {
    if (displayWidth(piece + segment) > width) {
      pieces.push(piece);
      piece = '';
    }
    piece += segment;
  }
  pieces.push(piece);
  return pieces;
}
