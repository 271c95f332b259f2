/** The functions that templates may call: those of Go's text/template, and those that Docker's client adds. */
import { TemplateError } from './error.ts';
import { formatted, printed, truth } from './values.ts';

type Function = (...values: unknown[]) => unknown;

const sizeOf = (value: unknown): number => {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  throw new TemplateError(`error calling len: len of ${value === null || value === undefined ? 'nil pointer' : `type ${typeof value}`}`);
};

function index(of: unknown, ...keys: unknown[]): unknown {
  return keys.reduce((value, key) => {
    if (value === null || value === undefined) throw new TemplateError('error calling index: index of untyped nil');
    if (Array.isArray(value) || typeof value === 'string') {
      const at = Number(key);
      if (!Number.isInteger(at) || at < 0 || at >= value.length)
        throw new TemplateError(`error calling index: index out of range: ${printed(key)}`);
      return typeof value === 'string' ? value.charCodeAt(at) : value[at];
    }
    if (typeof value !== 'object') throw new TemplateError(`error calling index: can't index item of type ${typeof value}`);
    // A map of Go gives the zero value for a key that it does not have.
    const found = Object.hasOwn(value, String(key)) ? (value as Record<string, unknown>)[String(key)] : undefined;
    return found === undefined && Object.values(value).every((other) => typeof other === 'string') ? '' : found;
  }, of);
}

function slice(of: unknown, from: unknown = 0, to?: unknown): unknown {
  if (typeof of !== 'string' && !Array.isArray(of)) throw new TemplateError(`error calling slice: can't slice item of type ${typeof of}`);
  const [begin, end] = [Number(from), to === undefined ? of.length : Number(to)];
  if (!(begin >= 0 && begin <= end && end <= of.length)) throw new TemplateError(`error calling slice: index out of range: ${end}`);
  return of.slice(begin, end);
}

function compare(name: string, a: unknown, b: unknown): number {
  if (typeof a !== typeof b || (typeof a !== 'number' && typeof a !== 'string'))
    throw new TemplateError(`error calling ${name}: incompatible types for comparison`);
  return a < (b as typeof a) ? -1 : a > (b as typeof a) ? 1 : 0;
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(printed) : [printed(value)]);
const title = (text: string): string =>
  text.replace(/(^|\s)(\p{Ll})/gu, (_, space: string, letter: string) => space + letter.toUpperCase());

/** As Go's encoding/json, which escapes what could end a script element. */
export const goJson = (value: unknown): string =>
  (JSON.stringify(value) ?? 'null').replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);

export const FUNCTIONS: Record<string, Function> = {
  len: sizeOf,
  index,
  slice,
  not: (value) => !truth(value),
  eq: (first, ...others) => others.some((other) => other === first),
  ne: (a, b) => a !== b,
  lt: (a, b) => compare('lt', a, b) < 0,
  le: (a, b) => compare('le', a, b) <= 0,
  gt: (a, b) => compare('gt', a, b) > 0,
  ge: (a, b) => compare('ge', a, b) >= 0,
  print: (...values) =>
    values
      // fmt.Sprint: a space between two operands when neither is a string.
      .map((value, n) => (n > 0 && typeof value !== 'string' && typeof values[n - 1] !== 'string' ? ' ' : '') + printed(value))
      .join(''),
  println: (...values) => `${values.map(printed).join(' ')}\n`,
  printf: (format, ...values) => formatted(printed(format), values),
  html: (...values) =>
    values
      .map(printed)
      .join('')
      .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`),
  urlquery: (...values) => encodeURIComponent(values.map(printed).join('')).replaceAll('%20', '+'),
  // Docker's own:
  json: goJson,
  split: (text, separator) => printed(text).split(printed(separator)),
  join: (list, separator) => texts(list).join(printed(separator)),
  title: (text) => title(printed(text)),
  lower: (text) => printed(text).toLowerCase(),
  upper: (text) => printed(text).toUpperCase(),
  pad: (text, before, after) => (printed(text) === '' ? '' : ' '.repeat(Number(before)) + printed(text) + ' '.repeat(Number(after))),
  truncate: (text, length) => [...printed(text)].slice(0, Number(length)).join(''),
};
