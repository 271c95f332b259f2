/** Splits a template into text and actions, and an action into tokens. */
import { TemplateError } from './error.ts';

export interface Token {
  kind: 'field' | 'variable' | 'word' | 'string' | 'number' | 'symbol';
  text: string;
  /** Of a string or a number. */
  value?: string | number;
  /** White space stands before it: `.A .B` are two operands, `.A.B` is one. */
  spaced: boolean;
}

export type Piece = { kind: 'text'; text: string } | { kind: 'action'; tokens: Token[] };

/** `text {{- action -}} text`: a minus trims the white space beside it. @throws TemplateError */
export function piecesOf(template: string): Piece[] {
  const pieces: Piece[] = [];
  let rest = template;
  let trimNext = false;
  for (;;) {
    const open = rest.indexOf('{{');
    let text = open < 0 ? rest : rest.slice(0, open);
    if (trimNext) text = text.trimStart();
    if (open < 0) {
      pieces.push({ kind: 'text', text });
      return pieces;
    }
    rest = rest.slice(open + 2);
    if (/^-\s/.test(rest)) {
      text = text.trimEnd();
      rest = rest.slice(1);
    }
    pieces.push({ kind: 'text', text });
    const comment = /^\s*\/\*[\s\S]*?\*\/(\s+-)?\s*\}\}/.exec(rest);
    if (comment) {
      trimNext = comment[1] !== undefined;
      rest = rest.slice(comment[0].length);
      continue;
    }
    const { tokens, length, trims } = readAction(rest);
    pieces.push({ kind: 'action', tokens });
    trimNext = trims;
    rest = rest.slice(length);
  }
}

const PATTERNS: [Token['kind'], RegExp][] = [
  ['number', /^[+-]?(?:0[xX][0-9a-fA-F]+|0[oO]?[0-7]+(?![.\d])|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w])/],
  ['field', /^\.[\p{L}_][\p{L}\p{Nd}_]*/u],
  ['variable', /^\$[\p{L}\p{Nd}_]*/u],
  ['word', /^[\p{L}_][\p{L}\p{Nd}_]*/u],
  ['string', /^"(?:[^"\\\n]|\\.)*"/],
  ['string', /^`[^`]*`/],
  ['string', /^'(?:[^'\\\n]|\\.)+'/],
  ['symbol', /^(?::=|[=|(),.])/],
];

/** Up to and with `}}`. */
function readAction(source: string): { tokens: Token[]; length: number; trims: boolean } {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    const space = /^\s*/.exec(source.slice(at))?.[0].length ?? 0;
    at += space;
    const rest = source.slice(at);
    if (rest.startsWith('}}')) return { tokens, length: at + 2, trims: false };
    if (space > 0 && rest.startsWith('-}}')) return { tokens, length: at + 3, trims: true };
    if (rest === '') throw new TemplateError('unclosed action');
    const found = PATTERNS.map(([kind, pattern]) => ({ kind, text: pattern.exec(rest)?.[0] })).find(({ text }) => text !== undefined);
    if (found?.text === undefined) {
      throw new TemplateError(/^["'`]/.test(rest) ? 'unterminated quoted string' : `unexpected ${JSON.stringify(rest[0])} in operand`);
    }
    tokens.push(withValue({ kind: found.kind, text: found.text, spaced: space > 0 }));
    at += found.text.length;
  }
}

function withValue(token: Token): Token {
  const { kind, text } = token;
  if (kind === 'number') return { ...token, value: Number(text.replace(/^([+-]?)0([0-7]+)$/, '$10o$2')) };
  if (kind !== 'string') return token;
  if (text.startsWith('`')) return { ...token, value: text.slice(1, -1) };
  const value = unquote(text.slice(1, -1));
  // A character in single quotes is a number in Go.
  return text.startsWith("'") ? { ...token, kind: 'number', value: value.codePointAt(0) ?? 0 } : { ...token, value };
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' };

/** Go's escapes in an interpreted string. */
export const unquote = (text: string): string =>
  text.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gs, (_, code: string) => {
    if (/^[xuU]./.test(code)) return String.fromCodePoint(Number.parseInt(code.slice(1), 16));
    if (/^[0-7]{3}$/.test(code)) return String.fromCodePoint(Number.parseInt(code, 8));
    return ESCAPES[code] ?? code;
  });
