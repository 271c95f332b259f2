/**
 * Requests of Docker's API as messages. Their clients tell nothing (the real docker least of all), so
 * it is told here, by the receiver.
 */
import { HIDDEN, LONGEST_LIST, shown } from './carries.ts';
import { begin, type Crossing, sentence } from './crossing.ts';
import type { Carried, Fields } from './message.ts';
import { answeringTo } from './teller.ts';

const SECRET = /token|secret|passw|credential|auth|api_?key|private_?key|cookie/i;
/** People keep passwords in it. */
const ENVIRONMENT = /^(env|buildargs)$/i;
const DEEPEST = 4;

/** What a body or a query says, without what says nothing: null, '', 0, false and empty lists. */
export function fieldsOf(value: unknown, depth = 0): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const fields: Fields = {};
  for (const [name, entry] of Object.entries(value)) {
    const told = SECRET.test(name) || ENVIRONMENT.test(name) ? hidden(entry) : carried(entry, depth + 1);
    if (told !== undefined) fields[name] = told;
  }
  return fields;
}

const hidden = (value: unknown): Carried | undefined => (carried(value, 0) === undefined ? undefined : HIDDEN);

function carried(value: unknown, depth: number): Carried | undefined {
  if (typeof value === 'string') return value === '' ? undefined : shown(value);
  if (typeof value === 'number') return value === 0 ? undefined : value;
  if (typeof value === 'boolean') return value ? true : undefined;
  if (Array.isArray(value)) {
    const list = value.slice(0, LONGEST_LIST).flatMap((entry) => carried(entry, depth + 1) ?? []);
    const more = value.length - LONGEST_LIST;
    if (list.length === 0) return undefined;
    return more > 0 ? [...list, `… ${more} more`] : list;
  }
  if (depth > DEEPEST) return '…';
  const fields = fieldsOf(value, depth);
  return Object.keys(fields).length > 0 ? fields : undefined;
}

/**
 * Runs a handler; what it sends meanwhile is told within the request.
 * @param status the answer's, when it is there
 */
export async function receivedRequest(message: Crossing, act: () => Promise<void>, status: () => number): Promise<void> {
  const { id, end } = begin(message);
  try {
    await answeringTo(id, act);
    end({ status: status() });
  } catch (error) {
    end(undefined, sentence(error));
    throw error;
  }
}
