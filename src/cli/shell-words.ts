/** A text split into words as a shell does it: quotes and backslashes, but no variables or patterns. */
import { UsageError } from './usage-error.ts';

/** `--name 'a b' -e X="1 2"` → `--name`, `a b`, `-e`, `X=1 2`. @throws UsageError for a quote that is not closed */
export function shellWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    const next = text[i + 1];
    if (quote === "'") {
      if (c === "'") quote = '';
      else word += c;
    } else if (c === '\\' && next !== undefined && (quote === '' || '"\\$`'.includes(next))) {
      word = (word ?? '') + next;
      i++;
    } else if (quote === '"') {
      if (c === '"') quote = '';
      else word += c;
    } else if (c === "'" || c === '"') {
      quote = c;
      word ??= '';
    } else if (/\s/.test(c)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + c;
  }
  if (quote) throw new UsageError(`${JSON.stringify(text)}: a ${quote} is not closed`);
  if (word !== undefined) words.push(word);
  return words;
}
