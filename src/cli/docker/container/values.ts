/** Values of Docker's options as they are typed: durations, sizes, key=value lists. Pure. */
import { parseInteger, parseSize } from '../../sizes.ts';
import { UsageError } from '../../usage-error.ts';

const NANOSECONDS: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Go's durations: `1m30s`, `100ms` → nanoseconds. */
export function parseDuration(option: string, text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)];
  if (text === '0') return 0;
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw new UsageError(`${option} ${text}: not a duration; write a number and a unit of ms, s, m or h, such as 1m30s`);
  return Math.round(parts.reduce((sum, [, number, unit]) => sum + Number(number) * (NANOSECONDS[unit as string] as number), 0));
}

/** `NAME=VALUE` lists → an object; a name without a value has the empty one. */
export function mapOf(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );
}

/** Lines of a file of variables or labels; empty ones and comments do not count. */
export const linesOf = (text: string): string[] =>
  text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'));

/** `/dev/sda:1mb` or `/dev/sda:100`. */
export function parseThrottle(option: string, text: string, unit: 'bytes' | 'operations'): { Path: string; Rate: number } {
  const colon = text.lastIndexOf(':');
  const path = text.slice(0, Math.max(colon, 0));
  if (!path.startsWith('/dev/'))
    throw new UsageError(`${option} ${text}: write DEVICE:RATE, such as /dev/sda:${unit === 'bytes' ? '1mb' : '100'}`);
  const rate = text.slice(colon + 1);
  return { Path: path, Rate: unit === 'bytes' ? parseSize(option, rate, 0) : parseInteger(option, rate, 0, Number.MAX_SAFE_INTEGER) };
}

/** `/dev/sda:200` */
export function parseWeight(option: string, text: string): { Path: string; Weight: number } {
  const colon = text.lastIndexOf(':');
  const path = text.slice(0, Math.max(colon, 0));
  if (!path.startsWith('/dev/')) throw new UsageError(`${option} ${text}: write DEVICE:WEIGHT, such as /dev/sda:200`);
  return { Path: path, Weight: parseInteger(option, text.slice(colon + 1), 10, 1000) };
}

export interface DeviceMapping {
  PathOnHost: string;
  PathInContainer: string;
  CgroupPermissions: string;
}

/** `HOST[:CONTAINER][:rwm]`; undefined for the name of a device of CDI (`vendor.com/class=name`). */
export function parseDevice(text: string): DeviceMapping | undefined {
  if (/^[\w.-]+\/[\w.-]+=[\w.:-]+$/.test(text)) return undefined;
  const [host = '', second, third, ...more] = text.split(':');
  const isMode = (word: string | undefined) => word !== undefined && /^[rwm]{1,3}$/.test(word);
  if (more.length > 0 || host === '' || (third !== undefined && !isMode(third)))
    throw new UsageError(`--device ${text}: write HOST[:CONTAINER][:rwm]; r is read, w write, m make`);
  if (second === undefined || isMode(second)) return { PathOnHost: host, PathInContainer: host, CgroupPermissions: second ?? 'rwm' };
  return { PathOnHost: host, PathInContainer: second, CgroupPermissions: third ?? 'rwm' };
}

export interface DeviceRequest {
  Driver: string;
  Count: number;
  DeviceIDs: string[] | null;
  Capabilities: string[][] | null;
  Options: Record<string, string>;
}

/** `all`, `2`, `"device=0,1",capabilities=utility`. */
export function parseGpus(text: string): DeviceRequest {
  const request: DeviceRequest = { Driver: '', Count: 0, DeviceIDs: null, Capabilities: [['gpu']], Options: {} };
  for (const field of csv('--gpus', text)) {
    const [key, value] = splitOnce(field, '=');
    if (value === undefined || key === 'count')
      request.Count = (value ?? key) === 'all' ? -1 : parseInteger('--gpus', value ?? key, 0, 1e6);
    else if (key === 'driver') request.Driver = value;
    else if (key === 'device') request.DeviceIDs = value.split(',');
    else if (key === 'capabilities') request.Capabilities = [[...value.split(','), 'gpu']];
    else if (key === 'options') request.Options = mapOf(value.split(','));
    else throw new UsageError(`--gpus ${text}: unexpected key '${key}'`);
  }
  if (request.Count === 0 && !request.DeviceIDs) request.Count = 1;
  return request;
}

export function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** One line of CSV: fields with a comma are written "in quotes". */
export function csv(option: string, text: string): string[] {
  const found: string[] = [];
  for (let rest = text; ; ) {
    const field = /^"((?:[^"]|"")*)"(,|$)/s.exec(rest) ?? /^([^",]*)(,|$)/s.exec(rest);
    if (!field) throw new UsageError(`${option} ${text}: a quote is not closed, or is in the middle of a field`);
    found.push((field[1] ?? '').replaceAll('""', '"'));
    rest = rest.slice(field[0].length);
    if (field[2] === '') return found;
  }
}

/** true, false, 1, 0, or nothing, which is true. */
export function flagOf(typed: string, value: string | undefined): boolean {
  if (value === undefined || value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw new UsageError(`${typed}: ${JSON.stringify(value)} is neither true nor false`);
}
