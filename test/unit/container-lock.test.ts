import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { lock, tryLock } from '../../src/runc/container/lock.ts';

const folders: string[] = [];
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'minirun-lock-'));
  folders.push(path);
  return path;
};
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});

// flock(2) through koffi: Linux only.
describe.skipIf(process.platform !== 'linux')('the lock of a container', () => {
  it('is had by one at a time', () => {
    const path = folder();
    const held = tryLock(path);
    if (typeof held === 'string') throw new Error(held);
    expect(tryLock(path)).toBe('busy');
    held.release();
    const next = tryLock(path);
    expect(next).not.toBe('busy');
    if (typeof next !== 'string') next.release();
  });

  it('is of the folder, not of its name', () => {
    const path = folder();
    expect(tryLock(join(path, 'missing'))).toBe('gone');
    const held = tryLock(path);
    if (typeof held === 'string') throw new Error(held);
    // While it waits the folder is removed, and another container gets the id.
    const answer = lock(path, () => {
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path);
      held.release();
    });
    expect(answer).not.toBe('busy');
    // What waited began anew, on the folder that is there now.
    if (typeof answer !== 'string') answer.release();
  });
});
