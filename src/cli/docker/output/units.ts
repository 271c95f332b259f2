/** Sizes and times in the words and digits of Docker's client (its packages go-units and formatter). */

/** Go's %.Ng: at most `digits` significant digits, no zeros at the end. */
const significant = (value: number, digits: number): string => {
  const text = value.toPrecision(digits);
  return text.includes('e') ? text.replace(/e([+-])(\d)$/, 'e$10$2') : text.includes('.') ? text.replace(/\.?0+$/, '') : text;
};

function scaled(bytes: number, base: number, units: readonly string[], digits: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= base && unit < units.length - 1; unit++) value /= base;
  return `${significant(value, digits)}${units[unit]}`;
}

const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** 1240000 → `1.24MB`: sizes of images, and of what was sent. */
export const humanSize = (bytes: number, digits = 3): string => (bytes === 0 ? '0B' : scaled(bytes, 1000, DECIMAL, digits));

/** 1048576 → `1MiB`: memory. */
export const binarySize = (bytes: number, digits = 4): string => (bytes === 0 ? '0B' : scaled(bytes, 1024, BINARY, digits));

/** Milliseconds → `About a minute`, `3 hours`, `2 weeks`. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(ms / 3_600_000);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}

/** How long since a time in seconds (Unix) or in RFC 3339; `N/A` for Go's zero time. */
export function ago(time: number | string, now = Date.now()): string {
  const ms = typeof time === 'number' ? time * 1000 : Date.parse(time);
  if (Number.isNaN(ms) || ms < 0 || time === 0) return 'N/A';
  return `${humanDuration(Math.max(0, now - ms))} ago`;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** Go's default form of a time, in the zone of this machine: `2026-11-30 11:59:28 +0000 UTC`. */
export function goTime(ms: number): string {
  const d = new Date(ms);
  const offset = -d.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const name = offset === 0 ? 'UTC' : (/\(?([A-Z]{2,5})\)?$/.exec(d.toLocaleTimeString('en-US', { timeZoneName: 'short' }))?.[1] ?? zone);
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())} ${zone} ${name}`;
}

/** The first twelve digits of an id or of a digest. */
export const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);
