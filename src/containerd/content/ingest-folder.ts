/** The folder of an ingest: what is written, and what is known about it. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface IngestStatus {
  ref: string;
  /** How many bytes are there. */
  offset: number;
  /** How many there will be; 0 when nobody said. */
  total: number;
  startedAt: Date;
  updatedAt: Date;
}

/** A ref is any text; its hash is a name that every file system takes. */
export const ingestFolder = (root: string, ref: string): string => join(root, 'ingest', createHash('sha256').update(ref).digest('hex'));

/** What an ingest's folder says. Undefined when there is none, or it is not complete. */
export function readStatus(folder: string): IngestStatus | undefined {
  const text = (name: string): string | undefined => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch {
      return undefined;
    }
  };
  const data = statSync(join(folder, 'data'), { throwIfNoEntry: false });
  const ref = text('ref');
  const started = new Date(text('startedat') ?? '');
  if (!data || !ref || Number.isNaN(started.getTime())) return undefined;
  const updated = new Date(text('updatedat') ?? '');
  return {
    ref,
    offset: data.size,
    total: Number(text('total') ?? 0) || 0,
    startedAt: started,
    // Not every write changes `updatedat`, but each changes the file's own time.
    updatedAt: updated > data.mtime ? updated : data.mtime,
  };
}

/** Makes the folder of a new ingest, or makes a broken one new. `ref` comes last: without it nothing counts. */
export function makeIngestFolder(folder: string, ref: string, total: number): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  writeFileSync(join(folder, 'data'), '', { mode: 0o666 });
  if (total > 0) writeFileSync(join(folder, 'total'), String(total));
  writeTime(folder, 'startedat');
  writeTime(folder, 'updatedat');
  writeFileSync(join(folder, 'ref'), ref);
}

export const writeTime = (folder: string, name: 'startedat' | 'updatedat'): void =>
  writeFileSync(join(folder, name), new Date().toISOString());

/** Removes the folders that were being made, or removed, when the process was killed. */
export function forgetHalfMade(root: string): void {
  for (const name of readdirSync(join(root, 'ingest'))) {
    const folder = join(root, 'ingest', name);
    if (!existsSync(join(folder, 'ref')) || !existsSync(join(folder, 'data'))) rmSync(folder, { recursive: true, force: true });
  }
}
