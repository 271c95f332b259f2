/**
 * A program that takes a container's output: binary:///path?name=value. It gets standard output as descriptor
 * 3, standard error as 4, and 5 to close when it is ready; and it is told whose output it is.
 * Source: containerd, docs/ and core/runtime/v2/README.md, "Logging".
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { closeFd, pipe } from '../../libc/fd.ts';
import { atMost } from './at-most.ts';
import { deferred } from './deferred.ts';
import { holdFifo } from './fifo.ts';
import { type ProcessIo, type Stdio, type StdioOptions, schemeOf } from './stdio.ts';

/** What the program may take to write what it still has, after SIGTERM, in ms. */
const PATIENCE_MS = 12_000;
const READY_MS = 30_000;

/** Its command line: each name and value of the query is an argument. */
export function commandOf(uri: string): { path: string; args: string[] } {
  const url = new URL(uri);
  const names = [...new Set(url.searchParams.keys())];
  return {
    path: decodeURIComponent(url.pathname),
    args: names.flatMap((name) => {
      const value = url.searchParams.get(name);
      return value ? [name, value] : [name];
    }),
  };
}

/** Resolves when the program has closed its descriptor 5; rejects when it has ended instead. */
async function ready(program: ChildProcess, fd: number, { needsWord }: { needsWord: boolean }): Promise<void> {
  const socket = new Socket({ fd, readable: true, writable: false });
  let said = false;
  const closed = new Promise<void>((resolve, reject) => {
    program.once('error', reject);
    socket.on('data', () => {
      said = true;
      resolve();
    });
    socket.on('close', () => resolve());
  });
  try {
    await atMost(closed, READY_MS);
  } finally {
    socket.destroy();
  }
  if (needsWord && !said) throw new Error('logging binary did not call ready (it may have crashed or exited prematurely)');
}

/** Starts the program and opens what the process writes to. @throws Error when it cannot be started */
export async function openLogger(stdio: Stdio, { id, namespace }: StdioOptions): Promise<ProcessIo> {
  const { path, args } = commandOf(stdio.stdout);
  const given: number[] = [];
  let input: number | undefined;
  const closeAll = () => given.splice(0).forEach(closeFd);
  const closeStdin = () => {
    if (input !== undefined) closeSync(input);
    input = undefined;
  };
  const [outRead, outWrite] = pipe();
  const [errRead, errWrite] = pipe();
  const [readyRead, readyWrite] = pipe();
  given.push(outWrite, errWrite);
  let program: ChildProcess;
  try {
    program = spawn(path, args, {
      env: { CONTAINER_ID: id, CONTAINER_NAMESPACE: namespace },
      stdio: ['ignore', 'ignore', 'inherit', outRead, errRead, readyWrite],
    });
  } finally {
    for (const fd of [outRead, errRead, readyWrite]) closeFd(fd);
  }
  const gone = deferred<void>();
  program.once('exit', () => gone.resolve());
  program.once('error', () => gone.resolve());
  const end = async () => {
    if (program.exitCode !== null || program.signalCode !== null || !program.kill('SIGTERM')) return;
    await atMost(gone.promise, PATIENCE_MS);
    program.kill('SIGKILL');
  };
  try {
    await ready(program, readyRead, { needsWord: schemeOf(stdio.stdout) === 'binary-v2' });
    if (stdio.stdin) input = holdFifo(stdio.stdin);
    const stdin = openSync(stdio.stdin || '/dev/null', 'r');
    given.push(stdin);
    return {
      streams: { stdin, stdout: outWrite, stderr: errWrite },
      started: closeAll,
      closeStdin,
      resize() {},
      ended() {
        closeAll();
        closeStdin();
      },
      // It ends by itself when it has read all; a child of the process may keep the output open.
      copied: gone.promise,
      drained: gone.promise,
      close() {
        closeAll();
        closeStdin();
        void end();
      },
    };
  } catch (error) {
    closeAll();
    closeStdin();
    void end();
    throw new Error(`logging program ${path}: ${(error as Error).message}`);
  }
}
