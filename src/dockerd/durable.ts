/** Files of state: written under another name and renamed, so that a reader, and the next daemon, see all of one or none. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';

export function writeWhole(path: string, text: string, mode = 0o600): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { mode });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
