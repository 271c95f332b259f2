/** One task: its bundle, its shim, and the calls to it. */
import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampNow } from '@bufbuild/protobuf/wkt';
import { type CallOptions, type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { recorded } from '../../messages/recorded.ts';
import { TaskDeleteSchema, TaskExitSchema } from '../../proto/containerd/events/task_pb.ts';
import { Task as TaskApi } from '../../proto/containerd/task/v2/task_pb.ts';
import type { Exchange } from '../events/exchange.ts';
import { type Log, textOf } from '../log.ts';
import { type Bundle, deleteBundle, forgoBundle, keepBundle } from './bundle.ts';
import { type Caller, deleteByShim } from './shim-program.ts';

export interface Exit {
  pid: number;
  exitStatus: number;
  exitedAt?: Timestamp | undefined;
}

export interface Task {
  readonly bundle: Bundle;
  readonly api: Client<typeof TaskApi>;
  /** What each call to the shim carries. */
  readonly call: CallOptions;
  /** How its container ended, when the shim went away first; resolves when all of it is cleaned up. */
  readonly lost: Promise<Exit>;
  /** Deletes the container and ends the shim; nothing of the task is left. @throws while it still runs */
  delete(): Promise<Exit>;
  /** Ends it whatever its state. @param nothing the shim says that it could not make the container, and left nothing of it */
  destroy(nothing?: boolean): Promise<void>;
  /** Lets go of the shim, which lives on. */
  leave(): void;
}

export interface TaskContext {
  caller: Caller;
  events: Exchange;
  log: Log;
  /** Called once, when there is no such task any more. */
  gone(task: Task): void;
}

const SHUTDOWN_MS = 3000;
const REMOVAL_MS = 5000;
/** 128 + SIGKILL: what is known of a container whose shim was killed. */
const KILLED = 137;

/**
 * Connects to the shim of a bundle.
 * @param program the shim's, for its `delete`
 * @param shimLog is closed with the connection
 */
export function openTask(bundle: Bundle, program: string, address: string, shimLog: { close(): void }, context: TaskContext): Task {
  const { caller, events, log } = context;
  const { namespace, id } = bundle;
  const connection = caller.connections.to(address);
  const api = createClient(TaskApi, recorded(connection.transport, { from: 'containerd', to: 'shim', protocol: 'ttrpc' }));
  const call: CallOptions = { headers: { 'containerd-namespace-ttrpc': namespace } };
  /** Why the end of the connection is no surprise. */
  let expected = false;
  let known = true;
  const forget = () => {
    if (known) context.gone(task);
    known = false;
  };
  const lost = connection.closed.then(async (): Promise<Exit> => {
    shimLog.close();
    const unknown = { pid: 0, exitStatus: KILLED, exitedAt: timestampNow() };
    if (expected) return unknown;
    log('warn', 'cleaning up after shim disconnected', { id, namespace });
    const exit = await cleanUp(bundle, program, caller, log).catch((error: unknown) => {
      log('warn', 'failed to clean up after shim disconnected', { id, namespace, error: textOf(error) });
      return unknown;
    });
    if (known) publishEnd(events, bundle, exit);
    forget();
    return exit;
  });
  const end = async () => {
    expected = true;
    await api.shutdown({ id }, { ...call, timeoutMs: SHUTDOWN_MS }).catch((error: unknown) => {
      if (!isClosed(error)) log('warn', 'failed to shutdown shim', { id, namespace, error: textOf(error) });
    });
    connection.close();
    await lost;
    forget();
  };
  const task: Task = {
    bundle,
    api,
    call,
    lost,
    async delete() {
      let exit: Exit;
      forgoBundle(bundle);
      try {
        exit = await api.delete({ id }, call);
      } catch (error) {
        if (isClosed(error)) return lost;
        // A container that never came to be.
        if (error instanceof ConnectError && error.code === Code.NotFound) await task.destroy();
        else keepBundle(bundle);
        throw error;
      }
      await end();
      deleteBundle(bundle);
      return exit;
    },
    async destroy(nothing = false) {
      const removed = nothing || (await removeContainer(api, id, call));
      await end();
      if (removed) deleteBundle(bundle);
      else await cleanUp(bundle, program, caller, log);
    },
    leave() {
      expected = true;
      connection.close();
    },
  };
  return task;
}

/** @returns false when the shim could not, or could not in time */
async function removeContainer(api: Task['api'], id: string, { headers }: CallOptions): Promise<boolean> {
  const call = { ...(headers ? { headers } : {}), timeoutMs: REMOVAL_MS };
  try {
    // One that has ended, or was never there, cannot be killed.
    await api.kill({ id, signal: 9, all: true }, call).catch(() => undefined);
    await api.wait({ id }, call);
    await api.delete({ id }, call);
    return true;
  } catch {
    // Not found is no comfort: a shim whose caller is killed gives up in the middle, with a runtime half done.
    return false;
  }
}

/** The shim's own `delete` looks after the container, we after the bundle. */
export async function cleanUp(bundle: Bundle, program: string, caller: Caller, log: Log): Promise<Exit> {
  try {
    const { pid, exitStatus, exitedAt } = await deleteByShim(program, bundle, caller);
    return { pid, exitStatus, exitedAt: exitedAt ?? timestampNow() };
  } catch (error) {
    log('warn', 'delete of the shim failed', { id: bundle.id, namespace: bundle.namespace, error: textOf(error) });
    return { pid: 0, exitStatus: KILLED, exitedAt: timestampNow() };
  } finally {
    deleteBundle(bundle);
  }
}

/** What the shim would have told. */
export function publishEnd(events: Exchange, { namespace, id }: Bundle, { pid, exitStatus, exitedAt }: Exit): void {
  const event = { containerId: id, pid, exitStatus, exitedAt };
  events.publish(namespace, '/tasks/exit', TaskExitSchema, create(TaskExitSchema, { ...event, id }));
  events.publish(namespace, '/tasks/delete', TaskDeleteSchema, create(TaskDeleteSchema, event));
}

/** The connection is over: nobody is there to answer. */
export const isClosed = (error: unknown): boolean => error instanceof ConnectError && error.code === Code.Unavailable;
