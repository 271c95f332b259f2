/** Logs as clients read them: chosen, framed, from their end, while they are written, and by slow readers. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ReadOptions, readLog } from '../../../src/dockerd/container/logs/read.ts';
import { type LogWriter, type LogWriterSettings, openWriter } from '../../../src/dockerd/container/logs/writer.ts';
import { HEADER_SIZE } from '../../../src/dockerd/http/stdcopy.ts';

const SECOND = 1_000_000_000n;
const START = 1_714_557_600n * SECOND; // 2024-05-01T10:00:00Z

let folder: string;
let path: string;
let open: LogWriter[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-log-'));
  path = join(folder, 'c-json.log');
  open = [];
});
afterEach(() => {
  for (const writer of open) writer.close();
  rmSync(folder, { recursive: true });
});

function writer(settings: Partial<LogWriterSettings> = {}): LogWriter {
  const failed = (error: unknown) => {
    throw error;
  };
  const opened = openWriter({ path, maxFiles: 1, compress: false, attributes: '', ...settings }, failed);
  open.push(opened);
  return opened;
}

const PLAIN: ReadOptions = { stdout: true, stderr: true, timestamps: false, details: false, framed: false, follow: false };

function reading(options: Partial<ReadOptions> = {}, live?: LogWriter, maxFiles = 1, signal = new AbortController().signal) {
  return readLog({ path, maxFiles, live: live?.file }, { ...PLAIN, ...options }, signal);
}

async function all(pieces: AsyncIterable<Buffer>): Promise<string> {
  const found: Buffer[] = [];
  for await (const piece of pieces) found.push(piece);
  return Buffer.concat(found).toString();
}

/** Line I at the I-th second. */
function fill(log: LogWriter, count: number, from = 0): void {
  for (let i = from; i < from + count; i++)
    log.write(i % 2 === 0 ? 'stdout' : 'stderr', Buffer.from(`line ${i}\n`), START + BigInt(i) * SECOND);
}
const numbers = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(line.slice(5)));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

const descriptors = () => readdirSync('/proc/self/fd').length;

describe('what is read', () => {
  it('is all, in order', async () => {
    fill(writer(), 10);
    expect(numbers(await all(reading()))).toEqual(range(0, 10));
  });

  it('is nothing, of a log that was never written', async () => {
    expect(await all(reading())).toBe('');
    expect(await all(reading({ tail: 5, follow: true }))).toBe('');
  });

  it('is one stream', async () => {
    fill(writer(), 5);
    expect(numbers(await all(reading({ stderr: false })))).toEqual([0, 2, 4]);
    expect(numbers(await all(reading({ stdout: false })))).toEqual([1, 3]);
  });

  it('is framed where there is no terminal', async () => {
    fill(writer(), 2);
    const pieces: Buffer[] = [];
    for await (const piece of reading({ framed: true })) pieces.push(piece);
    expect(Buffer.concat(pieces).toString('latin1')).toBe('\x01\0\0\0\0\0\0\x07line 0\n\x02\0\0\0\0\0\0\x07line 1\n');
  });

  it('has its length in bytes', async () => {
    writer().write('stdout', Buffer.from('€😀\n'));
    const { value: piece } = await reading({ framed: true }).next();
    expect(piece!.readUInt32BE(4)).toBe(8);
    expect(piece!.subarray(HEADER_SIZE).toString()).toBe('€😀\n');
  });

  it('has times of nine digits, and details', async () => {
    writer({ attributes: '{"b c":"x&y","a":"1,2"}' }).write('stdout', Buffer.from('hi\n'), START + 120_000_000n);
    expect(await all(reading({ timestamps: true }))).toBe('2024-05-01T10:00:00.120000000Z hi\n');
    expect(await all(reading({ timestamps: true, details: true }))).toBe('2024-05-01T10:00:00.120000000Z a=1%2C2,b+c=x%26y hi\n');
  });

  it('lies between since and until, both included', async () => {
    fill(writer(), 10);
    expect(numbers(await all(reading({ since: START + 3n * SECOND })))).toEqual(range(3, 10));
    expect(numbers(await all(reading({ since: START + 2n * SECOND + 1n, until: START + 5n * SECOND })))).toEqual(range(3, 6));
  });

  it('leaves out what is no entry', async () => {
    const entry = (line: string) => `{"log":"${line}\\n","stream":"stdout","time":"2024-05-01T10:00:00Z"}\n`;
    writeFileSync(path, `${entry('a')}\0\0\0\n{"log":"x"}\nnull\n7\n${entry('b')}{"log":"torn`);
    expect(await all(reading())).toBe('a\nb\n');
    // Each line of the file counts, as in Docker.
    expect(await all(reading({ tail: 1 }))).toBe('b\n');
  });
});

describe('the tail', () => {
  it.each([0, 1, 3, 10, 11, 1e12])('of %d entries', async (tail) => {
    fill(writer(), 10);
    expect(numbers(await all(reading({ tail })))).toEqual(range(Math.max(0, 10 - tail), 10));
  });

  it('reaches back into older files, and compressed ones', async () => {
    const log = writer({ maxSize: 400, maxFiles: 10, compress: true });
    fill(log, 12);
    await log.file.settled();
    fill(log, 10, 12);
    await log.file.settled();
    expect(readdirSync(folder).some((name) => name.endsWith('.gz'))).toBe(true);
    const before = descriptors();
    for (const tail of [1, 5, 9, 14, 21, 22, 30])
      expect(numbers(await all(reading({ tail }, log, 10)))).toEqual(range(Math.max(0, 22 - tail), 22));
    expect(numbers(await all(reading({}, undefined, 10)))).toEqual(range(0, 22));
    expect(descriptors()).toBe(before);
  });

  it('of a large log reads its end alone', async () => {
    const log = writer();
    log.write('stdout', Buffer.from(`${'x'.repeat(99)}\n`.repeat(300_000)));
    log.write('stdout', Buffer.from('end\n'));
    const start = performance.now();
    expect(await all(reading({ tail: 1 }))).toBe('end\n');
    expect(performance.now() - start).toBeLessThan(200);
  });
});

