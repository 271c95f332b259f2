/** Text as shell source: words in which every byte is safe, comments that end where their line ends. */
import { harmless, wrapProse } from './c-text.ts';

/** A word of a POSIX shell: as it is where that is safe, else in single quotes. */
export function shWord(value: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(value) && !/^[A-Za-z_][A-Za-z0-9_]*=/.test(value)) return value;
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** Comment lines of at most 100 columns. */
export const shComment = (text: string): string[] => wrapProse(harmless(text), 98).map((line) => `# ${line}`);
