/**
 * Reads a tar archive as it comes, in chunks of any size, holding none of its files in memory.
 * Nothing in here waits: whoever has a chunk pushes it, and is told what was in it at once. A
 * promise for each of 20,000 small files would cost more than the files.
 */
import { BLOCK, isZero, numberOf, readHeader, type SparsePart, type TarEntry, TarError } from './tar-header.ts';
import { applyRecords, type PaxRecords, parseRecords, type SparseHint } from './tar-pax.ts';
import { checkParts, goesOn, linesOfMap, MAP_LIMIT, OLD, oldParts, padded } from './tar-sparse.ts';

/** Is told what an archive holds, in its order. What it throws ends the reading. */
export interface TarSink {
  /** An entry begins. */
  entry(entry: TarEntry): void;
  /** Bytes of the file that has begun; `at` is their place in it, which jumps over the holes of a sparse one. */
  data(bytes: Buffer, at: number): void;
  /** All bytes of the entry were told. */
  end(entry: TarEntry): void;
}

export interface TarReader {
  /** Takes the next bytes. They may be kept until they were told, not longer. @throws TarError; what the sink throws */
  push(chunk: Buffer): void;
  /** The stream has ended. @throws TarError when that is in the middle of something */
  finish(): void;
  /** How many bytes were pushed. */
  readonly offset: number;
}

/** What describes the next entry is kept in memory; Go's archive/tar has the same limit. */
const META_LIMIT = 1 << 20;

