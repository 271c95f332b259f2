/** The stream of JSON lines that pull, push, load, import and build answer with, shown while it grows. */
import type { Readable } from 'node:stream';
import { displayWidth } from '../../../explain/style.ts';
import { CommandFailed } from '../connect/failed.ts';
import { jsonLines } from '../streams/json-lines.ts';
import { humanSize } from './units.ts';

export interface ProgressMessage {
  id?: string;
  status?: string;
  stream?: string;
  progress?: string;
  progressDetail?: { current?: number; total?: number } | null;
  error?: string;
  errorDetail?: { message?: string; code?: number };
  aux?: unknown;
}

export interface ProgressOptions {
  to: NodeJS.WriteStream;
  quiet?: boolean;
  /** Called with each `aux`: the id of an image, the digest that was pushed. */
  onAux?: (aux: unknown) => void;
  onStream?: (text: string) => void;
}

/**
 * Shows the messages: a line for each layer that is kept up to date on a terminal, one line for
 * each change of state elsewhere.
 * @throws CommandFailed with the daemon's sentence when the stream holds an error
 */
export async function showProgress(from: Readable, { to, quiet = false, onAux, onStream }: ProgressOptions): Promise<void> {
  const screen = to.isTTY && !quiet ? progressScreen(to) : undefined;
  for await (const message of jsonLines<ProgressMessage>(from)) {
    const error = message.errorDetail?.message ?? message.error;
    if (error !== undefined) throw new CommandFailed(error, message.errorDetail?.code || 1);
    if (message.aux !== undefined && message.aux !== null) onAux?.(message.aux);
    if (message.stream !== undefined) onStream?.(message.stream);
    if (quiet) continue;
    if (message.stream !== undefined) {
      screen?.leave();
      to.write(message.stream);
    } else if (message.status === undefined) continue;
    else if (screen) screen.show(message);
    else if (!hasBar(message)) to.write(`${message.id ? `${message.id}: ` : ''}${message.status}\n`);
  }
}

const hasBar = ({ progressDetail, progress }: ProgressMessage): boolean => Boolean(progressDetail?.current || progress);

/** Lines that stay: those of the same id are written over. */
function progressScreen(to: NodeJS.WriteStream) {
  /** id → its line, counted from the first one. */
  let lines = new Map<string, number>();
  return {
    /** What follows goes below all of them. */
    leave() {
      lines = new Map();
    },
    show(message: ProgressMessage) {
      const { id } = message;
      if (id === undefined || id === '') {
        to.write(`${message.status}\n`);
        lines = new Map();
        return;
      }
      const text = progressLine(message, to.columns || 80);
      const line = lines.get(id);
      if (line === undefined) {
        lines.set(id, lines.size);
        to.write(`${text}\n`);
        return;
      }
      const up = lines.size - line;
      to.write(`\x1b[${up}A\r\x1b[2K${text}\r\x1b[${up}B`);
    },
  };
}

/** `a1b2c3: Downloading [====>      ]  1.2MB/3MB`, in at most that many columns. */
export function progressLine({ id, status, progressDetail }: ProgressMessage, columns: number): string {
  const begin = `${id}: ${status} `;
  const { current = 0, total = 0 } = progressDetail ?? {};
  if (current <= 0) return begin.trimEnd();
  if (total <= 0) return `${begin} ${humanSize(current, 4)}`;
  const end = `  ${humanSize(Math.min(current, total), 4)}/${humanSize(total, 4)}`;
  const room = Math.min(50, columns - displayWidth(begin) - displayWidth(end) - 3);
  if (room < 5) return (begin + end.trim()).slice(0, columns - 1);
  const done = Math.min(room, Math.floor((current / total) * room));
  const bar = done === room ? '='.repeat(room) : `${'='.repeat(done)}>`.padEnd(room);
  return `${begin}[${bar}]${end}`;
}
