import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startTime } from '../../src/libc/process.ts';
import { deleteOci } from '../../src/runc/container/delete.ts';
import { tryLock } from '../../src/runc/container/lock.ts';

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

// flock(2) and pidfds through koffi: Linux only.
describe.skipIf(process.platform !== 'linux')('a forced delete of what is just being made', () => {
  it.each([
    ['ends the runtime that makes it', false],
    ['but not a shim that has others', true],
  ])('%s', async (_name, hosted) => {
    const root = mkdtempSync(join(tmpdir(), 'minirun-forced-'));
    roots.push(root);
    const folder = join(root, 'c');
    mkdirSync(folder);
    const owner = spawn('sleep', ['600']);
    const pid = owner.pid as number;
    const died = new Promise((resolve) => owner.once('exit', resolve));
    const state = { ociVersion: '1.2.0', id: 'c', name: 'c', owner: { pid, start: startTime(pid) }, cgroups: { v1: {} }, hosted };
    writeFileSync(join(folder, 'state.json'), JSON.stringify({ ...state, bundle: '/', rootfs: '/', created: '', engine: 'native' }));
    // Somebody works on it for longer than a delete waits before it interrupts.
    const worker = spawn('flock', [folder, 'sleep', '0.8']);
    for (let held = tryLock(folder); typeof held !== 'string'; held = tryLock(folder)) {
      held.release();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(deleteOci(root, 'c', { force: true, warn: () => {} })).toBe(true);
    expect(existsSync(folder)).toBe(false);
    expect(startTime(pid) !== undefined).toBe(hosted);
    owner.kill('SIGKILL');
    worker.kill('SIGKILL');
    await died;
  });
});
