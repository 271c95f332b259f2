/** Points in time as `--since`, `--until` and the filter `until` give them. */
import { durationOf } from '../../containerd/duration.ts';
import { badRequest } from './api-error.ts';

/**
 * Seconds since 1970 (with a fraction), RFC 3339 in whole or in part, or a duration before now.
 * @returns milliseconds since 1970
 * @throws 400
 */
export function pointInTime(text: string, now = Date.now()): number {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const ago = durationOf(text);
  if (ago !== undefined) return now - ago;
  const [, day, time = '00:00:00', zone = ''] =
    /^(\d{4}-\d\d-\d\d)(?:T(\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?))?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? [];
  // Without a zone it is the daemon's, as in Docker.
  const found = day === undefined ? Number.NaN : Date.parse(`${day}T${`${time}:00:00`.slice(0, Math.max(8, time.length))}${zone}`);
  if (Number.isNaN(found)) throw badRequest(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return found;
}
