/** Signals by name and number, as the API takes them: KILL, SIGKILL, 9. */
import { constants } from 'node:os';
import { badRequest } from '../http/api-error.ts';

/** signal(7): real-time signals have no names in Node. */
const RTMIN = 34;
const RTMAX = 64;

/** @throws 400 `Invalid signal: X` */
export function parseSignal(text: string): number {
  const upper = text.trim().toUpperCase();
  if (/^\d+$/.test(upper)) {
    const number = Number(upper);
    if (number >= 1 && number <= RTMAX) return number;
    throw badRequest(`Invalid signal: ${text}`);
  }
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const known = (constants.signals as Record<string, number>)[name];
  if (known !== undefined) return known;
  const [, base, sign, offset] = /^SIGRT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name) ?? [];
  if (base !== undefined) {
    const number = (base === 'MIN' ? RTMIN : RTMAX) + Number(`${sign ?? ''}${offset ?? 0}`);
    if (number >= RTMIN && number <= RTMAX) return number;
  }
  throw badRequest(`Invalid signal: ${text}`);
}

export const SIGTERM = 15;
export const SIGKILL = 9;
