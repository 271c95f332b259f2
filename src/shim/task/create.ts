/** Create: the root file system, the streams, and a container whose command does not run yet. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CreateTaskRequest } from '../../proto/containerd/task/v2/task_pb.ts';
import { NO_CGROUPS } from '../../runc/compile/cgroup-paths.ts';
import { cgroupsOf } from './cgroups.ts';
import { chooseRuntime } from './choose-runtime.ts';
import { type Container, traitsOf } from './container.ts';
import type { ShimContext } from './context.ts';
import { messageOf, unknown } from './errors.ts';
import { openIo } from './open-io.ts';
import { parseOptions, saveOptions } from './options.ts';
import { mountRootfs, unmountRootfs } from './rootfs.ts';
import type { Made } from './runtime.ts';
import type { ProcessIo, StdioOptions } from './stdio.ts';
import { newProcess, type TaskProcess } from './task-process.ts';

/** What the streams of a container's process are opened with. */
export const stdioOptions = ({ id, options }: Container, { isInit }: TaskProcess, { namespace }: ShimContext): StdioOptions => ({
  id,
  namespace,
  uid: options.ioUid,
  gid: options.ioGid,
  copied: !isInit,
});

/** @throws ConnectError; then nothing of the container is left */
export async function createContainer(request: CreateTaskRequest, context: ShimContext): Promise<Container> {
  const { id, bundle } = request;
  const options = parseOptions(request.options);
  saveOptions(bundle, options);
  try {
    mountRootfs(request.rootfs, bundle);
  } catch (error) {
    throw unknown(`failed to mount rootfs component: ${messageOf(error)}`);
  }
  try {
    const { ownPids, hooked } = traitsOf(bundle);
    const runtime = chooseRuntime(options, bundle, context, hooked);
    const container: Container = {
      id,
      bundle,
      options,
      runtime,
      init: newProcess(id, { stdin: request.stdin, stdout: request.stdout, stderr: request.stderr, terminal: request.terminal }),
      execs: new Map(),
      ownPids,
      checkpoint: request.checkpoint,
      cgroups: NO_CGROUPS,
      paused: false,
      unwatch: () => {},
      queue: Promise.resolve(),
    };
    if (!request.checkpoint)
      await makeInit(container, context, 'OCI runtime create failed', ({ streams }) => runtime.create({ id, bundle, streams }));
    return container;
  } catch (error) {
    unmountRootfs(bundle);
    throw error;
  }
}

/**
 * Opens the streams and has the container's init made.
 * @throws ConnectError that begins with `failed`
 */
export async function makeInit(
  container: Container,
  context: ShimContext,
  failed: string,
  make: (io: ProcessIo) => Promise<Made>,
): Promise<void> {
  const { init } = container;
  let io: ProcessIo;
  try {
    io = await openIo(init.stdio, stdioOptions(container, init, context));
  } catch (error) {
    throw unknown(`failed to create init process I/O: ${messageOf(error)}`);
  }
  try {
    const { pid, master } = await orSay(failed, () => make(io));
    init.pid = pid;
    init.io = io;
    io.started(master);
    container.cgroups = cgroupsOf(pid);
    // For the command `delete`, should this process be killed.
    writeFileSync(join(container.bundle, 'init.pid'), String(pid));
  } catch (error) {
    io.close();
    throw error;
  }
}

/** What an OCI runtime said, in the words from which Docker makes its exit code. */
export async function orSay<T>(what: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw unknown(`${what}: ${messageOf(error)}`);
  }
}
