/** What a message carries, as one line of text. */
import type { Carried, Fields } from '../messages/message.ts';
import { harmless, quote } from './quote.ts';

/** Longest text in a field before it is cut. */
const TEXT_WIDTH = 72;

/** `id "web", rootfs [{type "bind", source "/x"}], terminal true`. Longer than a line, maybe. */
export const showFields = (fields: Fields, width = TEXT_WIDTH): string =>
  Object.entries(fields)
    .map(([name, value]) => `${harmless(name)} ${showValue(value, width)}`)
    .join(', ');

function showValue(value: Carried, width: number): string {
  if (typeof value === 'string') return quote(value, width);
  if (Array.isArray(value)) return `[${value.map((v) => showValue(v, width)).join(', ')}]`;
  return typeof value === 'object' ? `{${showFields(value, width)}}` : String(value);
}
