/**
 * PAX records: `LENGTH KEY=VALUE\n`, before an entry, for what its header cannot hold: long names,
 * large numbers, parts of seconds, xattrs, holes.
 * Source: POSIX.1-2017, pax, "pax Extended Header"; GNU tar manual, "Storing Sparse Files".
 */
import { type SparsePart, type TarEntry, TarError, type TarTime } from './tar-header.ts';

/** In the order in which they stand there: GNU's sparse format 0.0 repeats its keys. */
export type PaxRecords = [key: string, value: string][];

/** @throws TarError when a record's length is not that of a record */
export function parseRecords(bytes: string, offset: number): PaxRecords {
  const records: PaxRecords = [];
  for (let at = 0; at < bytes.length; ) {
    // Some programs fill the rest with NULs.
    if (bytes.charCodeAt(at) === 0) break;
    const space = bytes.indexOf(' ', at);
    const digits = space < 0 ? '' : bytes.slice(at, space);
    const end = at + Number(digits);
    const equals = bytes.indexOf('=', space);
    if (!/^[0-9]{1,10}$/.test(digits) || end > bytes.length || end <= space || bytes[end - 1] !== '\n' || equals < 0 || equals >= end) {
      throw new TarError('a record of an extended header is malformed', offset + at);
    }
    records.push([bytes.slice(space + 1, equals), bytes.slice(equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

/** `-1.5` is half a second after the second before 1969-12-31T23:59:59. */
export function parseTime(text: string): TarTime | undefined {
  const match = /^(-?)([0-9]+)(?:\.([0-9]*))?$/.exec(text);
  if (!match) return undefined;
  const whole = Number(match[2]);
  const nanoseconds = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (!Number.isSafeInteger(whole)) return undefined;
  if (match[1] === '') return { seconds: whole, nanoseconds };
  return nanoseconds === 0 ? { seconds: whole === 0 ? 0 : -whole, nanoseconds } : { seconds: -whole - 1, nanoseconds: 1e9 - nanoseconds };
}

/** What GNU's sparse formats in PAX records say besides a place for the map. */
export interface SparseHint {
  /** 1.0 has its map before the data. */
  mapInData: boolean;
  parts?: SparsePart[];
}

function whole(key: string, value: string, offset: number, entry: string): number {
  if (!/^[0-9]{1,16}$/.test(value) || !Number.isSafeInteger(Number(value))) {
    throw new TarError(`${key}=${JSON.stringify(value.slice(0, 40))} is no number`, offset, entry);
  }
  return Number(value);
}

/**
 * Puts what the records say into an entry. Keys that nobody knows are left alone, as POSIX wants.
 * @returns how many bytes are stored, if they say so, and what they say about holes
 * @throws TarError for a value that cannot be one
 */
export function applyRecords(entry: TarEntry, records: PaxRecords, offset: number): { stored?: number; sparse?: SparseHint } {
  let stored: number | undefined;
  let realSize: number | undefined;
  let sparseName: string | undefined;
  let major: string | undefined;
  let map: SparsePart[] | undefined;
  let partOffset = 0;
  const xattrs = new Map<string, string>();
  for (const [key, value] of records) {
    const number = (): number => whole(key, value, offset, entry.name);
    const time = (): TarTime => {
      const parsed = parseTime(value);
      if (!parsed) throw new TarError(`${key}=${JSON.stringify(value.slice(0, 40))} is no time`, offset, entry.name);
      return parsed;
    };
    // An empty value takes an earlier one, of a global header for instance, away; the header's counts then.
    if (value === '' && !key.startsWith('SCHILY.xattr.')) continue;
    if ((key === 'path' || key === 'linkpath' || key === 'GNU.sparse.name') && value.includes('\0')) {
      throw new TarError(`${key} has a NUL in it`, offset, entry.name);
    }
    switch (key) {
      case 'path':
        entry.name = value;
        break;
      case 'linkpath':
        entry.linkName = value;
        break;
      case 'size':
        stored = number();
        break;
      case 'uid':
        entry.uid = number();
        break;
      case 'gid':
        entry.gid = number();
        break;
      case 'uname':
        entry.userName = value;
        break;
      case 'gname':
        entry.groupName = value;
        break;
      case 'mtime':
        entry.modified = time();
        break;
      case 'atime':
        entry.accessed = time();
        break;
      case 'SCHILY.devmajor':
        entry.deviceMajor = number();
        break;
      case 'SCHILY.devminor':
        entry.deviceMinor = number();
        break;
      case 'GNU.sparse.name':
        sparseName = value;
        break;
      case 'GNU.sparse.major':
        major = value;
        break;
      case 'GNU.sparse.size':
      case 'GNU.sparse.realsize':
        realSize = number();
        break;
      case 'GNU.sparse.offset':
        partOffset = number();
        break;
      case 'GNU.sparse.numbytes':
        map ??= [];
        map.push({ offset: partOffset, length: number() });
        break;
      case 'GNU.sparse.map': {
        const numbers = value.split(',').map((part) => whole(key, part, offset, entry.name));
        if (numbers.length % 2 === 1) throw new TarError('GNU.sparse.map has an odd number of numbers', offset, entry.name);
        map = [];
        for (let i = 0; i < numbers.length; i += 2) map.push({ offset: numbers[i] as number, length: numbers[i + 1] as number });
        break;
      }
      default:
        if (key.startsWith('SCHILY.xattr.')) xattrs.set(key.slice(13), value);
        // libarchive writes names with % escapes, values in base64; where both are given they say the same.
        else if (key.startsWith('LIBARCHIVE.xattr.')) {
          const name = key.slice(17).replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
          if (!xattrs.has(name)) xattrs.set(name, Buffer.from(value, 'base64').toString('latin1'));
        }
    }
  }
  if (sparseName !== undefined) entry.name = sparseName;
  if (xattrs.size > 0) entry.xattrs = xattrs;
  if (entry.type === 'file' && entry.name.endsWith('/')) entry.type = 'folder';
  if (realSize !== undefined) entry.size = realSize;
  else if (stored !== undefined) entry.size = stored;
  if (major === '1') return { stored, sparse: { mapInData: true } };
  return map ? { stored, sparse: { mapInData: false, parts: map } } : { stored };
}
