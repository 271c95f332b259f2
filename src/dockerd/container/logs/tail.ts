/** Where the last N entries of a log begin, found from its end. */
import { BLOCK, inflated, readAt } from './blocks.ts';
import type { Segments } from './segments.ts';

const NEWLINE = 0x0a;

/** @returns where the last `wanted` entries before `end` begin, and how many there are */
async function tailOfPlain(fd: number, end: number, wanted: number): Promise<{ start: number; count: number }> {
  const block = Buffer.allocUnsafe(BLOCK);
  let count = 0;
  for (let upper = end; upper > 0; ) {
    const lower = Math.max(0, upper - BLOCK);
    const { bytesRead } = await readAt(fd, block, 0, upper - lower, lower);
    for (let i = bytesRead - 1; i >= 0; i--) {
      i = block.lastIndexOf(NEWLINE, i);
      if (i < 0) break;
      // This one ends the entry before the first that is wanted.
      if (count === wanted) return { start: lower + i + 1, count };
      count++;
    }
    upper = lower;
  }
  return { start: 0, count };
}

async function countCompressed(fd: number, signal: AbortSignal): Promise<number> {
  let count = 0;
  for await (const block of inflated(fd)) {
    if (signal.aborted) break;
    for (let i = block.indexOf(NEWLINE); i >= 0; i = block.indexOf(NEWLINE, i + 1)) count++;
  }
  return count;
}

/**
 * Sets where reading begins, and drops the files before that.
 * @param wanted how many entries from now backwards, 0 for none; what is written meanwhile comes on top
 */
export async function seekTail(segments: Segments, wanted: number, signal: AbortSignal): Promise<void> {
  const known = segments.list.map((segment) => ({ segment, end: segment.end ?? segments.written() }));
  let missing = wanted;
  for (const { segment, end } of known.reverse()) {
    if (signal.aborted) return;
    if (missing === 0) {
      // Of the file that is being written, what comes is wanted.
      segment.start = end;
      if (segment.end === end) segments.drop(segment);
    } else if (segment.compressed) {
      // It cannot be read backwards: once to count, and once more to read.
      const count = await countCompressed(segment.fd, signal);
      segment.skip = Math.max(0, count - missing);
      missing -= count - segment.skip;
    } else {
      const { start, count } = await tailOfPlain(segment.fd, end, missing);
      segment.start = start;
      missing -= count;
    }
  }
}
