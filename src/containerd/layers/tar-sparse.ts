/**
 * Sparse files: the archive has their data only, and a map of where it belongs. GNU tar has written
 * four formats; two of them keep their map in blocks of their own.
 * Source: GNU tar manual, "Storing Sparse Files".
 */
import { BLOCK, numberOf, type SparsePart, TarError } from './tar-header.ts';

/** The pairs of an old GNU header, or of a block that goes on with them; stops at the first empty one. */
export function oldParts(block: Buffer, start: number, count: number, offset: number, name: string): SparsePart[] {
  const parts: SparsePart[] = [];
  for (let i = 0; i < count; i++) {
    const at = start + i * 24;
    if (block[at] === 0 && block[at + 12] === 0) break;
    const part = { offset: numberOf(block, at, 12), length: numberOf(block, at + 12, 12) };
    if (Number.isNaN(part.offset) || Number.isNaN(part.length))
      throw new TarError('the sparse map has what is no number', offset + at, name);
    parts.push(part);
  }
  return parts;
}

/** Whether more pairs follow in a block of their own. */
export const goesOn = (block: Buffer, at: number): boolean => block[at] !== 0;

/** Places in an old GNU header, and in a block that goes on with it. */
export const OLD = { pairs: 386, count: 4, more: 482, realSize: 483, nextCount: 21, nextMore: 504 };

/** Reads the map of format 1.0, decimal lines before the data. `undefined` while lines are missing. */
export function linesOfMap(text: string, offset: number, name: string): SparsePart[] | undefined {
  const lines = text.split('\n');
  lines.pop(); // what follows the last line's end
  const number = (line: string): number => {
    if (!/^[0-9]{1,16}$/.test(line) || !Number.isSafeInteger(Number(line)))
      throw new TarError('the sparse map has what is no number', offset, name);
    return Number(line);
  };
  if (lines.length === 0) return undefined;
  const count = number(lines[0] as string);
  if (count * 4 > MAP_LIMIT) throw new TarError(`the sparse map has ${count} parts`, offset, name);
  if (lines.length < 1 + 2 * count) return undefined;
  return Array.from({ length: count }, (_, i) => ({
    offset: number(lines[1 + 2 * i] as string),
    length: number(lines[2 + 2 * i] as string),
  }));
}

/** A map longer than this, in bytes, is an attack on our memory. */
export const MAP_LIMIT = 8 * 1024 * 1024;

/**
 * Checks a map: in order, without overlaps, within the file, as many bytes as are stored.
 * @returns the parts that have bytes
 * @throws TarError
 */
export function checkParts(parts: SparsePart[], size: number, stored: number, offset: number, name: string): SparsePart[] {
  let end = 0;
  let bytes = 0;
  for (const part of parts) {
    if (part.offset < end || part.length < 0 || part.offset + part.length > size) {
      throw new TarError(
        `the sparse map's part at ${part.offset}, ${part.length} bytes long, is not in order or not in a file of ${size}`,
        offset,
        name,
      );
    }
    end = part.offset + part.length;
    bytes += part.length;
  }
  if (bytes !== stored) throw new TarError(`the sparse map has ${bytes} bytes, ${stored} are stored`, offset, name);
  return parts.filter((part) => part.length > 0);
}

/** Up to the next block. */
export const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;
