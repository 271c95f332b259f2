/** Durations as Go writes them, and people type them for Docker. */

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
