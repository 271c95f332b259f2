/** Runs the built command line as a person would, with a state root of the test's own. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { SCRATCH } from '../../scratch-folder.ts';

export const PROJECT = resolve(import.meta.dirname, '../../..');
const FIXTURE = join(PROJECT, 'rootfs-fixtures/build/busybox');
/** This process's own copy of the busybox fixture, for containers write into their root: removed at the end. */
export const BUSYBOX = copyOf(FIXTURE);
export const BIN = join(PROJECT, 'bin/minirun');
export const isRoot = process.getuid?.() === 0;
/** An ordinary user's number; nobody else's on a Debian system. */
export const ORDINARY = 64123;

export interface Answer {
  code: number | null;
  signal: string | null;
  out: string;
  err: string;
}

export interface As {
  uid?: number;
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
}

function copyOf(fixture: string): string {
  if (!existsSync(fixture)) return fixture;
  const copy = join(scratch('rootfs'), 'busybox');
  const done = spawnSync('cp', ['-a', fixture, copy], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`copying the busybox fixture: ${done.stderr}`);
  return copy;
}

/** A folder of this test file's own, open to the ordinary user, removed after its last test. */
export function scratch(name: string): string {
  const folder = mkdtempSync(join(process.env[SCRATCH] ?? tmpdir(), `${name}-`));
  chmodSync(folder, 0o777);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const environment = (as: As, root: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/tmp',
  MINIRUN_ROOT: root,
  ...as.env,
});

/** A `minirun` whose containers are its own. */
export function minirunIn(root: string) {
  const minirun = (args: string[], as: As = {}): Answer => {
    const done = spawnSync(process.execPath, [BIN, ...args], {
      encoding: 'utf8',
      input: as.input ?? '',
      env: environment(as, as.uid ? `${root}-user` : root),
      ...(as.cwd ? { cwd: as.cwd } : {}),
      ...(as.uid ? { uid: as.uid, gid: as.uid } : {}),
      timeout: 60_000 * Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1),
    });
    return { code: done.status, signal: done.signal, out: done.stdout, err: done.stderr };
  };
  const start = (args: string[], as: As = {}) =>
    spawn(process.execPath, [BIN, ...args], {
      env: environment(as, as.uid ? `${root}-user` : root),
      ...(as.uid ? { uid: as.uid, gid: as.uid } : {}),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  return { minirun, start, root };
}

/** What a test needs and the machine may lack: the reason is printed with the skip. */
export function skipReason(needs: { root?: boolean; file?: string; program?: string }): string | undefined {
  if (needs.root && !isRoot) return 'needs root';
  if (needs.file && !existsSync(needs.file)) return `needs ${needs.file}`;
  if (needs.program && spawnSync('sh', ['-c', `command -v ${needs.program}`]).status !== 0) return `needs the program ${needs.program}`;
  return undefined;
}

/** Waits until the condition holds; throws after the time. */
export async function until(what: string, condition: () => boolean, ms = 10_000): Promise<void> {
  const end = Date.now() + ms * Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);
  while (!condition()) {
    if (Date.now() > end) throw new Error(`timed out waiting until ${what}`);
    await new Promise((r) => setTimeout(r, 20));
  }
}
