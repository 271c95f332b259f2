/** All tasks: made, found, deleted, and found again after a restart of the daemon. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import type { CreateTaskRequestSchema } from '../../proto/containerd/task/v2/task_pb.ts';
import { alreadyExists } from '../errors.ts';
import type { Exchange } from '../events/exchange.ts';
import { type Log, textOf } from '../log.ts';
import {
  type Bundle,
  type BundleFolders,
  deleteBundle,
  foundBundles,
  isUnfinished,
  keepBundle,
  makeBundle,
  removeLostWork,
} from './bundle.ts';
import { openConnections } from './connections.ts';
import { readShimLog } from './shim-log.ts';
import { type Caller, findShim, startShim } from './shim-program.ts';
import { cleanUp, isClosed, openTask, publishEnd, type Task } from './task.ts';

export interface RunningTasksOptions extends BundleFolders {
  caller: Omit<Caller, 'connections'>;
  events: Exchange;
  log: Log;
  writeLog(text: string): void;
}

export interface NewTask {
  namespace: string;
  id: string;
  /** The runtime's name, or its shim's path. */
  runtime: string;
  /** The text of config.json. */
  config: Uint8Array;
  options: Any | undefined;
  /** The rest of what the shim's Create is told. */
  request: Omit<MessageInitShape<typeof CreateTaskRequestSchema>, 'id' | 'bundle' | 'options' | '$typeName'>;
}

export interface RunningTasks {
  /** @returns the pid of the container's init @throws already exists, or what the shim says */
  create(task: NewTask): Promise<number>;
  /** @throws not found */
  get(namespace: string, id: string): Task;
  list(namespace: string): Task[];
  /** Goes on with the tasks of an earlier daemon; to be called when shims can reach this one. */
  restore(): Promise<void>;
  /** Lets go of all shims; they and their containers live on. */
  close(): void;
}

/** The shim's program of a bundle, which has no other record of it. */
const PROGRAM = 'shim-binary-path';
const LOAD_MS = 5000;

export function openRunningTasks(options: RunningTasksOptions): RunningTasks {
  const { events, log } = options;
  const connections = openConnections();
  const caller = { ...options.caller, connections };
  const tasks = new Map<string, Task>();
  const keyOf = ({ namespace, id }: Pick<Bundle, 'namespace' | 'id'>) => `${namespace}/${id}`;
  const context = { caller, events, log, gone: ({ bundle }: Task) => void tasks.delete(keyOf(bundle)) };

  const restoreOne = async (bundle: Bundle): Promise<void> => {
    const { id, namespace, path } = bundle;
    const program = contentOf(join(path, PROGRAM));
    const address = contentOf(join(path, 'address'));
    if (program === undefined) {
      // The daemon was killed before it had begun to start a shim.
      deleteBundle(bundle);
      return;
    }
    if (address !== undefined) {
      const task = openTask(bundle, program, address, readShimLog(path, options.writeLog), context);
      tasks.set(keyOf(bundle), task);
      try {
        // Not connect, which answers for any id: the shim may have deleted it when the daemon was killed.
        await task.api.state({ id }, { ...task.call, timeoutMs: LOAD_MS });
        if (isUnfinished(bundle)) await task.destroy();
        return;
      } catch (error) {
        log('info', 'task not found again', { id, namespace, error: textOf(error) });
        if (isClosed(error)) await task.lost;
        else await task.destroy();
        return;
      }
    }
    publishEnd(events, bundle, await cleanUp(bundle, program, caller, log));
  };

  return {
    async create({ namespace, id, runtime, config, options: runtimeOptions, request }) {
      if (tasks.has(keyOf({ namespace, id }))) throw alreadyExists(`task ${id}`);
      const program = found(runtime, caller);
      const bundle = makeBundle(options, namespace, id, config);
      // Before the shim starts: whoever finds the bundle must know what may be running in it.
      writeFileSync(join(bundle.path, PROGRAM), program, { mode: 0o600 });
      // A shim's first act is to open it.
      const shimLog = readShimLog(bundle.path, options.writeLog);
      let task: Task;
      try {
        const address = await startShim(program, bundle, caller, runtimeOptions && toBinary(AnySchema, runtimeOptions));
        task = openTask(bundle, program, address, shimLog, context);
      } catch (error) {
        shimLog.close();
        await cleanUp(bundle, program, caller, log);
        throw during('failed to start shim: start failed', error);
      }
      tasks.set(keyOf(bundle), task);
      try {
        const { pid } = await task.api.create({ ...request, id, bundle: bundle.path, options: runtimeOptions }, task.call);
        keepBundle(bundle);
        return pid;
      } catch (error) {
        // An answer: the shim has tidied up after itself.
        if (isClosed(error)) await task.lost;
        else await task.destroy(true);
        throw during('failed to create shim task', error);
      }
    },
    get(namespace, id) {
      const found = tasks.get(keyOf({ namespace, id }));
      if (!found) throw new ConnectError(`task ${id} not found: not found`, Code.NotFound);
      return found;
    },
    list: (namespace) => [...tasks.values()].filter(({ bundle }) => bundle.namespace === namespace),
    async restore() {
      const failed = (bundle: Bundle) => (error: unknown) =>
        log('error', 'a task could not be restored', { id: bundle.id, namespace: bundle.namespace, error: textOf(error) });
      await Promise.all(foundBundles(options).map((bundle) => restoreOne(bundle).catch(failed(bundle))));
      removeLostWork(options);
    },
    close() {
      for (const task of tasks.values()) task.leave();
      tasks.clear();
      connections.close();
    },
  };
}

function found(runtime: string, caller: Caller): string {
  try {
    return findShim(runtime, caller);
  } catch (error) {
    throw during('failed to start shim: failed to resolve runtime path', error);
  }
}

/** The same failure, said with what was being done, as containerd says it. */
function during(what: string, error: unknown): ConnectError {
  if (error instanceof ConnectError) return new ConnectError(`${what}: ${error.rawMessage}`, error.code);
  return new ConnectError(`${what}: ${textOf(error)}: unknown`, Code.Unknown);
}

/** Undefined when there is no such file. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
