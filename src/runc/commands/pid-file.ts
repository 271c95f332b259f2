/** `--pid-file`: a process number for engines to read. */
import { renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The number without a newline; readers see the whole file or none. */
export function writePidFile(path: string, pid: number): void {
  const temporary = join(dirname(path), `.${basename(path)}`);
  writeFileSync(temporary, String(pid), { mode: 0o666 });
  renameSync(temporary, path);
}
