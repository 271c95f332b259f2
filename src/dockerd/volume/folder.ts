/**
 * How volumes lie on the disk: a folder for each, NAME/_data with its files and NAME/volume.json
 * with what was said about it. It is made and removed under another name, which no volume can
 * have, so that after a kill there is all of it or nothing.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from '../../containerd/snapshots/remove-tree.ts';
import { writeWhole } from '../durable.ts';

/** What volume.json holds. */
export interface VolumeRecord {
  CreatedAt: string;
  Labels: Record<string, string> | null;
  Options: Record<string, string> | null;
}

const DATA = '_data';
const RECORD = 'volume.json';
/** What an interrupted filling has left; the next one removes it. */
const FILLING = '.filling';
const UNFINISHED = /^\.(new|old)-/;

export const dataFolder = (root: string, name: string): string => join(root, name, DATA);

/** RFC 3339 without parts of a second, as Docker has it. */
const timeText = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`;

const temporaryName = (kind: 'new' | 'old'): string => `.${kind}-${randomBytes(8).toString('hex')}`;

/** A folder for others to look into, whatever the daemon's umask is. */
function makeData(path: string): void {
  mkdirSync(path);
  chmodSync(path, 0o755);
}

export function createFolder(root: string, name: string, said: Omit<VolumeRecord, 'CreatedAt'>): VolumeRecord {
  const record = { CreatedAt: timeText(new Date()), ...said };
  const temporary = join(root, temporaryName('new'));
  try {
    mkdirSync(temporary, { mode: 0o701 });
    makeData(join(temporary, DATA));
    writeWhole(join(temporary, RECORD), JSON.stringify(record));
    renameSync(temporary, join(root, name));
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    throw error;
  }
  return record;
}

export async function removeFolder(root: string, name: string): Promise<void> {
  const temporary = temporaryName('old');
  renameSync(join(root, name), join(root, temporary));
  await removeTree(root, temporary);
}

/** Empty, to be filled and then put in the place of the volume's data. */
export function beginData(root: string, name: string): { folder: string; commit(): void; abort(): void } {
  const folder = join(root, name, FILLING);
  rmSync(folder, { recursive: true, force: true });
  makeData(folder);
  return {
    folder,
    // rename(2) takes the place of an empty folder, and of no other.
    commit: () => renameSync(folder, dataFolder(root, name)),
    abort: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export const isEmpty = (folder: string): boolean => readdirSync(folder).length === 0;

/** A folder with `_data` alone is one that somebody has brought along, from Docker for instance. */
function readRecord(folder: string): VolumeRecord | undefined {
  const path = join(folder, RECORD);
  if (existsSync(path)) {
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as VolumeRecord;
    } catch (error) {
      throw new Error(`${path}: ${(error as Error).message}. Its volume has lost its labels and options; repair or remove the file`);
    }
  }
  if (!existsSync(join(folder, DATA))) return undefined;
  return { CreatedAt: timeText(statSync(folder).birthtime), Labels: null, Options: null };
}

/**
 * All volumes below `root`; what an interrupted creation or removal has left is removed.
 * @param ignored is told why a folder is no volume
 */
export async function readFolders(root: string, ignored: (error: unknown) => void): Promise<Map<string, VolumeRecord>> {
  mkdirSync(root, { recursive: true, mode: 0o701 });
  const found = new Map<string, VolumeRecord>();
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    if (UNFINISHED.test(entry.name)) {
      await removeTree(root, entry.name).catch(ignored);
      continue;
    }
    try {
      const record = readRecord(join(root, entry.name));
      if (record) found.set(entry.name, record);
    } catch (error) {
      ignored(error);
    }
  }
  return found;
}
