/**
 * One folder for the scratch folders of a whole test run, removed after it: a file whose tests are all
 * skipped, or that was ended in the middle, leaves nothing either. vitest calls this once a run.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the test files find its path. */
export const SCRATCH = 'MINIRUN_TEST_SCRATCH';

/** @returns called after the last test */
export default function setup(): () => void {
  // A short name: sockets lie below, whose paths may have 107 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'mt-'));
  // Tests that run as an ordinary user come by.
  chmodSync(folder, 0o755);
  process.env[SCRATCH] = folder;
  return () => {
    const mounted = readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${folder}/`);
    // What is mounted below is not ours to delete; it shows which test left it.
    if (mounted) console.error(`${folder} stays: something is mounted below it`);
    else rmSync(folder, { recursive: true, force: true });
  };
}
