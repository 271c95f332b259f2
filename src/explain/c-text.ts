/** Text as C source: string literals in which every byte is safe, comments that cannot end early. */

/** Letters and digits of any script stay readable: compilers copy UTF-8 in a literal as it is. */
const READABLE = /^[\p{L}\p{N}]$/u;

function escaped(character: string): string {
  const code = character.codePointAt(0) as number;
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  if (character === '"' || character === '\\') return `\\${character}`;
  if (character === '?') return '\\?'; // ??( would be a trigraph
  if (code >= 0x20 && code < 0x7f) return character;
  if (code >= 0x80 && READABLE.test(character)) return character;
  // Always three octal digits, so that a digit that follows is not swallowed.
  return [...Buffer.from(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

/** A C string literal. Lone surrogates become U+FFFD, as they do in the engines. */
export const cString = (value: string): string => `"${[...value].map(escaped).join('')}"`;

/** The same for printf(3): a per cent sign stands for itself. */
export const cFormat = (value: string): string => cString(value.replaceAll('%', '%%'));

/** Splits prose into lines of at most `width` characters; a longer word stays whole. */
export function wrapProse(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  if (line) lines.push(line);
  return lines;
}

/** Prose that may hold names from a config: no end of comment, no control or bidirectional characters. */
export const harmless = (text: string): string =>
  text
    .replaceAll('*/', '* /')
    .replaceAll('/*', '/ *')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ');

/** A block comment of one or more paragraphs, indented, wrapped at 100 columns. */
export function cComment(indent: string, ...paragraphs: string[]): string[] {
  const lines = paragraphs.flatMap((p) => wrapProse(harmless(p), 94 - indent.length));
  if (lines.length === 1) return [`${indent}/* ${lines[0]} */`];
  return [`${indent}/*`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`];
}

/** A comment inside a line. */
export const cNote = (text: string): string => `/* ${harmless(text)} */`;

/** A C identifier made of a result's name: `init pid` → `init_pid`. */
export const cName = (text: string): string => {
  const name = text.replace(/[^A-Za-z0-9]+/g, '_').replace(/^_+|_+$/g, '');
  return /^[A-Za-z]/.test(name) ? name : `r_${name}`;
};
