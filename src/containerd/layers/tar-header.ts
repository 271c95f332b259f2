/**
 * The 512 bytes before each file of a tar archive, and what they say. Written since 1979 by many
 * programs: old (v7), ustar (POSIX.1-1988), GNU and star headers differ in their last third.
 * Source: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format".
 */

export const BLOCK = 512;

/** What an entry is, by the letter of its header. */
export type TarType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'folder' | 'fifo';

export interface TarTime {
  seconds: number;
  /** 0 to 999,999,999, also before 1970. */
  nanoseconds: number;
}

/**
 * One entry. Names and xattr values are byte strings: each character is one byte of them
 * ("latin1"), because a name need not be UTF-8. {@link readable} makes text of them.
 */
export interface TarEntry {
  name: string;
  type: TarType;
  /** Of a link, hard or symbolic. */
  linkName: string;
  /** Permissions with the setuid, setgid and sticky bits; nothing of the type. */
  mode: number;
  uid: number;
  gid: number;
  userName: string;
  groupName: string;
  /** Length of the file in bytes, holes included. */
  size: number;
  modified: TarTime;
  accessed?: TarTime;
  deviceMajor: number;
  deviceMinor: number;
  xattrs: Map<string, string>;
  /** Where a sparse file has data, in order; undefined for a file that is all data. */
  sparse?: SparsePart[];
}

export interface SparsePart {
  offset: number;
  length: number;
}

/** A byte string as text, for people. */
export const readable = (bytes: string): string => Buffer.from(bytes, 'latin1').toString();
/** Text as a byte string. */
export const byteString = (text: string): string => Buffer.from(text).toString('latin1');

/** What is wrong with an archive, and where: offsets are of the uncompressed stream. */
export class TarError extends Error {
  constructor(what: string, offset: number, entry?: string) {
    super(`tar: ${entry === undefined ? '' : `${JSON.stringify(readable(entry))}: `}${what} (at byte ${offset})`);
    this.name = 'TarError';
  }
}

export interface RawHeader {
  entry: TarEntry;
  /** The letter: `0` and others for entries, `x`, `g`, `L`, `K` for what describes the next one. */
  letter: string;
  /** How many bytes follow, by the header alone. */
  stored: number;
  gnu: boolean;
}

/** Text up to the first NUL. */
function textOf(block: Buffer, start: number, length: number): string {
  const end = start + length;
  let at = start;
  while (at < end && block[at] !== 0) at++;
  return block.toString('latin1', start, at);
}

/**
 * A number: octal digits with spaces or NULs around them, or, when the first bit is set, the bytes
 * themselves (GNU's base-256, for what does not fit), as two's complement.
 */
export function numberOf(block: Buffer, start: number, length: number): number {
  const lead = block[start] as number;
  if (lead & 0x80) {
    // 0xff begins a negative number; the first bit itself is the mark, the second the sign.
    let value = lead & 0x40 ? -1n : 0n;
    value = (value << 6n) | BigInt(lead & 0x3f);
    for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(block[start + i] as number);
    const number = Number(value);
    if (!Number.isSafeInteger(number)) return Number.NaN;
    return number;
  }
  let at = start;
  let end = start + length;
  const blank = (c: number | undefined): boolean => c === 0x20 || c === 0;
  while (at < end && blank(block[at])) at++;
  while (end > at && blank(block[end - 1])) end--;
  let value = 0;
  for (; at < end; at++) {
    const digit = (block[at] as number) - 0x30;
    // Some programs leave what was there before behind the NUL that ends the number.
    if (block[at] === 0) break;
    if (digit < 0 || digit > 7) return Number.NaN;
    value = value * 8 + digit;
  }
  return value;
}

/** Whether the sum of the bytes is the one that is written, the sum itself counted as eight spaces. */
function sumIsRight(block: Buffer): boolean {
  const written = numberOf(block, 148, 8);
  let sum = 256;
  for (let i = 0; i < BLOCK; i++) sum += block[i] as number;
  for (let i = 148; i < 156; i++) sum -= block[i] as number;
  if (sum === written) return true;
  // Old programs of machines whose char is signed.
  for (let i = 0; i < BLOCK; i++) if ((block[i] as number) > 127 && (i < 148 || i >= 156)) sum -= 256;
  return sum === written;
}

export const isZero = (block: Buffer): boolean => {
  for (let i = 0; i < BLOCK; i++) if (block[i] !== 0) return false;
  return true;
};

const TYPES: Record<string, TarType> = {
  '0': 'file',
  '\0': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'folder',
  '6': 'fifo',
  '7': 'file', // "contiguous": nobody has those any more
  S: 'file', // old GNU sparse
};

/**
 * Reads one header.
 * @param offset of the block, for errors
 * @throws TarError for a wrong checksum, or what is no number where one belongs
 */
export function readHeader(block: Buffer, offset: number): RawHeader {
  if (!sumIsRight(block)) throw new TarError('the checksum of a header is wrong: this is no tar archive, or it is damaged', offset);
  const magic = block.toString('latin1', 257, 265);
  const ustar = magic.startsWith('ustar\0');
  const gnu = magic === 'ustar  \0';
  const star = ustar && block.toString('latin1', 508, 512) === 'tar\0';
  let name = textOf(block, 0, 100);
  if (ustar) {
    const prefix = textOf(block, 345, star ? 131 : 155);
    if (prefix !== '') name = `${prefix}/${name}`;
  }
  const field = (what: string, start: number, length: number): number => {
    const value = numberOf(block, start, length);
    if (Number.isNaN(value)) throw new TarError(`the ${what} is no number`, offset + start, name);
    return value;
  };
  const letter = String.fromCharCode(block[156] as number);
  const type = TYPES[letter] ?? 'file';
  const stored = field('size', 124, 12);
  if (stored < 0) throw new TarError(`the size is ${stored}`, offset + 124, name);
  const device = type === 'character' || type === 'block';
  const seconds = field('time', 136, 12);
  return {
    letter,
    stored,
    gnu,
    entry: {
      name,
      // Archives older than the letter for folders end their names with a slash.
      type: type === 'file' && letter !== 'S' && name.endsWith('/') ? 'folder' : type,
      linkName: textOf(block, 157, 100),
      mode: field('mode', 100, 8) & 0o7777,
      uid: field('uid', 108, 8),
      gid: field('gid', 116, 8),
      userName: ustar || gnu ? textOf(block, 265, 32) : '',
      groupName: ustar || gnu ? textOf(block, 297, 32) : '',
      size: stored,
      modified: { seconds, nanoseconds: 0 },
      deviceMajor: device ? field('major number', 329, 8) : 0,
      deviceMinor: device ? field('minor number', 337, 8) : 0,
      xattrs: NONE,
    },
  };
}

/** Shared by all entries without xattrs; nobody changes it. */
const NONE: Map<string, string> = new Map();
