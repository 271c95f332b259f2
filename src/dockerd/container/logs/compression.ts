/** Compresses what was rotated, one file after another, while the log goes on. */
import { createReadStream, createWriteStream, existsSync, openSync, renameSync, rmSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { compressedName, rotatedName } from './rotated-files.ts';

export interface Compression {
  /** A file was rotated: what is being compressed has the next name now. */
  rotated(): void;
  /** Nothing new is begun; what is not done is done by the next daemon. */
  close(): void;
  /** Resolves when there is nothing to do at the moment. */
  idle(): Promise<void>;
}

/** @param failed is told what went wrong; the file stays as it is then */
export function openCompression(path: string, count: number, failed: (error: unknown) => void): Compression {
  const temporary = `${path}.gz.tmp`;
  const ended = new AbortController();
  let index = 0;
  let running: Promise<void> | undefined;

  const oldestPlain = (): number => {
    for (let i = count - 1; i >= 1; i--) if (existsSync(rotatedName(path, i))) return i;
    return 0;
  };

  const compressAll = async (): Promise<void> => {
    for (index = oldestPlain(); index > 0 && !ended.signal.aborted; index = oldestPlain()) {
      // Opened here and now: the next rotation gives the name to another file.
      const source = createReadStream('', { fd: openSync(rotatedName(path, index), 'r') });
      await pipeline(source, createGzip(), createWriteStream(temporary, { mode: 0o640 }), { signal: ended.signal });
      // It may have been rotated out of the log meanwhile.
      if (index >= count) continue;
      // In this order a reader, and the next daemon after a crash, find one or the other.
      renameSync(temporary, compressedName(path, index));
      rmSync(rotatedName(path, index), { force: true });
    }
  };

  const start = (): void => {
    running ??= compressAll()
      .catch((error: unknown) => {
        if (!ended.signal.aborted) failed(error);
      })
      .finally(() => {
        rmSync(temporary, { force: true });
        running = undefined;
        index = 0;
      });
  };

  if (oldestPlain() > 0) start();
  return {
    rotated() {
      if (running) index++;
      start();
    },
    close: () => ended.abort(),
    async idle() {
      await running;
    },
  };
}
