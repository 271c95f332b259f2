import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { compressionOf, decompressed } from '../../../src/containerd/layers/compression.ts';

const sum = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function undone(bytes: Buffer, step: number): Promise<Buffer> {
  const pieces = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => bytes.subarray(i * step, (i + 1) * step));
  const found: Buffer[] = [];
  for await (const piece of decompressed(Readable.from(pieces))) found.push(piece);
  return Buffer.concat(found);
}

const zstd = (bytes: Buffer): Buffer => spawnSync('zstd', ['-qc'], { input: bytes, maxBuffer: 1 << 26 }).stdout;
const [one, two] = [Buffer.concat([randomBytes(300_000), Buffer.alloc(3_000_000, 'x')]), Buffer.from('the second part'.repeat(5000))];
const both = Buffer.concat([one, two]);
const skippable = Buffer.concat([Buffer.from([0x50, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from('index')]);
const asZstd = spawnSync('zstd', ['--version']).status === 0;

describe('a compressed stream', () => {
  const kinds: [string, () => Buffer, Buffer][] = [
    ['plain', () => both, both],
    ['nothing', () => Buffer.alloc(0), Buffer.alloc(0)],
    ['three bytes', () => Buffer.from('abc'), Buffer.from('abc')],
    ['gzip', () => gzipSync(both), both],
    ['gzip of two members', () => Buffer.concat([gzipSync(one), gzipSync(two)]), both],
    ...(asZstd
      ? ([
          ['zstd', () => zstd(both), both],
          ['zstd of two frames', () => Buffer.concat([zstd(one), zstd(two)]), both],
          ['zstd with frames to skip', () => Buffer.concat([skippable, zstd(one), zstd(two), skippable]), both],
        ] as [string, () => Buffer, Buffer][])
      : []),
  ];
  test.each(kinds)('%s is undone, whatever the size of its pieces', async (_, make, wanted) => {
    const bytes = make();
    for (const step of [1 << 22, 65_536, 1013]) expect(sum(await undone(bytes, step))).toBe(sum(wanted));
  });

  test.each(kinds.filter(([name]) => /^(gzip|zstd)$/.test(name)))('%s that is cut is an error', async (_, make) => {
    const bytes = make();
    await expect(undone(bytes.subarray(0, bytes.length - 20), 65_536)).rejects.toThrow(/unexpected (end of file|EOF)/i);
  });

  test('an error of its source is passed on', async () => {
    const source = Readable.from(
      (async function* () {
        yield gzipSync(both).subarray(0, 1000);
        throw new Error('the network is gone');
      })(),
    );
    await expect(decompressed(source).next()).rejects.toThrow('the network is gone');
  });

  test('is destroyed when nobody wants the rest', async () => {
    const source = Readable.from([gzipSync(both), gzipSync(both)]);
    for await (const _ of decompressed(source)) break;
    expect(source.destroyed).toBe(true);
  });

  test('is told by its first bytes', () => {
    expect(compressionOf(gzipSync('x'))).toBe('gzip');
    expect(compressionOf(skippable)).toBe('zstd');
    expect(compressionOf(Buffer.from('etc/passwd'))).toBe('plain');
  });
});
