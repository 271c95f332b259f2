/**
 * Which events a client wants. As in Docker, a filter that names a kind of thing is compared with
 * the thing an event is about, by id and by name.
 */
import type { Message } from '../events.ts';
import { badRequest } from '../http/api-error.ts';
import { type Filters, labelsMatch } from '../http/query.ts';

export const EVENT_FILTERS = [
  'type',
  'event',
  'container',
  'image',
  'label',
  'volume',
  'network',
  'daemon',
  'scope',
  // There are none of these here, and so no events of them.
  'plugin',
  'node',
  'service',
  'secret',
  'config',
];

/** Actions with more behind them: `exec_create: sh -c …`, `health_status: healthy`. */
const OPEN_ENDED = new Set(['health_status', 'exec_create', 'exec_start']);

const KINDS = ['container', 'volume', 'network', 'daemon', 'plugin', 'node', 'service', 'secret', 'config'];

const withoutTag = (name: string): string => name.replace(/(@[^@]*|:[^:/@]*)$/, '');

/** A function that says of each event whether it is wanted. */
export function eventFilter(filters: Filters): (message: Message) => boolean {
  const one = (name: string, fits: (value: string) => boolean): boolean => {
    const values = filters.get(name);
    return values === undefined || values.length === 0 || values.some(fits);
  };
  const openEnded = filters.get('event')?.some((action) => OPEN_ENDED.has(action)) ?? false;
  return ({ Type, Action, Actor: { ID, Attributes }, scope }) => {
    const image = Attributes[Type === 'image' ? 'name' : 'image'] ?? '';
    return (
      one('type', (type) => type === Type) &&
      one('event', (action) => action === Action || (openEnded && Action.startsWith(action))) &&
      one('scope', (wanted) => wanted === scope) &&
      KINDS.every((kind) => one(kind, (wanted) => ID.startsWith(wanted) || (Attributes.name ?? '').startsWith(wanted))) &&
      one('image', (wanted) => [ID, image, withoutTag(ID), withoutTag(image)].includes(wanted)) &&
      labelsMatch(filters.get('label'), Attributes)
    );
  };
}

/**
 * `since` and `until`: seconds since 1970, with up to nine digits behind the point.
 * @returns nanoseconds, 0 when it is not given
 * @throws 400
 */
export function eventTime(name: string, text: string | null): bigint {
  if (text === null || text === '') return 0n;
  const [, sign = '', seconds, fraction = ''] = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  if (seconds === undefined) throw badRequest(`invalid value for ${name}: ${JSON.stringify(text)} is not a number of seconds since 1970`);
  const nanoseconds = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? -nanoseconds : nanoseconds;
}

/** From when to when; nanoseconds. 0 stands for no limit. */
export interface Span {
  since: bigint;
  until: bigint;
}

/** @throws 400 */
export function eventSpan(since: string | null, until: string | null): Span {
  const span = { since: eventTime('since', since), until: eventTime('until', until) };
  if (span.until !== 0n && span.until < span.since) throw badRequest(`\`since\` time (${since}) cannot be after \`until\` time (${until})`);
  return span;
}

/** Events of the past are told only to those who ask for a time. */
export function pastEvents(kept: readonly Message[], { since, until }: Span): Message[] {
  if (since === 0n && until === 0n) return [];
  return kept.filter(({ timeNano }) => BigInt(timeNano) >= since && (until === 0n || BigInt(timeNano) <= until));
}
