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
 * The plain bytes of a stream that may be compressed. gzip and zstd are undone in libuv's pool,
 * so that the thread that takes the bytes has its time for itself.
 */
export async function* decompressed(stream: Readable): AsyncGenerator<Buffer, Compression, void> {
  const source = stream[Symbol.asyncIterator]();
  // The first bytes may come one by one.
  let start: Buffer = Buffer.alloc(0);
  let more = true;
  while (more && start.length < 4) {
    const { value, done } = await source.next();
    if (done) more = false;
    else start = start.length === 0 ? value : Buffer.concat([start, value]);
  }
  const kind = compressionOf(start);
  if (kind === 'plain') {
    if (start.length > 0) yield start;
    for await (const chunk of { [Symbol.asyncIterator]: () => source }) yield chunk;
    return kind;
  }
  const decoder = kind === 'gzip' ? zlib.createGunzip({ chunkSize: PIECE }) : nodeZstd ? nodeZstd({ chunkSize: PIECE }) : fzstdStream();
  const feed = async (): Promise<void> => {
    const write = (chunk: Buffer): Promise<void> | undefined =>
      decoder.write(chunk) || decoder.destroyed
        ? undefined
        : new Promise((resolve) => {
            const go = () => {
              decoder.off('drain', go).off('close', go);
              resolve();
            };
            decoder.on('drain', go).on('close', go);
          });
    try {
      await write(start);
      for await (const chunk of { [Symbol.asyncIterator]: () => source }) {
        await write(chunk);
        if (decoder.destroyed) return;
      }
      decoder.end();
    } catch (error) {
      decoder.destroy(error as Error);
    }
  };
  const fed = feed();
  try {
    for await (const chunk of decoder) yield chunk;
  } finally {
    decoder.destroy();
    stream.destroy();
    await fed;
  }
  return kind;
}