describe('following', () => {
  it('goes on until the container ends', async () => {
    const log = writer();
    fill(log, 3);
    const text = all(reading({ follow: true }, log));
    await sleep(10);
    fill(log, 2, 3);
    await sleep(10);
    log.write('stdout', Buffer.from('line 5'));
    log.close();
    expect(await text).toBe('line 0\nline 1\nline 2\nline 3\nline 4\nline 5');
  });

  it('with a tail of none begins now', async () => {
    const log = writer();
    fill(log, 3);
    const text = all(reading({ follow: true, tail: 0 }, log));
    fill(log, 2, 3);
    await sleep(10);
    fill(log, 2, 5);
    log.close();
    expect(numbers(await text)).toEqual(range(3, 7));
  });

  it('goes through rotations', async () => {
    const log = writer({ maxSize: 500, maxFiles: 3 });
    const pieces = reading({ follow: true }, log, 3);
    let seen = '';
    for (let i = 0; i < 20; i++) {
      fill(log, 10, i * 10);
      while (!seen.endsWith(`line ${i * 10 + 9}\n`)) seen += String((await pieces.next()).value);
    }
    log.close();
    expect(numbers(seen)).toEqual(range(0, 200));
    expect((await pieces.next()).done).toBe(true);
  });

  it('of one file that begins anew misses nothing either', async () => {
    const log = writer({ maxSize: 500, maxFiles: 1 });
    const pieces = reading({ follow: true }, log);
    let seen = '';
    for (let i = 0; i < 20; i++) {
      fill(log, 5, i * 5);
      while (!seen.endsWith(`line ${i * 5 + 4}\n`)) seen += String((await pieces.next()).value);
    }
    expect(numbers(seen)).toEqual(range(0, 100));
    await pieces.return(undefined);
  });

  it('ends with a line after until', async () => {
    const log = writer();
    const text = all(reading({ follow: true, until: START + 2n * SECOND }, log));
    await sleep(5);
    fill(log, 5);
    expect(numbers(await text)).toEqual([0, 1, 2]);
  });

  it('ends when the client goes away, and leaves nothing open', async () => {
    const log = writer();
    fill(log, 3);
    const before = descriptors();
    const gone = new AbortController();
    const text = all(reading({ follow: true }, log, 1, gone.signal));
    await sleep(10);
    expect(descriptors()).toBeGreaterThan(before);
    gone.abort();
    expect(numbers(await text)).toEqual([0, 1, 2]);
    expect(descriptors()).toBe(before);
    fill(log, 3, 3);
  });

  it('costs a container nothing when the client does not read: what the log forgets, it misses', async () => {
    const log = writer({ maxSize: 100_000, maxFiles: 3 });
    fill(log, 1);
    const pieces = reading({ follow: true }, log, 3)[Symbol.asyncIterator]();
    const first = await pieces.next();
    expect(String(first.value)).toBe('line 0\n');
    const before = descriptors();
    log.write('stdout', Buffer.from(Array.from({ length: 40_000 }, (_, i) => `line ${i + 1}\n`).join('')), START);
    expect(descriptors() - before).toBeLessThanOrEqual(3);
    log.close();
    const seen = numbers(await all({ [Symbol.asyncIterator]: () => pieces }));
    // To the end of the file that it was in, and then the files that are still there.
    expect(seen[0]).toBe(1);
    expect(seen.at(-1)).toBe(40_000);
    expect(seen.length).toBeLessThan(10_000);
    expect([...seen].sort((a, b) => a - b)).toEqual(seen);
  });

  it('of a container that does not run is just reading', async () => {
    const log = writer();
    fill(log, 3);
    log.close();
    expect(numbers(await all(reading({ follow: true }, log)))).toEqual([0, 1, 2]);
  });
});

it('gives 200,000 lines back in no time', async () => {
  const log = writer();
  log.write('stdout', Buffer.from(`${'2024-05-01 10:00:00 INFO a request was served '.padEnd(79, '.')}\n`.repeat(200_000)));
  const start = performance.now();
  let size = 0;
  for await (const piece of reading({ framed: true, timestamps: true })) {
    size += piece.length;
    expect(piece.length).toBeLessThan(256 << 10);
  }
  const seconds = (performance.now() - start) / 1000;
  if (process.env.MINIRUN_SHOW) console.log(`${(16 / seconds).toFixed(0)} MB/s, ${(200_000 / seconds).toFixed(0)} lines/s`);
  expect(size).toBe(200_000 * (HEADER_SIZE + 31 + 80));
  expect(seconds).toBeLessThan(4);
});

it('a log that somebody emptied is read from its beginning', async () => {
  const log = writer();
  fill(log, 3);
  writeFileSync(path, '');
  fill(log, 2, 3);
  expect(numbers(await all(reading({}, log)))).toEqual([3, 4]);
});
