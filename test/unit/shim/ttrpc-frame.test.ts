import { describe, expect, it } from 'vitest';
import { encodeFrame, FRAME, type Frame, frameDecoder, HEADER_BYTES, MAX_DATA_BYTES } from '../../../src/shim/ttrpc/frame.ts';

/** Numbers that are the same on each run (mulberry32), so that a failure can be seen again. */
function randomNumbers(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function decode(...pieces: Uint8Array[]): Frame[] {
  const frames: Frame[] = [];
  const feed = frameDecoder((frame) => frames.push({ ...frame, data: Buffer.from(frame.data) }));
  for (const piece of pieces) feed(piece);
  return frames;
}

describe('frames of ttrpc', () => {
  it('are ten bytes of header, big-endian, and data', () => {
    const frame = encodeFrame(0x01020305, FRAME.request, 2, Buffer.from('ab'));
    expect(frame.toString('hex')).toBe('00000002' + '01020305' + '01' + '02' + '6162');
    expect(decode(frame)).toEqual([{ stream: 0x01020305, type: 1, flags: 2, data: Buffer.from('ab') }]);
  });

  it('carry 4 MiB and not a byte more', () => {
    expect(decode(encodeFrame(1, FRAME.response, 0, Buffer.alloc(MAX_DATA_BYTES)))[0]?.data.length).toBe(MAX_DATA_BYTES);
    expect(() => encodeFrame(1, FRAME.response, 0, Buffer.alloc(MAX_DATA_BYTES + 1))).toThrow(RangeError);
  });

  it('that are too long are told of and thrown away, and the next one is read', () => {
    const length = MAX_DATA_BYTES + 1;
    const header = Buffer.from('00400001' + '00000005' + '0100', 'hex');
    const next = encodeFrame(7, FRAME.request, 0, Buffer.from('x'));
    const whole = Buffer.concat([header, Buffer.alloc(length, 0xff), next]);
    const wanted = [
      { stream: 5, type: 1, flags: 0, data: Buffer.alloc(0), oversized: length },
      { stream: 7, type: 1, flags: 0, data: Buffer.from('x') },
    ];
    expect(decode(whole)).toEqual(wanted);
    expect(decode(whole.subarray(0, 4), whole.subarray(4, 100_000), whole.subarray(100_000))).toEqual(wanted);
  });

  it('come out the same wherever the pieces end', () => {
    const random = randomNumbers(1);
    for (let round = 0; round < 300; round++) {
      const sent = Array.from({ length: 1 + random(6) }, () => ({
        stream: random(2 ** 31) * 2 + 1,
        type: random(256),
        flags: random(256),
        data: Buffer.from(Array.from({ length: random(3) === 0 ? 0 : random(400) }, () => random(256))),
      }));
      const bytes = Buffer.concat(sent.map(({ stream, type, flags, data }) => encodeFrame(stream, type, flags, data)));
      const pieces = [];
      for (let at = 0; at < bytes.length; ) {
        const size = 1 + random(round % 3 === 0 ? 2 : 60);
        pieces.push(bytes.subarray(at, at + size));
        at += size;
      }
      expect(decode(...pieces)).toEqual(sent);
    }
  });

  it('that are cut off are never given out', () => {
    const bytes = encodeFrame(3, FRAME.request, 0, Buffer.from('hello'));
    for (let length = 0; length < bytes.length; length++) expect(decode(bytes.subarray(0, length))).toEqual([]);
  });

  it('survive any bytes at all: nothing is thrown, nothing longer than it may be is given out', () => {
    const random = randomNumbers(2);
    for (let round = 0; round < 500; round++) {
      let given = 0;
      const feed = frameDecoder(({ data, oversized }) => {
        given += HEADER_BYTES + data.length;
        expect(data.length).toBeLessThanOrEqual(MAX_DATA_BYTES);
        if (oversized !== undefined) expect(oversized).toBeGreaterThan(MAX_DATA_BYTES);
      });
      let fed = 0;
      for (let piece = 0; piece < 20; piece++) {
        const bytes = Buffer.from(Array.from({ length: random(200) }, () => (random(3) === 0 ? 0 : random(256))));
        // Lengths that are believable make it go deeper.
        if (bytes.length > 4 && random(2) === 0) bytes.writeUInt32BE(random(40), 0);
        fed += bytes.length;
        feed(bytes);
      }
      expect(given).toBeLessThanOrEqual(fed);
    }
  });
});
