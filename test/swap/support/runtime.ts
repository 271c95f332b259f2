/** The runtime that engines are given, and what they asked it to do. */
import { accessSync, chmodSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/runc/engine/installed.ts';
import type { Sandbox } from './sandbox.ts';

const PROJECT = packageRoot();
/** `MINIRUN_SWAP_RUNTIME=/usr/sbin/runc` runs the same tests on another runtime: proof that they ask for nothing special. */
export const RUNTIME = process.env.MINIRUN_SWAP_RUNTIME ?? join(PROJECT, 'bin/minirun-runc');
export const OURS = RUNTIME.endsWith('/minirun-runc');
/** The busybox fixture as a tar of its files. */
export const BUSYBOX_TAR = join(PROJECT, 'rootfs-fixtures/build/busybox.tar');

export interface RecordedRuntime {
  /** What to configure in an engine. */
  path: string;
  /** Each command line so far, without the program. */
  calls(): string[];
  /** What the last `exec --process FILE` was given, as JSON. */
  lastProcess(): unknown;
}

/** A program called `minirun-runc` that writes its command line down and becomes the runtime. */
export function recordedRuntime(place: Sandbox): RecordedRuntime {
  const folder = join(place.folder, 'bin');
  const path = join(folder, 'minirun-runc');
  const log = join(place.folder, 'runtime-calls');
  mkdirSync(folder, { recursive: true });
  const process = join(place.folder, 'process.json');
  const keep = `for word in "$@"; do [ "$before" = --process ] && cp "$word" ${process}; before=$word; done`;
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$*" >> ${log}\n${keep}\nexec ${RUNTIME} "$@"\n`);
  chmodSync(path, 0o755);
  chmodSync(place.folder, 0o755);
  return {
    path,
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : []),
    lastProcess: () => JSON.parse(readFileSync(process, 'utf8')),
  };
}

/** Why nothing can be swapped here; undefined when it can. */
export function noRuntime(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    accessSync(RUNTIME, constants.X_OK);
  } catch {
    return `needs ${RUNTIME}`;
  }
  if (!existsSync(BUSYBOX_TAR)) return `needs the busybox fixture, ${BUSYBOX_TAR}`;
  return undefined;
}
