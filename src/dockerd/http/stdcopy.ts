/**
 * Docker's way to send two streams over one connection: each piece has a header of eight bytes,
 * which says whose it is and how long. Containers with a terminal have one stream, sent bare.
 * @see https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container/operation/ContainerAttach
 */

export type Stream = 'stdout' | 'stderr';

export const HEADER_SIZE = 8;

const NUMBER = { stdout: 1, stderr: 2 } as const;

/** Writes the header of a piece of `length` bytes. */
export function writeHeader(into: Buffer, at: number, stream: Stream, length: number): void {
  into.writeUInt32LE(NUMBER[stream], at);
  into.writeUInt32BE(length, at + 4);
}

/** A piece with its header. */
export function frame(stream: Stream, payload: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(HEADER_SIZE + payload.length);
  writeHeader(framed, 0, stream, payload.length);
  framed.set(payload, HEADER_SIZE);
  return framed;
}
