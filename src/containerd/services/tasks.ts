/** The Tasks service: what runs. Each call goes to the shim of its task. */

import { create } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import type { Tasks } from '../../proto/containerd/services/tasks/v1/tasks_pb.ts';
import type { Metric } from '../../proto/containerd/types/metrics_pb.ts';
import { MetricSchema } from '../../proto/containerd/types/metrics_pb.ts';
import { type Process, ProcessSchema } from '../../proto/containerd/types/task_pb.ts';
import { anyFromRecord } from '../any.ts';
import { isNotFound } from '../errors.ts';
import { parseFilters } from '../filters.ts';
import { checkIdentifier } from '../identifier.ts';
import { textOf } from '../log.ts';
import { getContainer } from '../metadata/containers.ts';
import { scopeOf } from '../scope.ts';
import { isClosed, type Task } from '../tasks/task.ts';
import type { Services } from './context.ts';
import { checkpointTask, restorePath } from './task-checkpoint.ts';

export const tasksService = (services: Services): ServiceImpl<typeof Tasks> => {
  const { records, tasks, log } = services;
  /** @throws not found, for the container or its task */
  const find = (id: string, context: HandlerContext): Task => {
    const scope = scopeOf(context);
    getContainer(records, scope, id);
    return tasks.get(scope.namespace, id);
  };
  /** A task's process: its init when `execId` is empty. @throws not found */
  const findProcess = async (id: string, execId: string, context: HandlerContext): Promise<Task> => {
    const task = find(id, context);
    if (execId !== '') await stateOf(task, execId);
    return task;
  };
  return {
    async create({ containerId, rootfs, options, runtimePath, checkpoint, ...io }, context) {
      const scope = scopeOf(context);
      const container = getContainer(records, scope, containerId);
      const { stdin, stdout, stderr, terminal } = io;
      const restored = await restorePath(services, scope, options, checkpoint);
      const runtimeOptions = options ?? (container.runtime.options && anyFromRecord(container.runtime.options));
      try {
        const pid = await tasks.create({
          namespace: scope.namespace,
          id: containerId,
          runtime: runtimePath || container.runtime.name,
          config: container.spec ? anyFromRecord(container.spec).value : new Uint8Array(),
          options: runtimeOptions,
          request: { rootfs, stdin, stdout, stderr, terminal, checkpoint: restored.path },
        });
        return { containerId, pid };
      } finally {
        restored.remove();
      }
    },
    async start({ containerId, execId }, context) {
      const task = await findProcess(containerId, execId, context);
      const { pid } = await task.api.start({ id: containerId, execId }, task.call);
      return { pid };
    },
    async delete({ containerId }, context) {
      const { pid, exitStatus, exitedAt } = await find(containerId, context).delete();
      return { pid, exitStatus, exitedAt };
    },
    async deleteProcess({ containerId, execId }, context) {
      const task = await findProcess(containerId, execId, context);
      const { pid, exitStatus, exitedAt } = await task.api.delete({ id: containerId, execId }, task.call);
      return { id: execId, pid, exitStatus, exitedAt };
    },
    get: async ({ containerId, execId }, context) => ({ process: await stateOf(find(containerId, context), execId) }),
    async list(_request, context) {
      const all = tasks.list(scopeOf(context).namespace);
      const states = await Promise.all(
        all.map((task) =>
          stateOf(task, '').catch((error: unknown) => {
            // One that is just being deleted.
            if (!isNotFound(error)) log('error', 'state of a task', { id: task.bundle.id, error: textOf(error) });
            return [];
          }),
        ),
      );
      return { tasks: states.flat() };
    },
    async kill({ containerId, execId, signal, all }, context) {
      const task = await findProcess(containerId, execId, context);
      try {
        await task.api.kill({ id: containerId, execId, signal, all }, task.call);
      } catch (error) {
        // The shim ends with its last container: there is nobody to kill any more.
        throw isClosed(error) ? new ConnectError(`task ${containerId} not found: not found`, Code.NotFound) : error;
      }
      return {};
    },
    async exec({ containerId, execId, stdin, stdout, stderr, terminal, spec }, context) {
      if (execId === '') throw new ConnectError('exec id cannot be empty', Code.InvalidArgument);
      const task = find(containerId, context);
      checkIdentifier(execId, `invalid exec id ${execId}`);
      await task.api.exec({ id: containerId, execId, stdin, stdout, stderr, terminal, spec }, task.call);
      return {};
    },
    async resizePty({ containerId, execId, width, height }, context) {
      const task = await findProcess(containerId, execId, context);
      await task.api.resizePty({ id: containerId, execId, width, height }, task.call);
      return {};
    },
    async closeIO({ containerId, execId, stdin }, context) {
      const task = await findProcess(containerId, execId, context);
      if (stdin) await task.api.closeIO({ id: containerId, execId, stdin }, task.call);
      return {};
    },
    async pause({ containerId }, context) {
      const task = find(containerId, context);
      await task.api.pause({ id: containerId }, task.call);
      return {};
    },
    async resume({ containerId }, context) {
      const task = find(containerId, context);
      await task.api.resume({ id: containerId }, task.call);
      return {};
    },
    async listPids({ containerId }, context) {
      const task = find(containerId, context);
      const { processes } = await task.api.pids({ id: containerId }, task.call);
      return { processes };
    },
    checkpoint: ({ containerId, options }, context) => checkpointTask(services, scopeOf(context), find(containerId, context), options),
    async update({ containerId, resources, annotations }, context) {
      const task = find(containerId, context);
      await task.api.update({ id: containerId, resources, annotations }, task.call);
      return {};
    },
    async metrics({ filters }, context) {
      const matches = parseFilters(filters);
      const { namespace } = scopeOf(context);
      const wanted = tasks
        .list(namespace)
        .filter(({ bundle }) => matches(([first]) => (first === 'id' ? bundle.id : first === 'namespace' ? bundle.namespace : undefined)));
      const metrics = await Promise.all(
        wanted.map(async (task): Promise<Metric[]> => {
          const { id } = task.bundle;
          try {
            const { stats } = await task.api.stats({ id }, task.call);
            return [create(MetricSchema, { timestamp: timestampNow(), id, data: stats })];
          } catch (error) {
            if (!isNotFound(error)) log('error', 'collecting metrics', { id, error: textOf(error) });
            return [];
          }
        }),
      );
      return { metrics: metrics.flat() };
    },
    async wait({ containerId, execId }, context) {
      const task = await findProcess(containerId, execId, context);
      try {
        // Without the client's time limit, but not longer than the client is there.
        const { exitStatus, exitedAt } = await task.api.wait({ id: containerId, execId }, { ...task.call, signal: context.signal });
        return { exitStatus, exitedAt };
      } catch (error) {
        if (!isClosed(error)) throw error;
        const { exitStatus, exitedAt } = await task.lost;
        return { exitStatus, exitedAt };
      }
    },
  };
};

/** @throws not found, also when the shim is gone */
async function stateOf(task: Task, execId: string): Promise<Process> {
  const { id } = task.bundle;
  try {
    const { pid, status, stdin, stdout, stderr, terminal, exitStatus, exitedAt } = await task.api.state({ id, execId }, task.call);
    return create(ProcessSchema, { id: execId || id, pid, status, stdin, stdout, stderr, terminal, exitStatus, exitedAt });
  } catch (error) {
    if (isClosed(error)) throw new ConnectError(`task ${id} not found: not found`, Code.NotFound);
    throw error;
  }
}
