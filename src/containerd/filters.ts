/**
 * containerd's filters: `labels.foo==bar,runtime.name~=^io`. A filter is a list of selectors that
 * must all match; of several filters one has to. A selector is a field path, alone (is it there?)
 * or with `==`, `!=` or `~=` (a regular expression) and a value, which may stand in quotes.
 * Source: containerd, docs/filters in pkg/filters/filter.go.
 */
import { invalidArgument } from './errors.ts';

/** What a filter looks at: the value of a field, undefined when there is none. */
export type FieldOf = (path: string[]) => string | undefined;
export type Filter = (field: FieldOf) => boolean;

/** One that something of it matches; without any, all does. @throws invalid argument */
export function parseFilters(texts: readonly string[]): Filter {
  const filters = texts.map(parseFilter);
  return filters.length === 0 ? () => true : (field) => filters.some((matches) => matches(field));
}

/** A field of labels or annotations: what stands after `labels.` is the name, dots and all. */
export const inMap = (map: Record<string, string>, path: string[]): string | undefined => {
  const name = path.join('.');
  return Object.hasOwn(map, name) ? map[name] : undefined;
};

/** Some fields have nothing in them: the same as not being there. */
export const unlessEmpty = (value: string): string | undefined => (value === '' ? undefined : value);

const OPERATOR = /==|!=|~=/y;
const WORD = /[A-Za-z][A-Za-z0-9_]*/y;
const VALUE = /[^,\s"/|][^,\s]*/y;
const QUOTED = { '"': /"(?:[^"\\]|\\.)*"/y, '/': /\/(?:[^/\\]|\\.)*\//y, '|': /\|(?:[^|\\]|\\.)*\|/y };

/** One filter. @throws invalid argument, with a mark where it cannot be understood */
function parseFilter(text: string): Filter {
  if (text === '') return () => true;
  let at = 0;
  const fail = (what: string): never => {
    const place = at < text.length ? `${text.slice(0, at)} >|${text[at]}|< ${text.slice(at + 1)}` : text;
    throw invalidArgument(`filters: parse error: [${place}]: ${what}`);
  };
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const quoted = (marks: (keyof typeof QUOTED)[]): string | undefined => {
    const mark = marks.find((candidate) => candidate === text[at]);
    if (!mark) return undefined;
    const found = take(QUOTED[mark]) ?? fail('quoted literal not terminated');
    return unquote(found.slice(1, -1), mark);
  };
  const path = (): string[] => {
    const fields = [quoted(['"']) ?? take(WORD) ?? fail('expected field or quoted')];
    while (text[at] === '.') {
      at++;
      fields.push(quoted(['"']) ?? take(WORD) ?? fail('expected field or quoted'));
    }
    return fields;
  };
  const selector = (): Filter => {
    const fields = path();
    if (at === text.length || text[at] === ',') return (field) => field(fields) !== undefined;
    const operator = take(OPERATOR) ?? fail('unexpected input, expected operator, comma or end');
    const value = quoted(['"', '/', '|']) ?? take(VALUE) ?? fail('expected value or quoted');
    if (operator === '==') return (field) => field(fields) === value;
    if (operator === '!=') return (field) => field(fields) !== value;
    const pattern = expression(value, fail);
    return (field) => {
      const found = field(fields);
      return found !== undefined && pattern.test(found);
    };
  };
  const selectors = [selector()];
  while (at < text.length) {
    if (text[at] !== ',') fail('unexpected input, expected a comma');
    at++;
    selectors.push(selector());
  }
  return (field) => selectors.every((matches) => matches(field));
}

function expression(value: string, fail: (what: string) => never): RegExp {
  try {
    return new RegExp(value);
  } catch (error) {
    return fail(`not a regular expression: ${error instanceof Error ? error.message : error}`);
  }
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', r: '\r' };

/** What a quoted text stands for. Between slashes or bars, only the mark itself is escaped: a regular expression keeps its own. */
const unquote = (inner: string, mark: string): string =>
  inner.replace(/\\(.)/gs, (whole, next: string) => (mark === '"' ? (ESCAPES[next] ?? next) : next === mark ? next : whole));
