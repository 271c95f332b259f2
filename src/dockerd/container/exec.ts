/** Running a further process in a container. */

import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { ConnectError } from '@connectrpc/connect';
import { textOf } from '../../containerd/log.ts';
import { configJson } from '../../runc/spec/json.ts';
import type { Daemon } from '../daemon.ts';
import { ApiError, badRequest, conflict } from '../http/api-error.ts';
import type { Container } from './containers.ts';
import type { Exec, ExecRequest } from './execs.ts';
import { fifoFolder, fifoPaths, makeFifos } from './fifos.ts';
import { execProcess } from './spec/exec-process.ts';
import { userOf } from './spec/user.ts';
import { openStreams } from './streams.ts';
import { unlessGone } from './task.ts';
import { userFilesBelow } from './users.ts';

/** What containerd calls a process in a message. */
const PROCESS = 'types.containerd.io/opencontainers/runtime-spec/1/Process';
/** Children of the process that go on may hold its output open; nobody waits for them longer. */
const DRAIN_MS = 2000;

/** @throws 409 when a process cannot be started in it now */
export function requireRunning({ record, id }: Container): void {
  const { Status } = record.State;
  if (Status === 'running') return;
  if (Status === 'paused') throw conflict(`Container ${record.Name} is paused, unpause the container before exec`);
  if (Status === 'restarting') throw conflict(`Container ${id} is restarting, wait until the container is running`);
  throw conflict(`container ${id} is not running`);
}

/** @throws 400, 409 */
export function createExec(daemon: Daemon, container: Container, request: ExecRequest): Exec {
  requireRunning(container);
  if (!request.Cmd?.length) throw badRequest('No exec command specified');
  const exec = daemon.execs.add(container.id, request);
  container.tell(`exec_create: ${commandOf(request.Cmd)}`, { execID: exec.id });
  return exec;
}

/**
 * Starts it. Its streams are there (`exec.streams`) as soon as this returns its first promise.
 * @returns resolves with its exit code
 * @throws 409 when it was started before; 400 for a command that cannot be executed: its exit code is 126 or 127 then
 */
export async function startExec(
  daemon: Daemon,
  container: Container,
  exec: Exec,
  attached: (exec: Exec) => void,
): Promise<{ ended: Promise<number> }> {
  requireRunning(container);
  if (exec.started) throw conflict(`exec command ${exec.id} has already run`);
  exec.started = true;
  const { tasks } = daemon.clients;
  const { Tty = false, AttachStdin = false, Cmd = [] } = exec.request;
  const [containerId, execId] = [container.id, exec.id];
  let made = false;
  try {
    const files = userFilesBelow(`/proc/${container.record.State.Pid}/root`);
    const { record } = container;
    const user = userOf(exec.request.User || record.Config.User || '', record.HostConfig.GroupAdd ?? [], files);
    const process = execProcess({ container: record, exec: exec.request, user, facts: daemon.facts, options: daemon.options });
    const paths = fifoPaths(fifoFolder(daemon, containerId), execId, { stdin: AttachStdin, tty: Tty });
    makeFifos(paths, fifoFolder(daemon, containerId));
    const streams = openStreams(paths, { closeIO: () => void tasks.closeIO({ containerId, execId, stdin: true }).catch(() => undefined) });
    exec.streams = streams;
    attached(exec);
    const spec = create(AnySchema, { typeUrl: PROCESS, value: Buffer.from(configJson(process)) });
    await tasks.exec({ containerId, execId, terminal: Tty, spec, stdin: paths.stdin, stdout: paths.stdout, stderr: paths.stderr });
    made = true;
    const end = tasks.wait({ containerId, execId });
    end.catch(() => undefined);
    const { pid } = await tasks.start({ containerId, execId });
    streams.opened();
    exec.pid = pid;
    exec.running = true;
    container.tell(`exec_start: ${commandOf(Cmd)}`, { execID: execId });
    return { ended: finish(daemon, container, exec, end) };
  } catch (error) {
    exec.streams?.close();
    if (made) await tasks.deleteProcess({ containerId, execId }).catch(() => undefined);
    const message = error instanceof ConnectError ? error.rawMessage : textOf(error);
    exec.exitCode = /executable file not found|no such file or directory/.test(message) ? 127 : 126;
    const failure = error instanceof ApiError ? error : new ApiError(400, message, { cause: error });
    throw failure;
  }
}

/** With a space behind the program's name even when nothing follows, as Docker has it. */
const commandOf = ([program, ...words]: readonly string[]): string => `${program} ${words.join(' ')}`;

async function finish(daemon: Daemon, container: Container, exec: Exec, end: Promise<{ exitStatus: number }>): Promise<number> {
  const { tasks } = daemon.clients;
  // A container that ends takes its processes along, and nobody knows how they ended.
  const { exitStatus } = await end.catch(() => ({ exitStatus: 137 }));
  exec.streams?.drain();
  await Promise.race([exec.streams?.ended, sleep(DRAIN_MS, undefined, { ref: false })]);
  exec.running = false;
  exec.exitCode = exitStatus;
  exec.streams?.close();
  await unlessGone(tasks.deleteProcess({ containerId: container.id, execId: exec.id })).catch((error: unknown) =>
    daemon.log('debug', 'process not deleted', { id: exec.id, error: textOf(error) }),
  );
  container.tell(`exec_die`, { execID: exec.id, exitCode: String(exitStatus) });
  return exitStatus;
}
