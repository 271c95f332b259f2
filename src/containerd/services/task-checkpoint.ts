/** Checkpoints: in a folder that the client names, or as content. */
import type { Any } from '@bufbuild/protobuf/wkt';
import { CheckpointOptionsSchema } from '../../proto/containerd/runc/options_pb.ts';
import type { Descriptor } from '../../proto/containerd/types/descriptor_pb.ts';
import { unpacked } from '../any.ts';
import { notImplemented } from '../errors.ts';
import type { Scope } from '../scope.ts';
import type { Task } from '../tasks/task.ts';
import type { Services } from './context.ts';

/** Where a task is to be restored from; `remove` takes away what was unpacked for it. */
export async function restorePath(
  _services: Services,
  _scope: Scope,
  _options: Any | undefined,
  checkpoint: Descriptor | undefined,
): Promise<{ path: string; remove(): void }> {
  if (checkpoint) throw notImplemented('a checkpoint that is content');
  return { path: '', remove: () => undefined };
}

/** @throws what the shim says, mostly that criu cannot do it */
export async function checkpointTask(_services: Services, _scope: Scope, task: Task, options: Any | undefined) {
  const path = unpacked(options, CheckpointOptionsSchema)?.imagePath ?? '';
  if (path === '') throw notImplemented('a checkpoint without an image path');
  await task.api.checkpoint({ id: task.bundle.id, path, options }, task.call);
  return { descriptors: [] };
}
