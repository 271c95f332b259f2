/**
 * containerd's Task service, version 2: what a client can do with the containers of this shim.
 * Every call is a few lines here; what it means is in the file of its concept.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema, EmptySchema, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { ProcessDetailsSchema } from '../../proto/containerd/runc/options_pb.ts';
import {
  ConnectResponseSchema,
  CreateTaskResponseSchema,
  DeleteResponseSchema,
  PidsResponseSchema,
  StartResponseSchema,
  StateResponseSchema,
  StatsResponseSchema,
  type Task,
  WaitResponseSchema,
} from '../../proto/containerd/task/v2/task_pb.ts';
import { ProcessInfoSchema, Status } from '../../proto/containerd/types/task_pb.ts';
import { checkpointContainer } from './checkpoint.ts';
import { type Container, inTurn, processOf, stateOf } from './container.ts';
import type { ShimContext } from './context.ts';
import { createContainer } from './create.ts';
import { deleteProcess } from './delete.ts';
import { awaitEnd } from './ends.ts';
import { alreadyExists, messageOf, notFound } from './errors.ts';
import { taskEvents } from './events.ts';
import { addExec } from './exec.ts';
import { killProcess } from './kill.ts';
import { metricsOf } from './metrics.ts';
import { watchOom } from './oom.ts';
import { becomeSubreaper, reapOrphans } from './reaper.ts';
import { startProcess } from './start.ts';
import { check, type ProcessState } from './state-rules.ts';
import type { TaskProcess } from './task-process.ts';

const STATUS: Record<ProcessState, Status> = {
  created: Status.CREATED,
  running: Status.RUNNING,
  paused: Status.PAUSED,
  stopped: Status.STOPPED,
};

/** How it ended, as three answers tell it. */
const exitOf = ({ exit }: TaskProcess) => ({
  exitStatus: exit?.status ?? 0,
  ...(exit ? { exitedAt: timestampFromDate(exit.at) } : {}),
});

const empty = () => create(EmptySchema);

