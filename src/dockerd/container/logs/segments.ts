/**
 * The files that a reader goes through, opened at once so that no rotation can take one away. For a
 * log that goes on, files that are begun later are added at the end.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import type { LogFile } from './log-file.ts';
import { rotatedFiles } from './rotated-files.ts';

export interface Segment {
  readonly fd: number;
  readonly compressed: boolean;
  /** Where reading begins, in bytes; 0 for a compressed one. */
  start: number;
  /** How many entries are left out after that. */
  skip: number;
  /** Where the entries end; undefined for the file that is being written. */
  end: number | undefined;
}

export interface Segments {
  /** The oldest first. */
  readonly list: readonly Segment[];
  /** How far the file that is being written goes. */
  written(): number;
  /** Nothing will be added any more. */
  ended(): boolean;
  /** Resolves when there is more, or when it ended. */
  changed(): Promise<void>;
  /** Lets `changed` resolve. */
  wake(): void;
  /** Closes the file, which is not read any more. */
  drop(segment: Segment): void;
  /**
   * From now on the first one alone is read: others may go when they become too many. A reader
   * who is so slow loses what the log itself has forgotten.
   */
  readInOrder(): void;
  close(): void;
}

function openAll(path: string, maxFiles: number): Segment[] {
  const list: Segment[] = [];
  const add = (name: string, compressed: boolean) => {
    const fd = openSync(name, 'r');
    list.push({ fd, compressed, start: 0, skip: 0, end: fstatSync(fd).size });
  };
  try {
    for (const { path: rotated, compressed } of rotatedFiles(path, maxFiles)) add(rotated, compressed);
    add(path, false);
  } catch (error) {
    // A log that nothing was ever written into is not there.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return list;
    for (const { fd } of list) closeSync(fd);
    throw error;
  }
  return list;
}

/**
 * @param live the log's file, when it is open for writing
 * @param follow what is written from now on belongs to it
 * @throws Error of the file system
 */
export function openSegments(path: string, maxFiles: number, live: LogFile | undefined, follow: boolean): Segments {
  const list = openAll(path, maxFiles);
  const most = Math.max(maxFiles, 2);
  const following = follow && live !== undefined && !live.ended;
  let inOrder = false;
  let wake: (() => void) | undefined;
  const changed = () => {
    wake?.();
    wake = undefined;
  };
  const drop = (segment: Segment) => {
    const index = list.indexOf(segment);
    if (index < 0) return;
    list.splice(index, 1);
    closeSync(segment.fd);
  };
  const dropSurplus = () => {
    while (inOrder && list.length > most) drop(list[1] as Segment);
  };
  const current = list.at(-1);
  if (live && current) current.end = following ? undefined : live.size;
  const unfollow = following
    ? live.follow({
        appended: changed,
        rotated(finalSize) {
          const last = list.at(-1);
          if (last && last.end === undefined) last.end = finalSize;
          list.push({ fd: openSync(path, 'r'), compressed: false, start: 0, skip: 0, end: undefined });
          dropSurplus();
          changed();
        },
      })
    : undefined;
  return {
    list,
    written: () => live?.size ?? 0,
    ended: () => !following || live.ended,
    changed: () =>
      new Promise((resolve) => {
        wake = resolve;
      }),
    wake: changed,
    drop,
    readInOrder() {
      inOrder = true;
      dropSurplus();
    },
    close() {
      unfollow?.();
      for (const { fd } of list.splice(0)) closeSync(fd);
      changed();
    },
  };
}
