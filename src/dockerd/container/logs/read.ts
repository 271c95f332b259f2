/** Reads a log: what there is, and when asked to, what comes. */
import { BLOCK, inflated, readAt } from './blocks.ts';
import type { LogFile } from './log-file.ts';
import { type Dress, openRenderer, type Selection } from './render-entries.ts';
import { openSegments, type Segment, type Segments } from './segments.ts';
import { seekTail } from './tail.ts';

export interface LogSource {
  path: string;
  /** How many files there may be. */
  maxFiles: number;
  /** While somebody writes it. */
  live?: LogFile | undefined;
}

export interface ReadOptions extends Selection, Dress {
  /** The last so many entries; undefined: all. */
  tail?: number | undefined;
  /** Goes on until the container ends. */
  follow: boolean;
}

const NEWLINE = 0x0a;

/** One file's blocks; of the one that is written as far as it goes, and then when it goes further. */
async function* blocksOf(segment: Segment, segments: Segments, signal: AbortSignal): AsyncGenerator<Buffer> {
  if (segment.compressed) return yield* inflated(segment.fd);
  for (let at = segment.start; !signal.aborted; ) {
    const end = segment.end ?? segments.written();
    if (at < end) {
      const block = Buffer.allocUnsafe(Math.min(BLOCK, end - at));
      const { bytesRead } = await readAt(segment.fd, block, 0, block.length, at);
      // Shorter than it was: somebody else emptied it, as people do to a log that is too large.
      if (bytesRead === 0) at = end;
      at += bytesRead;
      yield block.subarray(0, bytesRead);
    } else if (segment.end !== undefined || segments.ended()) return;
    else await segments.changed();
  }
}

/** Blocks that end with the end of an entry; what is behind the last one at the end of a file is left out. */
async function* wholeEntries(blocks: AsyncIterable<Buffer>, skip: number): AsyncGenerator<Buffer> {
  let rest: Buffer[] = [];
  let left = skip;
  for await (const block of blocks) {
    const end = block.lastIndexOf(NEWLINE) + 1;
    if (end === 0) {
      rest.push(block);
      continue;
    }
    let entries = rest.length > 0 ? Buffer.concat([...rest, block.subarray(0, end)]) : block.subarray(0, end);
    rest = end < block.length ? [block.subarray(end)] : [];
    while (left > 0 && entries.length > 0) {
      entries = entries.subarray(entries.indexOf(NEWLINE) + 1);
      left--;
    }
    if (entries.length > 0) yield entries;
  }
}

/**
 * The bytes for a client, piece by piece, each at most a few times 64 KiB: no more is read than is
 * taken, so a slow client costs nothing. The files are open from the first call of `next` to the
 * end; whoever stops early calls `return`, as `for await` does, or aborts.
 * @throws Error of the file system
 */
export async function* readLog({ path, maxFiles, live }: LogSource, options: ReadOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  const segments = openSegments(path, maxFiles, live, options.follow);
  const wake = () => segments.wake();
  signal.addEventListener('abort', wake);
  try {
    if (options.tail !== undefined) await seekTail(segments, options.tail, signal);
    segments.readInOrder();
    const renderer = openRenderer(options, options);
    for (let segment = segments.list[0]; segment && !signal.aborted; segment = segments.list[0]) {
      for await (const entries of wholeEntries(blocksOf(segment, segments, signal), segment.skip)) {
        const rendered = renderer.render(entries);
        if (rendered.length > 0) yield rendered;
        if (renderer.done() || signal.aborted) return;
      }
      segments.drop(segment);
    }
  } finally {
    signal.removeEventListener('abort', wake);
    segments.close();
  }
}
