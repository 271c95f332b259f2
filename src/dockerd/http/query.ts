/** What stands behind the `?` of a request, read as Docker's API reads it. */
import { badRequest } from './api-error.ts';

export type Query = URLSearchParams;

/** Docker takes everything for true but these. */
const FALSE = new Set(['', '0', 'no', 'false', 'none']);

export function flag(query: Query, name: string, otherwise = false): boolean {
  const value = query.get(name);
  return value === null ? otherwise : !FALSE.has(value.trim().toLowerCase());
}

/** A whole number, or undefined when it is not given. @throws 400 */
export function integer(query: Query, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === '') return undefined;
  if (!/^-?\d{1,15}$/.test(value)) throw badRequest(`invalid value for ${name}: ${JSON.stringify(value)} is not a whole number`);
  return Number(value);
}

/** Filters by name, each with the values of which one must fit. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/**
 * The parameter `filters`: `{"label":{"a=b":true}}`, or the older `{"label":["a=b"]}`.
 * @param known the names that this endpoint has
 * @throws 400 for what is no JSON, and for unknown names
 */
export function filters(query: Query, known: readonly string[]): Filters {
  const text = query.get('filters');
  const found = new Map<string, string[]>();
  if (text === null || text === '') return found;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw badRequest(`invalid filters: ${JSON.stringify(text)} is not JSON`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw badRequest('invalid filters: not a JSON object');
  for (const [name, values] of Object.entries(parsed)) {
    if (!known.includes(name)) throw badRequest(`invalid filter '${name}'`);
    if (Array.isArray(values)) found.set(name, values.map(String));
    else if (typeof values === 'object' && values !== null)
      found.set(
        name,
        Object.keys(values).filter((key) => values[key as never]),
      );
    else throw badRequest(`invalid filters: ${name} must be a list or an object`);
  }
  return found;
}

/** A filter that says yes or no. @throws 400 */
export function booleanFilter(from: Filters, name: string): boolean | undefined {
  const values = from.get(name);
  if (values === undefined || values.length === 0) return undefined;
  const [value = ''] = values;
  if (['1', 'true'].includes(value)) return true;
  if (['0', 'false'].includes(value)) return false;
  throw badRequest(`invalid filter '${name}=[${values.join(' ')}]'`);
}

/** `label=key` or `label=key=value`: all of them must fit. */
export const labelsMatch = (wanted: readonly string[] | undefined, labels: Readonly<Record<string, string>> = {}): boolean =>
  (wanted ?? []).every((entry) => {
    const equals = entry.indexOf('=');
    if (equals < 0) return Object.hasOwn(labels, entry);
    return labels[entry.slice(0, equals)] === entry.slice(equals + 1);
  });
