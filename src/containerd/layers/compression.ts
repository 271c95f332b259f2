/**
 * Layers come plain, gzipped or compressed by zstd; their first bytes say which. The media type
 * says it as well, and is not to be relied on.
 */
import type { Readable, Transform } from 'node:stream';
import { Transform as TransformStream } from 'node:stream';
import zlib from 'node:zlib';
import { Decompress } from 'fzstd';

export type Compression = 'gzip' | 'zstd' | 'plain';

/** By magic number: RFC 1952, 2.3.1; RFC 8878, 3.1.1 and 3.1.2 (skippable frames may come first). */
export function compressionOf(start: Uint8Array): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  if (start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd) return 'zstd';
  if (((start[0] ?? 0) & 0xf0) === 0x50 && start[1] === 0x2a && start[2] === 0x4d && start[3] === 0x18) return 'zstd';
  return 'plain';
}

/** How much is decompressed at a time: each piece costs a way to libuv's pool and back. */
const PIECE = 512 * 1024;

/** zstd where Node has it: 22.15 and 23.8. */
const nodeZstd = (zlib as { createZstdDecompress?: (options: { chunkSize: number }) => Transform }).createZstdDecompress;

function fzstdStream(): Transform {
  let stream: TransformStream;
  const decompress = new Decompress((piece) => void stream.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)));
  stream = new TransformStream({
    transform: (chunk: Buffer, _encoding, done) => {
      try {
        decompress.push(chunk);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    flush: (done) => {
      try {
        decompress.push(new Uint8Array(0), true);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
  return stream;
}

/**
 * Feeds a decoder until it, or the source, has ended.
 * @param first what comes before the rest of the source
 * @returns what the decoder did not take: the source may hold several frames, one after the other
 */
async function* decode(decoder: Transform, first: Buffer[], source: AsyncIterator<Buffer>): AsyncGenerator<Buffer, Buffer[], void> {
  /** What was given and may not be taken yet, and how much came before that. */
  const given: Buffer[] = [];
  let before = 0;
  const taken = (): number => (decoder as Transform & { bytesWritten?: number }).bytesWritten ?? 0;
  const give = async (chunk: Buffer): Promise<void> => {
    for (let old = given[0]; old && before + old.length <= taken(); old = given[0]) {
      before += old.length;
      given.shift();
    }
    given.push(chunk);
    if (decoder.destroyed || decoder.write(chunk) || decoder.destroyed) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        decoder.off('drain', go).off('close', go);
        resolve();
      };
      decoder.on('drain', go).on('close', go);
    });
  };
  const feed = async (): Promise<void> => {
    try {
      for (const chunk of first) await give(chunk);
      while (!decoder.destroyed) {
        const { value, done } = await source.next();
        if (done) {
          decoder.end();
          return;
        }
        await give(value);
      }
    } catch (error) {
      decoder.destroy(error as Error);
    }
  };
  const fed = feed();
  try {
    for await (const chunk of decoder) yield chunk;
  } finally {
    decoder.destroy();
    await fed;
  }
  const rest = Buffer.concat(given);
  return rest.length > taken() - before ? [rest.subarray(taken() - before)] : [];
}

/**
 * The plain bytes of a stream that may be compressed. gzip and zstd are undone in libuv's pool,
 * so that the thread that takes the bytes has its time for itself.
 */
export async function* decompressed(stream: Readable): AsyncGenerator<Buffer, Compression, void> {
  const source: AsyncIterator<Buffer> = stream[Symbol.asyncIterator]();
  try {
    // The first bytes may come one by one.
    let start: Buffer = Buffer.alloc(0);
    while (start.length < 4) {
      const { value, done } = await source.next();
      if (done) break;
      start = start.length === 0 ? value : Buffer.concat([start, value]);
    }
    const kind = compressionOf(start);
    if (kind === 'plain') {
      if (start.length > 0) yield start;
      for (let next = await source.next(); !next.done; next = await source.next()) yield next.value;
    } else if (kind === 'gzip') {
      yield* decode(zlib.createGunzip({ chunkSize: PIECE }), [start], source);
    } else if (!nodeZstd) {
      yield* decode(fzstdStream(), [start], source);
    } else {
      // Node's decoder ends with the first frame (24.21); parallel compressors, and zstd:chunked, write many.
      let left = [start];
      while (left.length > 0) left = yield* decode(nodeZstd({ chunkSize: PIECE }), left, source);
    }
    return kind;
  } finally {
    stream.destroy();
  }
}
