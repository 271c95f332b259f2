/** The bytes of a log's files, in blocks. */
import { createReadStream, openSync, read } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';

export const BLOCK = 64 << 10;

/** read(2) at a place: fd, buffer, offset in it, length, position in the file. */
export const readAt = promisify(read);

/** The text of a compressed file, from its beginning; `fd` stays open and where it is. */
export async function* inflated(fd: number): AsyncGenerator<Buffer> {
  // A descriptor of its own, which the stream closes when no read is under way any more.
  const source = createReadStream('', { fd: openSync(`/proc/self/fd/${fd}`, 'r') });
  const gunzip = createGunzip({ chunkSize: BLOCK });
  // What fails is thrown by the loop below.
  pipeline(source, gunzip).catch(() => {});
  yield* gunzip as AsyncIterable<Buffer>;
}
