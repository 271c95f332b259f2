/**
 * Containers that go on without a terminal: a process of its own (the keeper) is their parent,
 * writes their output to the log, and writes down how they ended.
 */
import { spawn } from 'node:child_process';
import { closeSync, readSync } from 'node:fs';
import { closeFd, memoryFile, pipe } from '../../libc/fd.ts';
import { keeperPath } from '../engine/installed.ts';
import type { RunRequest } from './request.ts';
import type { State } from './state.ts';

/** What the keeper is told, as JSON on descriptor 4 (not on its command line, which everybody can read in `ps`). */
export type KeeperOrder =
  | { kind: 'run'; request: Omit<RunRequest, 'observer' | 'warn' | 'detachKeys' | 'alter'> }
  /** The container runs already; its terminal's master is descriptor 5. */
  | { kind: 'adopt'; stateRoot: string; state: State };

/** What it answers, once, on descriptor 3. */
export interface KeeperAnswer {
  warnings: string[];
  error?: { name: string; message: string; code?: string; call?: string };
}

/** A failure of the keeper, with what the caller needs for its exit code. */
export class KeeperError extends Error {
  readonly code: string | undefined;
  readonly call: string | undefined;
  constructor(error: NonNullable<KeeperAnswer['error']>) {
    super(error.message);
    this.name = error.name;
    this.code = error.code;
    this.call = error.call;
  }
}

function startKeeper(order: KeeperOrder, master?: number): KeeperAnswer {
  const [readEnd, writeEnd] = pipe();
  const told = memoryFile('order', Buffer.from(JSON.stringify(order)));
  const keeper = spawn(process.execPath, [keeperPath()], {
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', writeEnd, told, ...(master === undefined ? [] : [master])],
    cwd: '/',
  });
  keeper.unref();
  closeFd(writeEnd);
  closeFd(told);
  const chunks: Buffer[] = [];
  const chunk = Buffer.alloc(4096);
  for (let n = readSync(readEnd, chunk); n > 0; n = readSync(readEnd, chunk)) chunks.push(Buffer.from(chunk.subarray(0, n)));
  closeSync(readEnd);
  const text = Buffer.concat(chunks).toString();
  if (!text) throw new Error('the process that should keep the container ended without a word; run in the foreground to see why');
  return JSON.parse(text) as KeeperAnswer;
}

/**
 * `run -d`: returns once the command runs.
 * @throws KeeperError when it could not be started; nothing is left then
 */
export async function startDetached(request: RunRequest): Promise<void> {
  const { observer: _observer, warn, detachKeys: _keys, alter: _alter, ...rest } = request;
  const answer = startKeeper({ kind: 'run', request: rest });
  answer.warnings.forEach(warn);
  if (answer.error) throw new KeeperError(answer.error);
}

/** After the detach keys: hands a running container and its terminal to a keeper. */
export async function adoptDetached(request: RunRequest, running: { state: State; master: number | undefined }): Promise<void> {
  startKeeper({ kind: 'adopt', stateRoot: request.stateRoot, state: running.state }, running.master);
}
