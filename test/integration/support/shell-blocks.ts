/**
 * The commands of a Markdown page, with what they print.
 *
 * A block fenced as ```sh is run: a line that begins with `$ ` is a command (one that ends with a
 * backslash goes on in the next line), the lines after it are what it prints. `…` stands for
 * anything within a line, a line of `…` alone for any number of lines. Words after `sh` are
 * conditions (see docs.test.ts) or `approx`: numbers, ids and the width of gaps may differ.
 */
export interface ShellCommand {
  text: string;
  expected: string[];
  /** Line of the page, from 1. */
  line: number;
}

export interface ShellBlock {
  /** The words after `sh`. */
  words: string[];
  commands: ShellCommand[];
  line: number;
}

const FENCE = /^ {0,3}```(.*)$/;

/** @throws Error naming the line when a block has output without a command, or no end */
export function shellBlocks(markdown: string): ShellBlock[] {
  const blocks: ShellBlock[] = [];
  let inside: 'text' | ShellBlock | undefined;
  markdown.split('\n').forEach((line, index) => {
    const fence = FENCE.exec(line);
    if (fence && inside === undefined) {
      const [language, ...words] = (fence[1] ?? '').trim().split(/\s+/);
      inside = language === 'sh' ? { words, commands: [], line: index + 1 } : 'text';
      return;
    }
    if (fence) {
      if (inside !== 'text' && inside !== undefined) blocks.push(inside);
      inside = undefined;
      return;
    }
    if (inside === undefined || inside === 'text') return;
    const last = inside.commands.at(-1);
    if (last && last.expected.length === 0 && last.text.endsWith('\\')) last.text = `${last.text}\n${line}`;
    else if (line.startsWith('$ ')) inside.commands.push({ text: line.slice(2), expected: [], line: index + 1 });
    else if (last) last.expected.push(line.trimEnd());
    else throw new Error(`line ${index + 1}: output without a command; fence it as text, or begin the command with "$ "`);
  });
  if (inside !== undefined) throw new Error('the last block has no end');
  return blocks;
}

const ANY = '…';
const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Numbers with their units, hexadecimal ids, and gaps, as patterns. */
const loosen = (pattern: string): string =>
  pattern
    .replace(/\b[0-9a-f]{12,64}\b/g, '\u0001')
    .replace(/\d+(?:\\\.\d+)?(?: (?:µs|ms|s)\b)?/g, '\\d+(?:\\.\\d+)?(?: (?:µs|ms|s))?')
    .replaceAll('\u0001', '[0-9a-f]{12,64}')
    .replace(/ {2,}/g, ' +');

const lineMatches = (expected: string, actual: string, approx: boolean): boolean => {
  const pattern = expected.split(ANY).map(literal).join('.*');
  return new RegExp(`^${approx ? loosen(pattern) : pattern}$`, 'u').test(actual);
};

/** Whether the lines that were printed are those that the page shows. */
export function outputMatches(expected: readonly string[], actual: readonly string[], approx = false): boolean {
  // Row by row: for how many actual lines so far the expected lines so far can stand.
  let reached = new Set([0]);
  for (const line of expected) {
    const next = new Set<number>();
    if (line === ANY) for (let n = Math.min(...reached); n <= actual.length; n++) next.add(n);
    else for (const n of reached) if (n < actual.length && lineMatches(line, actual[n] as string, approx)) next.add(n + 1);
    if (next.size === 0) return false;
    reached = next;
  }
  return reached.has(actual.length);
}
