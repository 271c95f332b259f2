/** Frames of ttrpc: a header of 10 bytes, then data (github.com/containerd/ttrpc, PROTOCOL.md). */

/** Length (32 bits), stream (32 bits), type, flags; numbers are big-endian. */
export const HEADER_BYTES = 10;
/** What a frame may carry at most. */
export const MAX_DATA_BYTES = 4 << 20;

export const FRAME = { request: 1, response: 2, data: 3 } as const;
/** remoteClosed: the sender sends no more. remoteOpen: a request whose sender will send data. noData: no message in it, not an empty one. */
export const FLAG = { remoteClosed: 1, remoteOpen: 2, noData: 4 } as const;

export interface Frame {
  /** Odd where the client began it. */
  stream: number;
  /** One of FRAME; others are for later versions and are to be ignored. */
  type: number;
  flags: number;
  data: Uint8Array;
  /** The data was longer than this, is more than is allowed, and was thrown away. */
  oversized?: number;
}

/** One frame, ready to be sent. @throws RangeError when there is more data than a frame may carry */
export function encodeFrame(stream: number, type: number, flags: number, data: Uint8Array): Buffer {
  if (data.length > MAX_DATA_BYTES) throw new RangeError(tooLong(data.length));
  const frame = Buffer.allocUnsafe(HEADER_BYTES + data.length);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(stream, 4);
  frame[8] = type;
  frame[9] = flags;
  frame.set(data, HEADER_BYTES);
  return frame;
}

/** The words that ttrpc's own implementation has for it. */
export const tooLong = (bytes: number): string => `message length ${bytes} exceed maximum message size of ${MAX_DATA_BYTES}`;

/**
 * Puts frames together from pieces that may end anywhere. Gives each frame to `receive` once it is
 * whole. No bytes can make it throw; it keeps the data of one frame at most, and only what has come.
 */
export function frameDecoder(receive: (frame: Frame) => void): (piece: Uint8Array) => void {
  let pieces: Uint8Array[] = [];
  let held = 0;
  /** The header that was read, while its data is awaited. */
  let header: { stream: number; type: number; flags: number; length: number } | undefined;
  /** Bytes of too long a frame that are still to come. */
  let discard = 0;

  /** The first `count` bytes of what is held. */
  const take = (count: number): Buffer => {
    const all = pieces.length === 1 && pieces[0] ? Buffer.from(pieces[0].buffer, pieces[0].byteOffset, held) : Buffer.concat(pieces, held);
    pieces = held > count ? [all.subarray(count)] : [];
    held -= count;
    return all.subarray(0, count);
  };

  return (piece) => {
    let rest = piece;
    if (discard > 0) {
      const gone = Math.min(discard, rest.length);
      discard -= gone;
      rest = rest.subarray(gone);
    }
    if (rest.length > 0) {
      pieces.push(rest);
      held += rest.length;
    }
    for (;;) {
      if (!header) {
        if (held < HEADER_BYTES) return;
        const bytes = take(HEADER_BYTES);
        header = { length: bytes.readUInt32BE(0), stream: bytes.readUInt32BE(4), type: bytes.readUInt8(8), flags: bytes.readUInt8(9) };
      }
      const { length, stream, type, flags } = header;
      if (length > MAX_DATA_BYTES) {
        header = undefined;
        const here = Math.min(held, length);
        take(here);
        discard = length - here;
        receive({ stream, type, flags, data: new Uint8Array(0), oversized: length });
        continue;
      }
      if (held < length) return;
      header = undefined;
      receive({ stream, type, flags, data: take(length) });
    }
  };
}
