/**
 * A stream of bytes cut into lines. A line that is longer than 16 KiB comes in pieces, as from Docker;
 * unlike Docker's they do not cut a character in two.
 */

/** Bytes of a piece, at most. */
export const PIECE = 16 << 10;

const NEWLINE = 0x0a;

export interface Line {
  source: Buffer;
  start: number;
  end: number;
  /** It ended with a newline (which is not in it). */
  whole: boolean;
  /** Pieces of the same line came before. */
  continued: boolean;
}

/** What there is of a line that has not ended. */
export interface Unfinished {
  bytes: Buffer;
  /** Pieces of it were taken already. */
  continued: boolean;
}

export const NOTHING: Unfinished = { bytes: Buffer.alloc(0), continued: false };

/**
 * Gives each line of `chunk` to `take`; the bytes are the caller's again after that.
 * @param before what the last call returned
 * @returns what is left over: the beginning of a line, shorter than a piece
 */
export function cutLines(before: Unfinished, chunk: Buffer, take: (line: Line) => void): Unfinished {
  let start = 0;
  let source = chunk;
  let { continued } = before;
  if (before.bytes.length > 0) source = Buffer.concat([before.bytes, chunk]);
  // What was left over has no newline in it.
  let from = before.bytes.length;
  for (;;) {
    const newline = source.indexOf(NEWLINE, from);
    const end = newline < 0 ? source.length : newline;
    while (end - start >= PIECE) {
      const cut = wholeCharacters(source, start, start + PIECE);
      take({ source, start, end: cut, whole: false, continued });
      continued = true;
      start = cut;
    }
    if (newline < 0) break;
    take({ source, start, end, whole: true, continued });
    continued = false;
    start = newline + 1;
    from = start;
  }
  if (start === source.length && !continued) return NOTHING;
  // A copy: the chunk may be used again by who read it.
  return { bytes: Buffer.from(source.subarray(start)), continued };
}

/** Where to cut so that the last character before `end` is whole. Bytes that are no text are cut anywhere. */
function wholeCharacters(source: Buffer, start: number, end: number): number {
  for (let back = 1; back <= 3 && end - back > start; back++) {
    const byte = source[end - back] as number;
    if (byte < 0x80) return end;
    if (byte < 0xc0) continue;
    const size = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return size > back ? end - back : end;
  }
  return end;
}
