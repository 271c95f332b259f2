/** A stream of the daemon's → a file, or standard output. */
import { createWriteStream, renameSync, rmSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UsageError } from '../../usage-error.ts';
import { writeTo } from '../streams/frames.ts';

/** An archive on the screen helps nobody. */
export function requireNoTerminal(output: string | undefined): void {
  if (output === undefined && process.stdout.isTTY)
    throw new UsageError('cowardly refusing to save to a terminal. Use the -o flag or redirect');
}

/** The file appears when it is whole: a broken stream leaves none behind. */
export async function saveStream(from: Readable, output: string | undefined): Promise<void> {
  if (output === undefined) {
    for await (const chunk of from) await writeTo(process.stdout, chunk as Buffer);
    return;
  }
  const temporary = `${output}.${process.pid}.tmp`;
  try {
    await pipeline(from, createWriteStream(temporary, { mode: 0o600 }));
    renameSync(temporary, output);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
