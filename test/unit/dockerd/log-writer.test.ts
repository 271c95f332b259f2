/** Logs as files: Docker's format to the byte, rotation, and what a killed daemon leaves. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NO_LINE, openJournal, readJournal } from '../../../src/dockerd/container/logs/journal.ts';
import { type LogWriter, type LogWriterSettings, openWriter } from '../../../src/dockerd/container/logs/writer.ts';
import type { Stream } from '../../../src/dockerd/http/stdcopy.ts';

const AT = 1_714_557_600_120_000_000n; // 2024-05-01T10:00:00.12Z

let folder: string;
let path: string;
let failures: unknown[];
let open: LogWriter[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-log-'));
  path = join(folder, 'c-json.log');
  failures = [];
  open = [];
});
afterEach(() => {
  for (const writer of open) writer.close();
  rmSync(folder, { recursive: true });
});

function writer(settings: Partial<LogWriterSettings> = {}): LogWriter {
  const opened = openWriter({ path, maxFiles: 1, compress: false, attributes: '', ...settings }, (error) => failures.push(error));
  open.push(opened);
  return opened;
}
/** The files of the log, without what is kept beside it. */
const logs = () =>
  readdirSync(folder)
    .filter((name) => !name.endsWith('.taken'))
    .sort();
const text = () => readFileSync(path, 'utf8');
const entries = (from = text()) =>
  from
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as { log: string; stream: string; time: string });

describe('the format', () => {
  it('is what dockerd writes', () => {
    const log = writer();
    log.write('stdout', Buffer.from('hello\n'), AT);
    log.write('stderr', Buffer.from('a "quoted" \\ <b>&\ttab\r\n'), AT + 3n);
    log.write('stdout', Buffer.from('\n'), AT - 120_000_000n);
    expect(text()).toBe(
      '{"log":"hello\\n","stream":"stdout","time":"2024-05-01T10:00:00.12Z"}\n' +
        '{"log":"a \\"quoted\\" \\\\ \\u003cb\\u003e\\u0026\\u0009tab\\r\\n","stream":"stderr","time":"2024-05-01T10:00:00.120000003Z"}\n' +
        '{"log":"\\n","stream":"stdout","time":"2024-05-01T10:00:00Z"}\n',
    );
  });

  it('has attributes before the time', () => {
    writer({ attributes: '{"a":"b"}' }).write('stdout', Buffer.from('x\n'), AT);
    expect(text()).toBe('{"log":"x\\n","stream":"stdout","attrs":{"a":"b"},"time":"2024-05-01T10:00:00.12Z"}\n');
  });

  it.each([
    ['what is UTF-8 stays', Buffer.from('aäß€😀~\x7f'), 'aäß€😀~\x7f'],
    ['each byte that is not is replaced', Buffer.from([0x61, 0xff, 0xc3, 0x28, 0xe2, 0x82, 0x62]), 'a\\ufffd\\ufffd(\\ufffd\\ufffdb'],
    ['overlong, surrogates, too large', Buffer.from([0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80]), '\\ufffd'.repeat(9)],
    ['control characters', Buffer.from([0, 1, 0x1b]), '\\u0000\\u0001\\u001b'],
    ['separators of JavaScript', Buffer.from('\u2027\u2028\u2029\u202a'), '\u2027\\u2028\\u2029\u202a'],
  ])('%s', (_, bytes, encoded) => {
    writer().write('stdout', Buffer.concat([bytes, Buffer.from('\n')]), AT);
    expect(text()).toContain(`{"log":"${encoded}\\n",`);
  });
});

