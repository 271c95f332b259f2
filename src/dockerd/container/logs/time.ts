/** Times of log lines: nanoseconds since 1970, and how they are written. */

const SECOND = 1_000_000_000n;

const seconds = (nanoseconds: bigint): string => new Date(Number((nanoseconds / SECOND) * 1000n)).toISOString().slice(0, 19);

/** As in the file: `2024-05-01T10:00:00.12Z`, without zeros at the end (Go's RFC3339Nano). */
export function writeTime(nanoseconds: bigint): string {
  const fraction = String(nanoseconds % SECOND)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${seconds(nanoseconds)}${fraction === '' ? '' : `.${fraction}`}Z`;
}

/** The time of a line of the file with all nine digits, as `docker logs --timestamps` shows it. */
export function fixedTime(written: string): string {
  const dot = written.indexOf('.');
  if (dot < 0) return `${written.slice(0, -1)}.000000000Z`;
  return `${written.slice(0, -1).padEnd(dot + 10, '0')}Z`;
}

/** @returns nanoseconds since 1970, or undefined for what is no time */
export function readTime(written: string): bigint | undefined {
  const [, whole = '', fraction = '', zone = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(written) ?? [];
  const milliseconds = Date.parse(`${whole}${zone}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