/** The service; this process becomes the parent of all that its containers leave behind. */
export function taskService(context: ShimContext): Partial<ServiceImpl<typeof Task>> {
  const containers = new Map<string, Container>();
  /** Ids of containers that are just being made. */
  const coming = new Set<string>();
  const events = taskEvents(context);
  becomeSubreaper();
  reapOrphans();

  const containerOf = (id: string): Container => {
    const found = containers.get(id);
    if (!found) throw notFound('container not created');
    return found;
  };
  const watch = (container: Container, process: TaskProcess) => {
    awaitEnd(container, process, events, context.log);
    if (process.isInit) container.unwatch = oomWatch(container);
  };
  /** From the start on: a command may run out of memory at once. */
  const oomWatch = ({ id, cgroups }: Container): (() => void) => {
    try {
      return watchOom(cgroups, () => events.oom({ containerId: id }));
    } catch (error) {
      context.log(`container ${id}: no word of a lack of memory: ${messageOf(error)}`);
      return () => {};
    }
  };

  return {
    async create(request) {
      const { id } = request;
      if (containers.has(id) || coming.has(id)) throw alreadyExists(`container ${id}`);
      coming.add(id);
      try {
        const container = await createContainer(request, context);
        containers.set(id, container);
        const { init } = container;
        events.created({
          containerId: id,
          bundle: request.bundle,
          rootfs: request.rootfs,
          io: init.stdio,
          checkpoint: request.checkpoint,
          pid: init.pid,
        });
        // One that is restored has no process yet.
        if (init.pid) watch(container, init);
        return create(CreateTaskResponseSchema, { pid: init.pid });
      } finally {
        coming.delete(id);
      }
    },

    async start({ id, execId }) {
      const container = containerOf(id);
      const process = processOf(container, execId);
      await startProcess(container, process, context, {
        told: () => {
          if (process.isInit) events.started({ containerId: id, pid: process.pid });
          else events.execStarted({ containerId: id, execId, pid: process.pid });
        },
        watch: () => watch(container, process),
      });
      return create(StartResponseSchema, { pid: process.pid });
    },

    async delete({ id, execId }) {
      const container = containerOf(id);
      const process = processOf(container, execId);
      await deleteProcess(container, process, context.log);
      const answer = { pid: process.pid, ...exitOf(process) };
      if (process.isInit) {
        containers.delete(id);
        events.deleted({ containerId: id, ...answer });
      } else container.execs.delete(execId);
      return create(DeleteResponseSchema, answer);
    },

    async exec(request) {
      const { id, execId } = request;
      addExec(containerOf(id), request);
      events.execAdded({ containerId: id, execId });
      return empty();
    },

    state({ id, execId }) {
      const container = containerOf(id);
      const process = processOf(container, execId);
      return create(StateResponseSchema, {
        id: process.id,
        bundle: container.bundle,
        pid: process.pid,
        status: STATUS[stateOf(container, process)],
        ...process.stdio,
        ...exitOf(process),
        execId,
      });
    },

    async wait({ id, execId }) {
      const process = processOf(containerOf(id), execId);
      await process.ended.promise;
      return create(WaitResponseSchema, exitOf(process));
    },

    async kill({ id, execId, signal, all }) {
      const container = containerOf(id);
      await killProcess(container, processOf(container, execId), signal, all);
      return empty();
    },

    async pids({ id }) {
      const { runtime, execs } = containerOf(id);
      const details = new Map([...execs.values()].map((exec) => [exec.pid, exec.id]));
      const processes = (await runtime.pids(id)).map((pid) => {
        const execId = details.get(pid);
        if (execId === undefined) return create(ProcessInfoSchema, { pid });
        const value = toBinary(ProcessDetailsSchema, create(ProcessDetailsSchema, { execId }));
        return create(ProcessInfoSchema, { pid, info: create(AnySchema, { typeUrl: ProcessDetailsSchema.typeName, value }) });
      });
      return create(PidsResponseSchema, { processes });
    },

    async pause({ id }) {
      const container = containerOf(id);
      await inTurn(container, async () => {
        check('pause', stateOf(container, container.init));
        await container.runtime.pause(id);
        container.paused = true;
        events.paused({ containerId: id });
      });
      return empty();
    },

    async resume({ id }) {
      const container = containerOf(id);
      await inTurn(container, async () => {
        check('resume', stateOf(container, container.init));
        await container.runtime.resume(id);
        container.paused = false;
        events.resumed({ containerId: id });
      });
      return empty();
    },

    async update({ id, resources }) {
      const container = containerOf(id);
      await inTurn(container, async () => {
        check('update', stateOf(container, container.init));
        await container.runtime.update(id, Buffer.from(resources?.value ?? []).toString());
      });
      return empty();
    },

    async checkpoint(request) {
      const { id, path } = request;
      const container = containerOf(id);
      await inTurn(container, async () => {
        await checkpointContainer(container, request);
        events.checkpointed({ containerId: id, checkpoint: path });
      });
      return empty();
    },

    stats({ id }) {
      return create(StatsResponseSchema, { stats: metricsOf(containerOf(id).cgroups) });
    },

    closeIO({ id, execId, stdin }) {
      const process = processOf(containerOf(id), execId);
      if (stdin) process.io?.closeStdin();
      return empty();
    },

    resizePty({ id, execId, width, height }) {
      const process = processOf(containerOf(id), execId);
      process.size = { rows: height, columns: width };
      process.io?.resize(height, width);
      return empty();
    },

    connect({ id }) {
      // A shim of one container is not asked this; one of many may have deleted it when containerd was killed, which then cleans up.
      if (!containers.has(id) && !coming.has(id)) throw notFound(`container ${id}`);
      const taskPid = containers.get(id)?.init.pid ?? 0;
      return create(ConnectResponseSchema, { shimPid: globalThis.process.pid, taskPid, version: context.version ?? '' });
    },

    shutdown({ now }) {
      if (now || (containers.size === 0 && coming.size === 0)) context.onEmpty();
      return empty();
    },
  };
}
