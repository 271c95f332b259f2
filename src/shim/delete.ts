/**
 * `containerd-shim-minirun-v1 delete`: containerd calls it when it has done with a container, also
 * when the process that held it is gone. native/minirun-shim.c does the first half without Node.
 */
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createClient } from '@connectrpc/connect';
import type { DeleteResponse } from '../proto/containerd/task/v2/task_pb.ts';
import { Group } from '../proto/minirun/shim/v1/group_pb.ts';
import { clearAway } from './clear-away.ts';
import type { Flags } from './flags.ts';
import { withSocketLock } from './socket-lock.ts';
import { answers } from './start.ts';
import { connectTtrpc } from './ttrpc/client.ts';

const ANSWER_MS = 20_000;

/** @returns how it ended; only the process that held the container knows that, if it lives */
export async function remove(flags: Flags, log: (sentence: string) => void): Promise<DeleteResponse> {
  const bundle = flags.bundle || process.cwd();
  const path = socketOf(bundle);
  if (path) {
    const answer = await leave(path, flags.id, bundle);
    if (answer) return answer;
  }
  return clearAway(flags.namespace, flags.id, bundle, log);
}

async function leave(path: string, id: string, bundle: string): Promise<DeleteResponse | undefined> {
  const connection = connectTtrpc(path);
  try {
    return await createClient(Group, connection.transport).leave({ id, bundle }, { timeoutMs: ANSWER_MS });
  } catch {
    // The socket of a process that was killed: nobody else would remove it.
    try {
      withSocketLock(dirname(path), () => {
        if (!answers(path)) rmSync(path, { force: true });
      });
    } catch {
      // Not there any more.
    }
    return undefined;
  } finally {
    connection.close();
  }
}

function socketOf(bundle: string): string | undefined {
  try {
    return (
      readFileSync(join(bundle, 'address'), 'utf8')
        .trim()
        .replace(/^unix:\/\//, '') || undefined
    );
  } catch {
    return undefined;
  }
}
