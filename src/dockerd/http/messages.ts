/**
 * Streams of JSON lines about a transfer: pull, push, load, build. Nothing is sent before the first
 * line, so that a failure until then can be a status; a later one is a line itself.
 */
import type { ServerResponse } from 'node:http';
import { asApiError } from './api-error.ts';
import type { Call } from './call.ts';

/** A line, in the words of Docker's package jsonmessage. */
export interface Message {
  stream?: string;
  status?: string;
  id?: string;
  progressDetail?: { current?: number; total?: number };
  /** The same as a bar, for clients that print lines as they are. */
  progress?: string;
  aux?: unknown;
  errorDetail?: { code?: number; message: string };
  error?: string;
}

export interface Messages {
  send(message: Message): void;
  /** May be left out when the client reads slowly: the next one says more. */
  progress(message: Message): void;
  /** Ends the stream: with the error, where there is one, or by throwing it when nothing has been sent. */
  end(failure?: { error: unknown }): void;
}

export function openMessages(call: Pick<Call, 'stream'>): Messages {
  let response: ServerResponse | undefined;
  const write = (message: Message) => {
    response ??= call.stream();
    if (!response.destroyed) response.write(`${JSON.stringify(message)}\r\n`);
  };
  return {
    send: write,
    progress(message) {
      if (!response?.writableNeedDrain) write(message);
    },
    end(failure) {
      if (failure) {
        if (!response) throw failure.error;
        const { message } = asApiError(failure.error);
        write({ errorDetail: { message }, error: message });
      }
      response ??= call.stream();
      response.end();
    },
  };
}

/** Runs it and ends the stream however it ends. @throws what it throws, while nothing has been sent */
export async function streamed(call: Pick<Call, 'stream'>, act: (messages: Messages) => Promise<void>): Promise<void> {
  const messages = openMessages(call);
  try {
    await act(messages);
  } catch (error) {
    messages.end({ error });
    return;
  }
  messages.end();
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Bytes with four digits at most, in powers of 1000: 1.536MB. */
export function humanSize(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${Number(value.toPrecision(4))}${UNITS[unit]}`;
}

const WIDTH = 50;

/** A line of a download or an upload: `[=====>     ]  1.2MB/3.4MB`. */
export function progressOf(current: number, total: number): Pick<Message, 'progressDetail' | 'progress'> {
  if (total <= 0 || current > total) return { progressDetail: { current }, progress: humanSize(current).padStart(8) };
  const done = Math.floor((current / total) * WIDTH);
  const bar = done >= WIDTH ? '='.repeat(WIDTH) : `${'='.repeat(done)}>${' '.repeat(WIDTH - done - 1)}`;
  // Docker's own bar: full, it still ends with the arrow.
  const shape = done >= WIDTH ? `${bar}>` : `${bar} `;
  return { progressDetail: { current, total }, progress: `[${shape}] ${humanSize(current).padStart(7)}/${humanSize(total)}` };
}
