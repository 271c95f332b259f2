/**
 * What was taken last from the pipes of a container, kept beside the log before anything else is done with
 * it: a daemon that is killed before it is in the log finds it here, for it is not in the pipe any more.
 *
 * The file has two slots, written in turns. In each is a state (where the log ends, and what was taken
 * and is no whole line yet) and behind it the chunk that came next. The state is there before the chunk
 * comes, so that taking one is a single write. After a kill the newest state counts: what the log has
 * beyond it is taken back and its chunk appended anew (see {@link LogFile.rewind}), which gives the same
 * bytes when it was in the log already. A state that was cut off shows, and the older one leads to the
 * same. Nothing is synced: this is for the death of the daemon, not of the machine, with which the
 * containers end as well.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync, rmSync, writevSync } from 'node:fs';
import type { Stream } from '../../http/stdcopy.ts';
import { NOTHING, type Unfinished } from './lines.ts';

export interface UnfinishedLine extends Unfinished {
  /** When the first piece of it came, in nanoseconds since 1970. */
  since: bigint;
}

export type UnfinishedLines = Record<Stream, UnfinishedLine>;

export const NO_LINE: UnfinishedLine = { ...NOTHING, since: 0n };

/** Where the log ends. */
export interface Place {
  inode: number;
  size: number;
}

export interface LogState {
  place: Place;
  unfinished: UnfinishedLines;
}

export interface Chunk {
  stream: Stream;
  bytes: Buffer;
  /** When it came, in nanoseconds since 1970. */
  at: bigint;
}

export interface Journal {
  /** All that was taken before is in the log. @throws Error of the file system */
  settled(state: LogState): void;
  /** This was taken, after what `settled` was told. @throws Error of the file system */
  took(chunk: Chunk): void;
  /** Both in one: a part of the chunk is in the log, and this is not. @throws Error of the file system */
  remains(state: LogState, chunk: Chunk): void;
  /** The log ended. */
  remove(): void;
  close(): void;
}

/** A state with its lines, or a chunk of {@link BLOCK_SIZE} after it, is far from it. */
const SLOT = 256 << 10;

interface Header {
  place: Place;
  lines: Record<Stream, { length: number; continued: boolean; since: string }>;
  /** Counts up. */
  number: number;
  /** What follows the last byte. It is another one each time, so what was cut off, or is of another time, shows. */
  mark: string;
}

const about = ({ bytes, continued, since }: UnfinishedLine) => ({ length: bytes.length, continued, since: String(since) });

/** MARK STREAM LENGTH TIME, of one length. */
const PREFIX = 64;
const prefixOf = (mark: string, { stream, bytes, at }: Chunk): Buffer =>
  Buffer.from(`${mark} ${stream} ${bytes.length} ${at}`.padEnd(PREFIX));

function decodeChunk(text: Buffer, mark: string): Chunk | undefined {
  const [found, stream, length, at] = text.toString('latin1', 0, PREFIX).trimEnd().split(' ');
  if (found !== mark || at === undefined) return undefined;
  return { stream: stream as Stream, bytes: text.subarray(PREFIX, PREFIX + Number(length)), at: BigInt(at) };
}

function decodeSlot(text: Buffer): { number: number; state: LogState; chunk: Chunk | undefined } | undefined {
  const newline = text.indexOf(0x0a);
  if (newline < 0) return undefined;
  try {
    const { place, lines, number, mark } = JSON.parse(text.toString('latin1', 0, newline)) as Header;
    let position = newline + 1;
    const next = (length: number): Buffer => {
      position += length;
      return text.subarray(position - length, position);
    };
    const line = ({ length, continued, since }: Header['lines'][Stream]) => ({ bytes: next(length), continued, since: BigInt(since) });
    const unfinished = { stdout: line(lines.stdout), stderr: line(lines.stderr) };
    if (next(mark.length).toString('latin1') !== mark) return undefined;
    return { number, state: { place, unfinished }, chunk: decodeChunk(text.subarray(position), mark) };
  } catch {
    return undefined;
  }
}

/** What the last daemon left. @returns undefined when that is not known, or the log ended in order */
export function readJournal(path: string): ReturnType<typeof decodeSlot> {
  let text: Buffer;
  try {
    text = readFileSync(path);
  } catch {
    return undefined;
  }
  const [one, two] = [decodeSlot(text.subarray(0, SLOT)), decodeSlot(text.subarray(SLOT))];
  return one && two ? (one.number > two.number ? one : two) : (one ?? two);
}

/** @param last the number of the state that counts in the file: the next ones follow it, and begin in the other slot */
export function openJournal(path: string, last = 0): Journal {
  const session = randomBytes(4).toString('hex');
  let fd: number | undefined;
  let number = last;
  let mark = '';
  /** Behind the newest state. */
  let end = 0;

  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  };
  const remove = (): void => rmSync(path, { force: true });

  /** On a full disk none is better than an old one: by that the log would be taken back too far. */
  const put = (pieces: Buffer[], position: number): void => {
    try {
      const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
      if (writevSync(fd as number, pieces, position) < length) throw new Error(`${path}: only a part could be written`);
    } catch (error) {
      close();
      remove();
      throw error;
    }
  };

  const write = ({ place, unfinished: { stdout, stderr } }: LogState, chunk?: Chunk): void => {
    // Not emptied: what the last daemon left counts until this is written.
    fd ??= openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
    const next = `${session}-${++number}`;
    const header: Header = { place, lines: { stdout: about(stdout), stderr: about(stderr) }, number, mark: next };
    const pieces = [Buffer.from(`${JSON.stringify(header)}\n`), stdout.bytes, stderr.bytes, Buffer.from(next)];
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (chunk) pieces.push(prefixOf(next, chunk), chunk.bytes);
    const start = number % 2 === 0 ? 0 : SLOT;
    mark = next;
    end = start + length;
    put(pieces, start);
  };

  return {
    settled: (state) => write(state),
    took(chunk) {
      if (fd !== undefined) put([prefixOf(mark, chunk), chunk.bytes], end);
    },
    remains: write,
    remove,
    close,
  };
}