describe('lines', () => {
  it('are put together from chunks, each stream for itself', () => {
    const log = writer();
    log.write('stdout', Buffer.from('one '));
    log.write('stderr', Buffer.from('bad'));
    log.write('stdout', Buffer.from('two\nthree'));
    log.write('stderr', Buffer.from('\n'));
    expect(entries().map(({ log: line, stream }) => [stream, line])).toEqual([
      ['stdout', 'one two\n'],
      ['stderr', 'bad\n'],
    ]);
  });

  it('end without a newline when the container ends', () => {
    const log = writer();
    log.write('stdout', Buffer.from('a\nlast'));
    log.close();
    expect(entries().map((entry) => entry.log)).toEqual(['a\n', 'last']);
    expect(logs()).toEqual(['c-json.log']);
  });

  it('come in pieces of 16 KiB when they are long, all with the time of the first', () => {
    const log = writer();
    log.write('stdout', Buffer.alloc(20_000, 'x'), AT);
    log.write('stdout', Buffer.concat([Buffer.alloc(20_000, 'x'), Buffer.from('\nnext\n')]), AT + 5n);
    expect(entries().map((entry) => [entry.log.length, entry.log.endsWith('\n'), entry.time])).toEqual([
      [16384, false, '2024-05-01T10:00:00.12Z'],
      [16384, false, '2024-05-01T10:00:00.12Z'],
      [7233, true, '2024-05-01T10:00:00.12Z'],
      [5, true, '2024-05-01T10:00:00.120000005Z'],
    ]);
  });

  it('of exactly 16 KiB have their newline in the next entry, as from Docker', () => {
    writer().write('stdout', Buffer.concat([Buffer.alloc(16384, 'x'), Buffer.from('\n')]));
    expect(entries().map((entry) => entry.log.length)).toEqual([16384, 1]);
  });

  it('are not cut inside a character', () => {
    const line = `a${'€'.repeat(10_000)}\n`;
    writer().write('stdout', Buffer.from(line));
    expect(
      entries()
        .map((entry) => entry.log)
        .join(''),
    ).toBe(line);
  });
});

describe('rotation', () => {
  const fill = (log: LogWriter, count: number, from = 0) => {
    for (let i = from; i < from + count; i++) log.write('stdout', Buffer.from(`line ${String(i).padStart(4, '0')}\n`), AT);
  };
  const linesOf = (name: string) => entries(readFileSync(join(folder, name), 'utf8')).map((entry) => Number(entry.log.slice(5)));

  it('keeps so many files, the newest lines first in the one without a number', () => {
    const log = writer({ maxSize: 500, maxFiles: 3 });
    fill(log, 30);
    expect(logs()).toEqual(['c-json.log', 'c-json.log.1', 'c-json.log.2']);
    const kept = [...linesOf('c-json.log.2'), ...linesOf('c-json.log.1'), ...linesOf('c-json.log')];
    expect(kept.at(-1)).toBe(29);
    expect(kept).toEqual(kept.map((_, i) => kept[0]! + i));
    // A file is full when it has reached the size, with a whole entry.
    expect(readFileSync(`${path}.1`).length).toBeGreaterThanOrEqual(500);
    expect(readFileSync(`${path}.1`).length).toBeLessThan(600);
  });

  it('inside of one chunk does the same', () => {
    const log = writer({ maxSize: 500, maxFiles: 100 });
    log.write('stdout', Buffer.from(Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join('')));
    const names = logs().length;
    expect(names).toBeGreaterThan(3);
    expect(linesOf(`c-json.log.${names - 1}`)[0]).toBe(0);
  });

  it('with one file begins it anew', () => {
    const log = writer({ maxSize: 500, maxFiles: 1 });
    fill(log, 30);
    expect(logs()).toEqual(['c-json.log']);
    expect(linesOf('c-json.log').at(-1)).toBe(29);
  });

  it('compresses old files', async () => {
    const log = writer({ maxSize: 500, maxFiles: 4, compress: true });
    fill(log, 10);
    await log.file.settled();
    fill(log, 30, 10);
    await log.file.settled();
    expect(logs()).toEqual(['c-json.log', 'c-json.log.1.gz', 'c-json.log.2.gz', 'c-json.log.3.gz']);
    const oldest = entries(gunzipSync(readFileSync(`${path}.3.gz`)).toString()).map((entry) => entry.log);
    expect(oldest.length).toBeGreaterThan(5);
  });

  it('finishes a compression that was cut off', async () => {
    writeFileSync(`${path}.1`, 'old\n');
    writeFileSync(`${path}.1.gz`, 'half');
    const log = writer({ maxSize: 500, maxFiles: 3, compress: true });
    await log.file.settled();
    expect(gunzipSync(readFileSync(`${path}.1.gz`)).toString()).toBe('old\n');
    expect(existsSync(`${path}.1`)).toBe(false);
  });

  it('that fails is told once, changes no names and loses no line', () => {
    const log = writer({ maxSize: 300, maxFiles: 3 });
    fill(log, 10);
    const before = logs();
    // A folder in the way of the new file.
    mkdirSync(`${path}.new`);
    fill(log, 20, 10);
    expect(failures.length).toBe(1);
    expect(logs().filter((name) => !name.endsWith('.new'))).toEqual(before);
    expect(linesOf('c-json.log').slice(-20)).toEqual(Array.from({ length: 20 }, (_, i) => 10 + i));
    rmdirSync(`${path}.new`);
    fill(log, 1, 30);
    expect(linesOf('c-json.log')).toEqual([30]);
  });
});

