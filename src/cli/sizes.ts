/** Numbers, sizes and signals as they are typed. */
import { SIGNALS } from '../libc/flags.ts';
import { suggestion } from './nearest.ts';
import { UsageError } from './usage-error.ts';

const UNITS: Record<string, number> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 };

/**
 * `64m`, `1.5g`, `512k`, `1024` → bytes. Units are powers of 1024, as in Docker.
 * @param option named in errors
 * @param least smallest size that makes sense
 */
export function parseSize(option: string, text: string, least = 1): number {
  const parts = /^(\d+(?:\.\d+)?)\s*([bkmgtp]?)(?:i?b)?$/i.exec(text.trim());
  if (!parts) throw new UsageError(`${option} ${text}: not a size; write a number and a unit of b, k, m, g or t, such as 64m`);
  const bytes = Math.floor(Number(parts[1]) * (UNITS[(parts[2] ?? '').toLowerCase()] ?? 1));
  if (bytes > Number.MAX_SAFE_INTEGER) throw new UsageError(`${option} ${text}: too large; at most 8p`);
  if (bytes < least) throw new UsageError(`${option} ${text}: too small; at least ${least} bytes`);
  return bytes;
}

/** A whole number in a range. */
export function parseInteger(option: string, text: string, min: number, max: number, note = ''): number {
  const value = /^[-+]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new UsageError(`${option} ${text}: write a whole number from ${min} to ${max}${note}`);
  return value;
}

/** `SIGTERM`, `term`, `15`, `SIGRTMIN+3` → 15. */
export function parseSignal(option: string, text: string): number {
  const name = text.toUpperCase().replace(/^SIG/, '');
  const known = (SIGNALS as Record<string, number>)[`SIG${name}`];
  if (known !== undefined) return known;
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 64) return Number(text);
  // glibc keeps 32 and 33 for itself.
  const realtime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  const number = realtime ? (realtime[1] === 'MIN' ? 34 : 64) + Number(`${realtime[2] ?? '+'}${realtime[3] ?? 0}`) : 0;
  if (number >= 34 && number <= 64) return number;
  if (/^-?\d+$/.test(text)) throw new UsageError(`${option} ${text}: signals have numbers from 1 to 64`);
  const names = Object.keys(SIGNALS);
  throw new UsageError(`${option} ${text}: no such signal${suggestion(`SIG${name}`, names, `; there are ${names.join(', ')}`)}`);
}
