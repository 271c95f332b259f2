/**
 * A story in a file of JSON lines: one {@link StoryRecord} a line, the first of them how its reader
 * wants it. All processes of a chain append to the same file; a line is one write(2) with O_APPEND,
 * so lines do not mix.
 */
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { carriesOf } from './carries.ts';
import type { StoryLook, StoryRecord } from './message.ts';
import { type Tell, tellNobody, tellTo } from './teller.ts';

/** Names the file, in the environment of every process of the chain. Set by minirun, not by people: those have MINIRUN_EXPLAIN. */
export const STORY = 'MINIRUN_STORY';

/** Makes the file, into which this process tells from now on. Others must not read it: it says what is run. */
export function beginStory(path: string, look: Omit<StoryLook, 'kind'>): { close(): void } {
  const fd = openSync(path, 'ax', 0o600);
  const tell: Tell = (record) => void writeSync(fd, `${JSON.stringify(record)}\n`);
  tell({ kind: 'story', ...look });
  tellTo(tell, carriesOf);
  return {
    close() {
      tellNobody();
      closeSync(fd);
    },
  };
}

/**
 * Takes part in the story that the environment names, for as long as this process lives.
 * @returns how it is to be told; undefined where there is none, or none that can be written
 */
export function joinStory(env: Record<string, string | undefined> = process.env): StoryLook | undefined {
  const path = env[STORY];
  if (!path) return undefined;
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_APPEND);
    const head = Buffer.alloc(512);
    const [line = ''] = head.toString('utf8', 0, readSync(fd, head, 0, head.length, 0)).split('\n');
    const look = JSON.parse(line) as StoryLook;
    if (look.kind !== 'story') throw new Error('no story');
    tellTo((record) => void writeSync(fd, `${JSON.stringify(record)}\n`), carriesOf);
    return look;
  } catch {
    return undefined;
  }
}

/** Reads what was appended since the last time. */
export function storyReader(path: string): { read(): StoryRecord[]; close(): void } {
  const fd = openSync(path, 'r');
  const piece = Buffer.alloc(1 << 16);
  let rest = Buffer.alloc(0);
  return {
    read() {
      const pieces = [rest];
      for (let n = readSync(fd, piece); n > 0; n = readSync(fd, piece)) pieces.push(Buffer.from(piece.subarray(0, n)));
      const all = Buffer.concat(pieces);
      const end = all.lastIndexOf(10) + 1;
      rest = all.subarray(end);
      return all.toString('utf8', 0, end).split('\n').filter(Boolean).flatMap(parsed);
    },
    close: () => closeSync(fd),
  };
}

/** A line that a killed process left unfinished is no record. */
function parsed(line: string): StoryRecord[] {
  try {
    return [JSON.parse(line) as StoryRecord];
  } catch {
    return [];
  }
}
