/** Docker's framing of two outputs on one stream: [1 or 2, 0, 0, 0, length as 32 bits], then so many bytes. */
import type { Readable, Writable } from 'node:stream';

const HEADER = 8;

/**
 * Copies until the end of the stream. Memory stays small whatever the container writes: nothing more
 * is read while an output is full, and a frame need not be there as a whole.
 * @throws Error for what is no frame
 */
export async function copyFrames(from: Readable, stdout: Writable, stderr: Writable): Promise<void> {
  let header = Buffer.alloc(0);
  let left = 0;
  let to = stdout;
  for await (const chunk of from) {
    let rest = chunk as Buffer;
    while (rest.length > 0) {
      if (left === 0) {
        const missing = HEADER - header.length;
        header = Buffer.concat([header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < HEADER) break;
        const stream = header[0] as number;
        if (stream > 3) throw new Error(`the daemon's stream is broken: a frame of stream ${stream}`);
        to = stream === 2 || stream === 3 ? stderr : stdout;
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const part = rest.subarray(0, left);
      left -= part.length;
      rest = rest.subarray(part.length);
      await writeTo(to, part);
    }
  }
}

/** The output of a terminal, which has no frames. */
export async function copyRaw(from: Readable, stdout: Writable): Promise<void> {
  for await (const chunk of from) await writeTo(stdout, chunk as Buffer);
}

/** Waits as long as the reader is slower; one that is gone is no error. */
export async function writeTo(to: Writable, bytes: Buffer): Promise<void> {
  if (to.destroyed || to.write(bytes)) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      to.off('drain', done).off('close', done).off('error', done);
      resolve();
    };
    to.on('drain', done).on('close', done).on('error', done);
  });
}
