/** What the command `delete` leaves nothing of: a container whose shim does not know it, or was killed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { type DeleteResponse, DeleteResponseSchema } from '../proto/containerd/task/v2/task_pb.ts';
import { RUNTIME_ROOT } from './runtime-root.ts';
import { cleanUp } from './task/clean-up.ts';

/** 128 + SIGKILL: what containerd is told of a container whose real status nobody knows. */
const KILLED = 137;

/** @returns what containerd publishes as the container's end, if it still knows the container */
export async function clearAway(namespace: string, id: string, bundle: string, log: (sentence: string) => void): Promise<DeleteResponse> {
  const pid = initPid(bundle);
  await cleanUp({ bundle, id, namespace, runtimeRoot: RUNTIME_ROOT, log });
  return create(DeleteResponseSchema, { pid, exitStatus: KILLED, exitedAt: timestampNow() });
}

function initPid(bundle: string): number {
  try {
    return Number(readFileSync(join(bundle, 'init.pid'), 'utf8')) || 0;
  } catch {
    return 0;
  }
}
