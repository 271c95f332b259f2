/** What containerd is told, under the topics that its clients subscribe to. */
import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import {
  TaskCheckpointedSchema,
  TaskCreateSchema,
  TaskDeleteSchema,
  TaskExecAddedSchema,
  TaskExecStartedSchema,
  TaskExitSchema,
  TaskOOMSchema,
  TaskPausedSchema,
  TaskResumedSchema,
  TaskStartSchema,
} from '../../proto/containerd/events/task_pb.ts';
import type { ShimContext } from './context.ts';

type Tell<T extends DescMessage> = (event: MessageInitShape<T>) => void;

/** One function for each event. */
export function taskEvents({ publish }: Pick<ShimContext, 'publish'>) {
  const tell =
    <T extends DescMessage>(topic: string, schema: T): Tell<T> =>
    (event) =>
      publish(topic, schema, create(schema, event));
  return {
    created: tell('/tasks/create', TaskCreateSchema),
    started: tell('/tasks/start', TaskStartSchema),
    exited: tell('/tasks/exit', TaskExitSchema),
    deleted: tell('/tasks/delete', TaskDeleteSchema),
    execAdded: tell('/tasks/exec-added', TaskExecAddedSchema),
    execStarted: tell('/tasks/exec-started', TaskExecStartedSchema),
    oom: tell('/tasks/oom', TaskOOMSchema),
    paused: tell('/tasks/paused', TaskPausedSchema),
    resumed: tell('/tasks/resumed', TaskResumedSchema),
    checkpointed: tell('/tasks/checkpointed', TaskCheckpointedSchema),
  };
}

export type TaskEvents = ReturnType<typeof taskEvents>;