/** Reads entries into a sink. Entries of kinds that nobody has any more are an error, as they are for containerd. */
export function tarReader(sink: TarSink): TarReader {
  /** Bytes pushed before the chunk at hand, and how many of that are read. */
  let before = 0;
  let at = 0;
  let chunk: Buffer = Buffer.alloc(0);
  const offset = (): number => before + at;

  /** What the next whole blocks are read for; undefined: the data of `current`, or its padding. */
  let take: ((bytes: Buffer) => void) | undefined = header;
  let wanted = BLOCK;
  const partial: Buffer[] = [];
  let partialLength = 0;

  const next: { name?: string; linkName?: string; records?: PaxRecords } = {};
  /** What global headers said last, by key. */
  const global = new Map<string, string>();
  let globalBytes = 0;
  let zeros = 0;
  let ended = false;

  let current: TarEntry | undefined;
  let parts: SparsePart[] | undefined;
  let stored = 0;
  let told = 0;
  let padding = 0;

  /** Asks for so many bytes at once; small numbers only. */
  function want(bytes: number, then: (bytes: Buffer) => void): void {
    wanted = bytes;
    take = then;
  }

  function header(block: Buffer): void {
    const where = offset() - BLOCK;
    if (block[0] === 0 && isZero(block)) {
      zeros++;
      if (zeros === 2) ended = true;
      return;
    }
    if (zeros > 0) throw new TarError('a block of zeros, which ends an archive, is followed by something', where);
    const raw = readHeader(block, where);
    const { entry, letter } = raw;
    switch (letter) {
      case 'x':
      case 'X':
      case 'g':
      case 'L':
      case 'K':
        meta(letter, raw.stored, where);
        break;
      case 'S':
        oldSparse(block, entry, raw.stored, where);
        break;
      case '0':
      case '\0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
        begin(entry, raw.stored, where);
        break;
      default:
        throw new TarError(`an entry of the unknown type ${JSON.stringify(letter)}`, where, entry.name);
    }
  }

  function meta(letter: string, size: number, where: number): void {
    if (size > META_LIMIT) throw new TarError(`an extended header of ${size} bytes; ${META_LIMIT} are allowed`, where);
    const read = (bytes: Buffer): void => {
      want(BLOCK, header);
      const text = bytes.toString('latin1', 0, size);
      const untilNul = text.includes('\0') ? text.slice(0, text.indexOf('\0')) : text;
      if (letter === 'L') next.name = untilNul;
      else if (letter === 'K') next.linkName = untilNul;
      else if (letter === 'g') remember(parseRecords(text, where + BLOCK), where);
      else next.records = parseRecords(text, where + BLOCK);
    };
    if (size === 0) read(Buffer.alloc(0));
    else want(padded(size), read);
  }

  function remember(records: PaxRecords, where: number): void {
    for (const [key, value] of records) {
      globalBytes += key.length + value.length - (global.has(key) ? key.length + (global.get(key)?.length ?? 0) : 0);
      if (globalBytes > META_LIMIT) throw new TarError(`global headers of more than ${META_LIMIT} bytes`, where);
      global.set(key, value);
    }
  }

  function describe(entry: TarEntry, where: number): { stored?: number; sparse?: SparseHint } {
    if (next.name !== undefined) entry.name = next.name;
    if (next.linkName !== undefined) entry.linkName = next.linkName;
    if (entry.type === 'file' && entry.name.endsWith('/')) entry.type = 'folder';
    const records = global.size > 0 ? [...global, ...(next.records ?? [])] : (next.records ?? []);
    const found = records.length > 0 ? applyRecords(entry, records, where) : {};
    next.name = next.linkName = next.records = undefined;
    return found;
  }

  function oldSparse(block: Buffer, entry: TarEntry, bytes: number, where: number): void {
    const { stored: paxStored } = describe(entry, where);
    let found = oldParts(block, OLD.pairs, OLD.count, where, entry.name);
    entry.type = 'file';
    entry.size = readRealSize(block, where, entry.name);
    const start = (): void => data(entry, paxStored ?? bytes, where, found);
    if (!goesOn(block, OLD.more)) {
      start();
      return;
    }
    const more = (extra: Buffer): void => {
      found = [...found, ...oldParts(extra, 0, OLD.nextCount, offset() - BLOCK, entry.name)];
      if (found.length * 24 > MAP_LIMIT) throw new TarError('the sparse map is too long', where, entry.name);
      if (!goesOn(extra, OLD.nextMore)) start();
    };
    want(BLOCK, more);
  }

  function begin(entry: TarEntry, bytes: number, where: number): void {
    const found = describe(entry, where);
    // Links, folders and devices have no data, whatever their size says.
    if (entry.type !== 'file') {
      entry.size = 0;
      sink.entry(entry);
      sink.end(entry);
      want(BLOCK, header);
      return;
    }
    const length = found.stored ?? bytes;
    if (!found.sparse?.mapInData) {
      data(entry, length, where, found.sparse?.parts);
      return;
    }
    let text = '';
    const map = (block: Buffer): void => {
      text += block.toString('latin1');
      if (text.length > length || text.length > MAP_LIMIT) throw new TarError('the sparse map does not end', where, entry.name);
      const lines = linesOfMap(text, where, entry.name);
      if (lines) data(entry, length - text.length, where, lines);
    };
    want(BLOCK, map);
  }

  /** The bytes of `entry` follow. */
  function data(entry: TarEntry, length: number, where: number, map?: SparsePart[]): void {
    parts = map ? checkParts(map, entry.size, length, where, entry.name) : undefined;
    if (parts) entry.sparse = parts;
    else entry.size = length;
    current = entry;
    stored = length;
    told = 0;
    padding = padded(length) - length;
    take = undefined;
    sink.entry(entry);
    if (length === 0) endOfData();
  }

  function tell(bytes: Buffer): void {
    if (!parts) {
      sink.data(bytes, told);
      told += bytes.length;
      return;
    }
    for (let from = 0; from < bytes.length; ) {
      const part = parts[0] as SparsePart;
      const length = Math.min(part.length, bytes.length - from);
      sink.data(bytes.subarray(from, from + length), part.offset);
      from += length;
      if (length === part.length) parts.shift();
      else parts[0] = { offset: part.offset + length, length: part.length - length };
    }
    told += bytes.length;
  }

  function endOfData(): void {
    const entry = current as TarEntry;
    current = undefined;
    sink.end(entry);
    if (padding === 0) want(BLOCK, header);
    else want(padding, () => want(BLOCK, header));
  }

  return {
    get offset() {
      return offset();
    },
    push: (bytes) => {
      before = offset();
      chunk = bytes;
      at = 0;
      while (at < chunk.length) {
        if (ended) {
          at = chunk.length; // what follows the end is padding of tapes
          return;
        }
        if (!take) {
          const length = Math.min(stored - told, chunk.length - at);
          const some = chunk.subarray(at, at + length);
          at += length;
          tell(some);
          if (told === stored) endOfData();
          continue;
        }
        const missing = wanted - partialLength;
        const there = chunk.subarray(at, at + missing);
        at += there.length;
        if (there.length < missing) {
          partial.push(Buffer.from(there));
          partialLength += there.length;
          return;
        }
        if (partialLength === 0) take(there);
        else {
          const whole = Buffer.concat([...partial, there]);
          partial.length = 0;
          partialLength = 0;
          take(whole);
        }
      }
    },
    finish: () => {
      // Some programs leave the zeros at the end away; in the middle of anything it is damage.
      if (ended || (take === header && partialLength === 0 && next.name === undefined && next.records === undefined)) return;
      throw new TarError('unexpected end: the archive is truncated', offset(), current?.name);
    },
  };
}

function readRealSize(block: Buffer, where: number, name: string): number {
  const size = numberOf(block, OLD.realSize, 12);
  if (Number.isNaN(size) || size < 0) throw new TarError('the size of a sparse file is no number', where, name);
  return size;
}
