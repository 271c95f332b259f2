/** Content that is open, read in pieces. */
import { createReadStream, read } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { Code, ConnectError } from '@connectrpc/connect';
import type { OpenContent } from '../content/store.ts';

/** Well below the 4 MiB that gRPC clients take when they have not said anything else. */
const PIECE = 1 << 20;
const readAsync = promisify(read);

/** Bytes from `start` to `end`, each piece with its place. The content stays open. */
export async function* pieces({ fd }: OpenContent, start: number, end: number) {
  for (let offset = start; offset < end; ) {
    // A new buffer for each: the message before may still be on its way.
    const data = Buffer.allocUnsafeSlow(Math.min(PIECE, end - offset));
    const { bytesRead } = await readAsync(fd, data, 0, data.length, offset);
    if (bytesRead === 0) throw new ConnectError(`content ends at ${offset} of ${end} bytes`, Code.DataLoss);
    yield { offset: BigInt(offset), data: data.subarray(0, bytesRead) };
    offset += bytesRead;
  }
}

/** All of it, as a stream, which closes it. */
export function readAll(content: OpenContent): Readable {
  if (content.size > 0) return createReadStream('', { fd: content.fd, start: 0, end: content.size - 1, highWaterMark: PIECE });
  content.close();
  return Readable.from([]);
}
