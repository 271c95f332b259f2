/**
 * Lines of a json-file log, byte for byte as Docker writes them:
 * `{"log":"hello\n","stream":"stdout","attrs":{…},"time":"2024-05-01T10:00:00.12Z"}`.
 * This is the path that all output of all containers takes, so it copies bytes and makes no strings.
 */
import type { Stream } from '../../http/stdcopy.ts';
import { writeTime } from './time.ts';

/** Entries that wait to be written. */
export interface Batch {
  bytes: Buffer;
  length: number;
}

export const openBatch = (): Batch => ({ bytes: Buffer.allocUnsafe(64 << 10), length: 0 });

/** What a byte is in a JSON string: itself, or 0 for all that has to be looked at. Go also escapes <, > and &. */
const PLAIN = new Uint8Array(256);
for (let byte = 0x20; byte < 0x80; byte++) PLAIN[byte] = byte;
for (const character of '"\\<>&') PLAIN[character.charCodeAt(0)] = 0;

const HEX = Buffer.from('0123456789abcdef');
const BACKSLASH = 0x5c;
const START = Buffer.from('{"log":"');
const REPLACEMENT = Buffer.from('\\ufffd');
/** An escaped byte takes this many. */
const WIDEST = 6;

/** What follows the text of an entry; the same for all lines that came at one time. @param attributes JSON, or empty */
export const tailOf = (stream: Stream, attributes: string, at: bigint): Buffer =>
  Buffer.from(`","stream":"${stream}"${attributes === '' ? '' : `,"attrs":${attributes}`},"time":"${writeTime(at)}"}\n`);

function makeRoom(batch: Batch, more: number): void {
  if (batch.length + more <= batch.bytes.length) return;
  const larger = Buffer.allocUnsafe(Math.max(2 * batch.bytes.length, batch.length + more));
  batch.bytes.copy(larger, 0, 0, batch.length);
  batch.bytes = larger;
}

/** Adds `source` from `start` to `end` as one entry. @param whole the line is complete: a newline belongs to it */
export function addEntry(batch: Batch, source: Buffer, start: number, end: number, whole: boolean, tail: Buffer): void {
  makeRoom(batch, START.length + (end - start) * WIDEST + 2 + tail.length);
  const { bytes } = batch;
  let at = batch.length;
  for (let i = 0; i < START.length; i++) bytes[at++] = START[i] as number;
  for (let i = start; i < end; ) {
    const byte = source[i] as number;
    const plain = PLAIN[byte] as number;
    if (plain !== 0) {
      bytes[at++] = plain;
      i++;
    } else if (byte < 0x80) {
      at = putEscaped(bytes, at, byte);
      i++;
    } else {
      const size = characterAt(source, i, end);
      at = size === 0 ? put(bytes, at, REPLACEMENT) : copyCharacter(bytes, at, source, i, size);
      i += size || 1;
    }
  }
  if (whole) {
    bytes[at++] = BACKSLASH;
    bytes[at++] = 0x6e;
  }
  // A copy of so few bytes is faster done here than asked of the engine.
  for (let i = 0; i < tail.length; i++) bytes[at++] = tail[i] as number;
  batch.length = at;
}

function put(into: Buffer, at: number, bytes: Buffer): number {
  into.set(bytes, at);
  return at + bytes.length;
}

const SHORT: Record<number, number> = { 34: 0x22, 92: 0x5c, 10: 0x6e, 13: 0x72 };

function putEscaped(into: Buffer, at: number, byte: number): number {
  const short = SHORT[byte];
  into[at++] = BACKSLASH;
  if (short !== undefined) {
    into[at++] = short;
    return at;
  }
  into[at++] = 0x75;
  into[at++] = 0x30;
  into[at++] = 0x30;
  into[at++] = HEX[byte >> 4] as number;
  into[at++] = HEX[byte & 15] as number;
  return at;
}

/** U+2028 and U+2029, which JavaScript once took for ends of lines, are escaped by Go as well. */
function copyCharacter(into: Buffer, at: number, source: Buffer, from: number, size: number): number {
  if (size === 3 && source[from] === 0xe2 && source[from + 1] === 0x80 && ((source[from + 2] as number) & 0xfe) === 0xa8)
    return put(into, at, Buffer.from(source[from + 2] === 0xa8 ? '\\u2028' : '\\u2029'));
  for (let i = 0; i < size; i++) into[at++] = source[from + i] as number;
  return at;
}

/**
 * How many bytes the character of UTF-8 at `i` has; 0 when there is none (Go replaces such a byte alone,
 * where a TextDecoder replaces several at once).
 * @see https://www.unicode.org/versions/Unicode15.0.0/ch03.pdf table 3-7
 */
export function characterAt(source: Buffer, i: number, end: number): number {
  const first = source[i] as number;
  const size = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (size === 0 || i + size > end) return 0;
  const second = source[i + 1] as number;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let k = 2; k < size; k++) if (((source[i + k] as number) & 0xc0) !== 0x80) return 0;
  return size;
}
