/** Times as `--since` and `--until` take them. */
import { UsageError } from '../../usage-error.ts';

const UNITS: Record<string, number> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/**
 * `2026-01-02T13:23:37Z` and its shorter forms (in this machine's zone), seconds since 1970, or a
 * duration, which is so long ago → seconds since 1970, as the API wants them.
 */
export function parseTime(option: string, text: string, now = Date.now()): string {
  if (/^\d+(\.\d{1,9})?$/.test(text)) return text;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join('') === text) {
    const seconds = parts.reduce((sum, [, number, unit]) => sum + Number(number) * (UNITS[unit as string] as number), 0);
    return String(Math.max(0, now / 1000 - seconds).toFixed(9)).replace(/\.?0+$/, '');
  }
  // A date alone means midnight here, not in Greenwich as JavaScript has it.
  const ms = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00` : text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(ms))
    throw new UsageError(`${option} ${text}: not a time; write 2026-01-02T13:23:37Z, seconds since 1970, or how long ago: 10m`);
  return String(ms / 1000);
}
