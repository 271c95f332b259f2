/** What a client gets of a log's entries: chosen, dressed and framed. */
import { HEADER_SIZE, type Stream, writeHeader } from '../../http/stdcopy.ts';
import { decodeEntry, type Entry } from './decode-entry.ts';
import { fixedTime, readTime } from './time.ts';

export interface Selection {
  stdout: boolean;
  stderr: boolean;
  /** Nanoseconds since 1970; both ends belong to it. */
  since?: bigint | undefined;
  until?: bigint | undefined;
}

export interface Dress {
  /** Before each line its time. */
  timestamps: boolean;
  /** Before each line its labels and variables. */
  details: boolean;
  /** Two streams over one connection; not for a terminal, which has one. */
  framed: boolean;
}

export interface Renderer {
  /** @param lines entries, each ending with a newline; the last may not, and is left out then */
  render(lines: Buffer): Buffer;
  /** What was rendered is all that is wanted. */
  done(): boolean;
}

/** As in a form: `key=value,other=x%2Cy`. */
const detailsOf = (attributes: Record<string, string> = {}): string =>
  Object.keys(attributes)
    .sort()
    .map((key) => new URLSearchParams([[key, attributes[key] as string]]).toString())
    .join(',');

const dressed = ({ log, time, attrs }: Entry, { timestamps, details }: Dress): string =>
  `${timestamps ? `${fixedTime(time)} ` : ''}${details ? `${detailsOf(attrs)} ` : ''}${log}`;

export function openRenderer(selection: Selection, dress: Dress): Renderer {
  const { since, until } = selection;
  let done = false;

  const wanted = (entry: Entry): boolean => {
    if (since !== undefined || until !== undefined) {
      const at = readTime(entry.time) ?? 0n;
      if (since !== undefined && at < since) return false;
      if (until !== undefined && at > until) done = true;
    }
    return !done && selection[entry.stream];
  };

  return {
    done: () => done,
    render(lines) {
      const pieces: { stream: Stream; text: string }[] = [];
      // A character of a string is three bytes of UTF-8 at most.
      let room = 0;
      const text = lines.toString('utf8');
      for (let start = 0; !done; ) {
        const newline = text.indexOf('\n', start);
        if (newline < 0) break;
        const entry = decodeEntry(text.slice(start, newline));
        start = newline + 1;
        if (!entry || !wanted(entry)) continue;
        const piece = { stream: entry.stream, text: dressed(entry, dress) };
        pieces.push(piece);
        room += HEADER_SIZE + 3 * piece.text.length;
      }
      const out = Buffer.allocUnsafe(room);
      let at = 0;
      for (const { stream, text } of pieces) {
        const payload = dress.framed ? at + HEADER_SIZE : at;
        const length = out.write(text, payload);
        if (dress.framed) writeHeader(out, at, stream, length);
        at = payload + length;
      }
      // Not a slice: what waits for a slow client should not keep three times as much.
      return Buffer.from(out.subarray(0, at));
    },
  };
}