describe('a daemon that is killed', () => {
  it('loses nothing of a line that has not ended', () => {
    writer().write('stdout', Buffer.from('whole\nhal'));
    // Nothing is closed: this is what a kill leaves.
    const next = writer();
    next.write('stdout', Buffer.from('f\n'));
    expect(entries().map((entry) => entry.log)).toEqual(['whole\n', 'half\n']);
  });

  /** The folder as a kill leaves it that comes after the last chunk was kept, with the log as `left` makes it. */
  function killed(
    chunks: [Stream, string][],
    settings: Partial<LogWriterSettings>,
    left: (before: Buffer, after: Buffer) => Buffer,
  ): LogWriter {
    const log = writer(settings);
    const [last, ...first] = [...chunks].reverse() as [[Stream, string], ...[Stream, string][]];
    for (const [stream, chunk] of first.reverse()) log.write(stream, Buffer.from(chunk), AT);
    const before = readFileSync(path);
    const { append } = log.file;
    let taken = Buffer.alloc(0);
    log.file.append = (bytes) => {
      taken = readFileSync(`${path}.taken`);
      append(bytes);
    };
    log.write(last[0], Buffer.from(last[1]), AT);
    // The same inodes: they count.
    writeFileSync(path, left(before, readFileSync(path)));
    writeFileSync(`${path}.taken`, taken);
    return writer(settings);
  }
  const CHUNKS: [Stream, string][] = [
    ['stdout', 'one\ntw'],
    ['stderr', 'err'],
    ['stdout', 'o\nthree\nfour\nfi'],
  ];

  it.each<[string, (before: Buffer, after: Buffer) => Buffer]>([
    ['before', (before) => before],
    ['in the middle of', (_, after) => after.subarray(0, after.indexOf('three') + 3)],
    ['between two entries of', (_, after) => after.subarray(0, after.indexOf('three') - '{"log":"'.length)],
    ['after', (_, after) => after],
  ])('%s an append loses nothing of what it took, and has nothing twice', (_, left) => {
    const next = killed(CHUNKS, {}, left);
    next.write('stdout', Buffer.from('ve\n'), AT);
    next.write('stderr', Buffer.from('or\n'), AT);
    expect(entries().map(({ stream, log }) => `${stream} ${log}`)).toEqual([
      'stdout one\n',
      'stdout two\n',
      'stdout three\n',
      'stdout four\n',
      'stdout five\n',
      'stderr error\n',
    ]);
    expect(failures).toEqual([]);
  });

  it('again and again, at each of these moments', () => {
    for (let i = 0; i < 5; i++) {
      killed([['stdout', `${i}a\n${i}`]], {}, (before) => before);
      killed([['stdout', 'b\n']], {}, (_, after) => after.subarray(0, after.length - 4));
    }
    expect(entries().map((entry) => entry.log)).toEqual(Array.from({ length: 5 }, (_, i) => [`${i}a\n`, `${i}b\n`]).flat());
  });

  it.each(['before', 'after'])('%s a rotation', (moment) => {
    const settings = { maxSize: 250, maxFiles: 3 };
    const log = writer(settings);
    const { rotate } = log.file;
    let taken = Buffer.alloc(0);
    log.file.rotate = () => {
      taken = readFileSync(`${path}.taken`);
      if (moment === 'after') rotate();
      log.file.append = () => {
        throw new Error('killed');
      };
    };
    log.write('stdout', Buffer.from('1\n2\n3\n4\n5\n6'), AT);
    expect(taken.length).toBeGreaterThan(0);
    writeFileSync(`${path}.taken`, taken);
    writer(settings).write('stdout', Buffer.from('\n'), AT);
    const all = [`${path}.2`, `${path}.1`, path].filter((name) => existsSync(name)).flatMap((name) => entries(readFileSync(name, 'utf8')));
    expect(all.map((entry) => entry.log).join('')).toBe('1\n2\n3\n4\n5\n6\n');
  });

  it('in the middle of a note leads to the same', () => {
    const log = writer();
    log.write('stdout', Buffer.from('one\ntw'), AT);
    const before = readFileSync(`${path}.taken`);
    log.write('stdout', Buffer.from('o\nthr'), AT);
    const after = readFileSync(`${path}.taken`);
    // All of the chunk was kept, and then but a part of the state that follows it; the slots are written in turns.
    const changed = after.findIndex((byte, at) => byte !== before[at] && after.subarray(at, at + 200).includes('"place"'));
    const slot = changed < 256 << 10 ? 0 : 256 << 10;
    const torn = Buffer.from(after);
    before.copy(torn, slot + 90, slot + 90, slot + 400);
    writeFileSync(`${path}.taken`, torn);
    writer().write('stdout', Buffer.from('ee\n'), AT);
    expect(entries().map((entry) => entry.log)).toEqual(['one\n', 'two\n', 'three\n']);
  });

  it('keeps nothing rather than something old when the disk is full', () => {
    const kept = `${path}.taken`;
    symlinkSync('/dev/full', kept);
    const journal = openJournal(kept);
    const state = { place: { inode: 1, size: 2 }, unfinished: { stdout: NO_LINE, stderr: NO_LINE } };
    expect(() => journal.settled(state)).toThrow('ENOSPC');
    expect(existsSync(kept)).toBe(false);
    // Nothing to go on from: no chunk is kept.
    journal.took({ stream: 'stdout', bytes: Buffer.from('x'), at: AT });
    expect(existsSync(kept)).toBe(false);
    // There is room again.
    journal.settled(state);
    journal.took({ stream: 'stderr', bytes: Buffer.from('x'), at: AT });
    expect(readJournal(kept)).toMatchObject({ state, chunk: { stream: 'stderr', at: AT } });
    journal.close();
  });

  it('leaves a torn entry, which is taken away', () => {
    writeFileSync(path, '{"log":"a\\n","stream":"stdout","time":"2024-05-01T10:00:00Z"}\n{"log":"b');
    writer().write('stdout', Buffer.from('c\n'));
    expect(entries().map((entry) => entry.log)).toEqual(['a\n', 'c\n']);
  });

  it('leaves a long line that the next one goes on with', () => {
    writer().write('stderr', Buffer.alloc(20_000, 'y'), AT);
    writer().write('stderr', Buffer.from('\n'), AT + 9n);
    expect(entries().map((entry) => [entry.log.length, entry.time])).toEqual([
      [16384, '2024-05-01T10:00:00.12Z'],
      [3617, '2024-05-01T10:00:00.12Z'],
    ]);
  });
});

it('takes 200,000 lines in no time', () => {
  const line = `${'2024-05-01 10:00:00 INFO a request was served '.padEnd(79, '.')}\n`;
  const chunk = Buffer.from(line.repeat(800));
  const log = writer({ maxSize: 10_000_000, maxFiles: 3 });
  const start = performance.now();
  for (let i = 0; i < 250; i++) log.write('stdout', chunk);
  const seconds = (performance.now() - start) / 1000;
  if (process.env.MINIRUN_SHOW) console.log(`${(16 / seconds).toFixed(0)} MB/s, ${(200_000 / seconds).toFixed(0)} lines/s`);
  expect(seconds).toBeLessThan(2);
  expect(failures).toEqual([]);
});
