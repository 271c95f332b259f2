/** Checkpoint: the container's processes are saved by criu. A container is restored by Create and Start. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { type CheckpointOptions, CheckpointOptionsSchema } from '../../proto/containerd/runc/options_pb.ts';
import type { CheckpointTaskRequest } from '../../proto/containerd/task/v2/task_pb.ts';
import { type Container, stateOf } from './container.ts';
import { messageOf, unknown } from './errors.ts';
import { check } from './state-rules.ts';

const optionsOf = ({ options }: CheckpointTaskRequest): Partial<CheckpointOptions> =>
  options?.value.length ? fromBinary(CheckpointOptionsSchema, options.value) : {};

/** Where criu writes its log, when nobody says where: below the bundle. */
export const criuWork = ({ options, bundle }: Container): string => options.criuWorkPath || join(bundle, 'work', 'criu-work');

/** @throws ConnectError with the first line of what criu said, and where the rest is */
export async function checkpointContainer(container: Container, request: CheckpointTaskRequest): Promise<void> {
  check('checkpoint', stateOf(container, container.init));
  const options = optionsOf(request);
  const given = options.workPath || container.options.criuWorkPath;
  const work = given || criuWork(container);
  mkdirSync(work, { recursive: true, mode: 0o711 });
  try {
    await container.runtime.checkpoint(container.id, {
      images: options.imagePath || request.path,
      work,
      parent: options.parentPath,
      leaveRunning: !options.exit,
      openTcp: options.openTcp === true,
      externalUnixSockets: options.externalUnixSockets === true,
      terminal: options.terminal === true,
      fileLocks: options.fileLocks === true,
      cgroupsMode: options.cgroupsMode,
    });
  } catch (error) {
    throw unknown(`${messageOf(error).split('\n')[0]} path= ${join(work, 'dump.log')}`);
  }
  // Kept where somebody named the place, and after a failure: it explains.
  if (!given) rmSync(work, { recursive: true, force: true });
}
