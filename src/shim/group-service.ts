/** The service by which `start` and `delete` speak to the process that holds the group. */
import { create } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { Task } from '../proto/containerd/task/v2/task_pb.ts';
import { type DeleteResponse, DeleteResponseSchema } from '../proto/containerd/task/v2/task_pb.ts';
import type { Group } from '../proto/minirun/shim/v1/group_pb.ts';
import type { Log } from './log.ts';
import type { Members } from './members.ts';

export interface GroupOptions {
  members: Members;
  tasks: Partial<ServiceImpl<typeof Task>>;
  log: Log;
  /** Removes what a container left behind that this process does not hold. */
  cleanUp(id: string, bundle: string): Promise<DeleteResponse>;
  /** A container went away. */
  onLeave(): void;
}

const SIGKILL = 9;

export function groupService({ members, tasks, log, cleanUp, onLeave }: GroupOptions): ServiceImpl<typeof Group> {
  return {
    join({ id, bundle }) {
      if (!members.join(id, bundle)) throw new ConnectError('the shim is about to end', Code.Unavailable);
      log.follow(bundle);
      return {};
    },
    async leave({ id, bundle }, context) {
      try {
        // containerd gave it up: its connection broke, or what it did after Create failed.
        if (members.has(id)) {
          const common = { id, execId: '' };
          await Promise.resolve(
            tasks.kill?.({ $typeName: 'containerd.task.v2.KillRequest', ...common, signal: SIGKILL, all: true }, context),
          ).catch((error) => log.debug(`delete ${id}: kill: ${error}`));
          await tasks.wait?.({ $typeName: 'containerd.task.v2.WaitRequest', ...common }, context);
          const deleted = await tasks.delete?.({ $typeName: 'containerd.task.v2.DeleteRequest', ...common }, context);
          return create(DeleteResponseSchema, { exitStatus: 128 + SIGKILL, exitedAt: timestampNow(), ...deleted });
        }
        return await cleanUp(id, bundle);
      } finally {
        log.follow(members.leave(id));
        onLeave();
      }
    },
  };
}
