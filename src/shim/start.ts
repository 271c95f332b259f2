/**
 * `containerd-shim-minirun-v1 start`: finds the process that holds the container's group, or starts
 * it, and prints its address. native/minirun-shim.c does the same without Node, where it could be built.
 *
 * Two starts at once must not make two processes, and none may be given the address of a process that
 * is about to end. So the socket is made under a lock, and a process that is found must first agree
 * to take one more container (Group.Join); one that ends removes its socket under the lock, and hangs up.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { SyscallError } from '../libc/errno.ts';
import { closeFd } from '../libc/fd.ts';
import { connectTo, listenAt } from '../libc/unix-socket.ts';
import { Group } from '../proto/minirun/shim/v1/group_pb.ts';
import type { Flags } from './flags.ts';
import { groupOf, makeSocketFolder, socketPath } from './grouping.ts';
import { withSocketLock } from './socket-lock.ts';
import { connectTtrpc } from './ttrpc/client.ts';

const ATTEMPTS = 200;
const PAUSE_MS = 5;
const ANSWER_MS = 20_000;
/** The number of the listening socket in the process that serves. */
export const LISTEN_FD = 3;

/** Whether somebody listens there. */
export function answers(path: string): boolean {
  try {
    closeFd(connectTo(path, 'stream'));
    return true;
  } catch (error) {
    if (error instanceof SyscallError && (error.code === 'ENOENT' || error.code === 'ECONNREFUSED')) return false;
    throw error;
  }
}

/** @returns true when it accepts the container; false when it is about to end, or has ended */
async function agree(path: string, id: string, bundle: string, connect = connectTtrpc): Promise<boolean> {
  const connection = connect(path);
  try {
    await createClient(Group, connection.transport).join({ id, bundle }, { timeoutMs: ANSWER_MS });
    return true;
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.Unavailable) return false;
    throw error;
  } finally {
    connection.close();
  }
}

/**
 * Room for what is new, in MiB: by itself V8 makes it 16 and fills it before it collects, which
 * cost a third of the memory of a process with 50 containers.
 */
const NODE_OPTION = '--max-semi-space-size=1';

/** The words that start this program again, without its action: so that it serves. */
const serving = (path: string, words: readonly string[]): string[] => [
  NODE_OPTION,
  '--',
  process.argv[1] ?? '',
  ...words.slice(0, -1),
  '-socket',
  path,
];

/** The program without an action, so that it serves, with the socket as descriptor 3. It says on our stderr why it cannot. */
function startServing(path: string, words: readonly string[]): void {
  const fd = listenAt(path, 'stream');
  try {
    const child = spawn(process.execPath, serving(path, words), {
      argv0: 'containerd-shim-minirun-v1', // what ps shows
      detached: true,
      stdio: ['inherit', 'ignore', 'inherit', fd],
    });
    child.on('error', (error) => process.stderr.write(`start ${process.execPath}: ${error.message}\n`));
    child.unref();
  } finally {
    closeFd(fd);
  }
}

function noteAddress(path: string, bundle: string): string {
  const address = `unix://${path}`;
  writeFileSync(join(bundle, '.address'), address);
  renameSync(join(bundle, '.address'), join(bundle, 'address'));
  return address;
}

/**
 * The half of `start` that needs no process, for a containerd that knows this shim: asks the process
 * that holds the container's group, if there is one, to take it.
 * @param config text of config.json
 * @param connect to a socket; what it returns is closed again
 * @returns its address; undefined when the program must be started
 */
export async function joinRunning(
  where: Pick<Flags, 'address' | 'namespace'>,
  id: string,
  bundle: string,
  config: string,
  connect: typeof connectTtrpc,
): Promise<string | undefined> {
  const path = socketPath(where, groupOf(config, id));
  if (!existsSync(path)) return undefined;
  return (await agree(path, id, bundle, connect)) ? noteAddress(path, bundle) : undefined;
}

/**
 * @param words the command line that `flags` was made of
 * @returns the address, which is in the bundle's file `address` as well
 * @throws Error when no process takes the container
 */
export async function start(flags: Flags, words: readonly string[]): Promise<string> {
  const bundle = process.cwd();
  const path = socketPath(flags, groupOf(readFileSync('config.json', 'utf8'), flags.id));
  const folder = makeSocketFolder();
  let started = false;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (!answers(path)) {
      // What we started has ended: it would end again.
      if (started) break;
      started = withSocketLock(folder, () => {
        if (answers(path)) return false;
        rmSync(path, { force: true }); // of a process that was killed
        startServing(path, words);
        return true;
      });
    }
    if (await agree(path, flags.id, bundle)) return noteAddress(path, bundle);
    await sleep(PAUSE_MS);
  }
  throw new Error('the shim ended before it could be asked anything');
}
