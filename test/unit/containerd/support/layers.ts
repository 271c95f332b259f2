/** Small archives for tests, written header by header, so that they can be as wrong as they like. */
import { gzipSync } from 'node:zlib';

export interface Written {
  name: string;
  type?: string;
  link?: string;
  mode?: number;
  uid?: number;
  gid?: number;
  mtime?: number;
  body?: string | Buffer;
  /** If other than the body's length. */
  size?: number;
  major?: number;
  minor?: number;
  pax?: Record<string, string>;
}

const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits - 1, '0')}\0`;

export function header(entry: Written, size: number): Buffer {
  const block = Buffer.alloc(512);
  block.write(entry.name, 0, 100, 'latin1');
  block.write(octal(entry.mode ?? 0o644, 8), 100);
  block.write(octal(entry.uid ?? 0, 8), 108);
  block.write(octal(entry.gid ?? 0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(entry.mtime ?? 1_600_000_000, 12), 136);
  block.write(entry.type ?? '0', 156);
  block.write(entry.link ?? '', 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(octal(entry.major ?? 0, 8), 329);
  block.write(octal(entry.minor ?? 0, 8), 337);
  return summed(block);
}

/** With its checksum. */
export function summed(block: Buffer): Buffer {
  block.write('        ', 148);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return block;
}

const fill = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);

function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
  return `${length}${rest}`;
}

export function paxHeader(records: Record<string, string>, type = 'x'): Buffer {
  const body = Buffer.from(
    Object.entries(records)
      .map(([key, value]) => record(key, value))
      .join(''),
    'latin1',
  );
  return Buffer.concat([header({ name: 'pax', type }, body.length), fill(body)]);
}

export function tarOf(...entries: Written[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const body = Buffer.from(entry.body ?? '');
    return [...(entry.pax ? [paxHeader(entry.pax)] : []), header(entry, entry.size ?? body.length), fill(body)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export const gzipped = (...entries: Written[]): Buffer => gzipSync(tarOf(...entries));
