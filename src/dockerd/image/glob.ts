/** Patterns as the filter `reference` has them: those of Go's path.Match, in which `*` stops at a slash. */
import { badRequest } from '../http/api-error.ts';

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');

/** @throws 400 for a pattern that is none */
export function glob(pattern: string): RegExp {
  const wrong = () => badRequest(`invalid filter 'reference': ${JSON.stringify(pattern)}: syntax error in pattern`);
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const letter = pattern[i] as string;
    if (letter === '*') source += '[^/]*';
    else if (letter === '?') source += '[^/]';
    else if (letter === '\\') {
      if (++i >= pattern.length) throw wrong();
      source += escaped(pattern[i] as string);
    } else if (letter === '[') {
      const end = pattern.indexOf(']', i + 2);
      if (end < 0) throw wrong();
      const [, not, letters = ''] = /^(\^?)(.*)$/s.exec(pattern.slice(i + 1, end)) ?? [];
      source += `[${not}${letters.replace(/[\\\]^[]/g, '\\$&')}]`;
      i = end;
    } else source += escaped(letter);
  }
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    throw wrong();
  }
}
