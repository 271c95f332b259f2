/**
 * Writes a tar archive: ustar headers, and PAX records for what those cannot hold. The same entry
 * always gives the same bytes.
 * Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header".
 */
import { BLOCK, type TarEntry, type TarTime, type TarType } from './tar-header.ts';

const LETTERS: Record<TarType, string> = { file: '0', link: '1', symlink: '2', character: '3', block: '4', folder: '5', fifo: '6' };

/** What ends an archive. */
export const END_OF_ARCHIVE: Buffer = Buffer.alloc(2 * BLOCK);

/** What fills the last block of a file. */
export const paddingOf = (size: number): Buffer => END_OF_ARCHIVE.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);

/** What an entry says of itself; the rest is empty. */
export type TarWritten = Pick<TarEntry, 'name' | 'type'> & Partial<TarEntry>;

const LARGEST_ID = 0o7777777;
const LARGEST_SIZE = 0o77777777777;
/** ustar's fields are for ASCII; PAX records are for UTF-8, and other bytes pass as they are. */
const plain = (text: string): boolean => text.length <= 100 && /^[\x20-\x7e]*$/.test(text);

/** `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

function timeText({ seconds, nanoseconds }: TarTime): string {
  if (nanoseconds === 0) return String(seconds);
  // Before 1970, parts of a second count towards it: -2 s and 0.75 s are -1.25.
  const [whole, part] = seconds < 0 ? [seconds + 1, 1_000_000_000 - nanoseconds] : [seconds, nanoseconds];
  const sign = seconds < 0 && whole === 0 ? '-' : '';
  return `${sign}${whole}.${String(part).padStart(9, '0').replace(/0+$/, '')}`;
}

function recordsOf(entry: TarWritten, time: TarTime): string {
  let records = '';
  const add = (key: string, value: string): void => {
    records += record(key, value);
  };
  if (entry.linkName && !plain(entry.linkName)) add('linkpath', entry.linkName);
  if ((entry.gid ?? 0) > LARGEST_ID) add('gid', String(entry.gid));
  if (time.nanoseconds !== 0 || time.seconds < 0 || time.seconds > LARGEST_SIZE) add('mtime', timeText(time));
  if (!plain(entry.name)) add('path', entry.name);
  if ((entry.size ?? 0) > LARGEST_SIZE) add('size', String(entry.size));
  if ((entry.uid ?? 0) > LARGEST_ID) add('uid', String(entry.uid));
  for (const [name, value] of entry.xattrs ?? []) add(`SCHILY.xattr.${name}`, value);
  return records;
}

function block(entry: TarWritten, letter: string, size: number, time: TarTime): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number): void => {
    header.write(value.toString(8).padStart(digits - 1, '0'), at, 'latin1');
  };
  // Too large: the records have it; readers that know none get as much as fits.
  const id = (value = 0): number => (value > LARGEST_ID ? 0 : value);
  header.write(entry.name, 0, 100, 'latin1');
  octal(entry.mode ?? 0, 100, 8);
  octal(id(entry.uid), 108, 8);
  octal(id(entry.gid), 116, 8);
  octal(size > LARGEST_SIZE ? 0 : size, 124, 12);
  octal(time.seconds < 0 || time.seconds > LARGEST_SIZE ? 0 : time.seconds, 136, 12);
  header.write(letter, 156, 'latin1');
  header.write(entry.linkName ?? '', 157, 100, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  header.write(entry.userName ?? '', 265, 31, 'latin1');
  header.write(entry.groupName ?? '', 297, 31, 'latin1');
  octal(entry.deviceMajor ?? 0, 329, 8);
  octal(entry.deviceMinor ?? 0, 337, 8);
  header.fill(0x20, 148, 156);
  let sum = 0;
  for (const byte of header) sum += byte;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/**
 * What stands before a file's bytes: its header, and the records before that. `size` bytes and
 * {@link paddingOf} them must follow.
 */
export function encodeHeader(entry: TarWritten): Buffer {
  const time = entry.modified ?? { seconds: 0, nanoseconds: 0 };
  const named = entry.type === 'folder' && !entry.name.endsWith('/') ? { ...entry, name: `${entry.name}/` } : entry;
  const header = block(named, LETTERS[entry.type], entry.type === 'file' ? (entry.size ?? 0) : 0, time);
  const records = Buffer.from(recordsOf(named, time), 'latin1');
  if (records.length === 0) return header;
  const base = named.name.replace(/\/+$/, '').split('/').pop() ?? '';
  const before = block({ name: `PaxHeaders.0/${base}`.slice(0, 100), type: 'file', mode: 0o644 }, 'x', records.length, {
    seconds: 0,
    nanoseconds: 0,
  });
  return Buffer.concat([before, records, paddingOf(records.length), header]);
}
