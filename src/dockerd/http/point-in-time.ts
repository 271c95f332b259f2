/** Points in time as `--since`, `--until` and the filter `until` give them. */
import { badRequest } from './api-error.ts';

const UNIT: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Go's durations, 1h30m. @returns milliseconds; undefined for what is none */
export function durationOf(text: string): number | undefined {
  const [, sign, parts] = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)$/.exec(text) ?? [];
  if (parts === undefined) return text === '0' ? 0 : undefined;
  let sum = 0;
  for (const [, number, unit] of parts.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g))
    sum += Number(number) * (UNIT[unit as string] ?? 0);
  return sign === '-' ? -sum : sum;
}

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
