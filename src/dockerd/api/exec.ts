/** Further processes in containers: `docker exec`. */
import { attach } from '../container/attach.ts';
import { createExec, requireRunning, startExec } from '../container/exec.ts';
import { type Exec, execRequest, execStartRequest } from '../container/execs.ts';
import type { Daemon } from '../daemon.ts';
import { asApiError, badRequest, conflict } from '../http/api-error.ts';
import type { Call } from '../http/call.ts';
import { integer } from '../http/query.ts';
import { type Route, route } from '../http/router.ts';
import { frame } from '../http/stdcopy.ts';
import { streamType } from './attach.ts';

export const execRoutes = (daemon: Daemon): Route[] => [
  route('POST', '/containers/{id}/exec', async (call) => {
    const container = daemon.containers.get(call.params.id as string);
    const { id } = createExec(daemon, container, await call.json(execRequest));
    call.reply(201, { Id: id });
  }),
  route('POST', '/exec/{id}/start', (call) => start(daemon, call)),
  route('POST', '/exec/{id}/resize', async (call) => {
    const exec = daemon.execs.get(call.params.id as string);
    const [height, width] = [integer(call.query, 'h') ?? 0, integer(call.query, 'w') ?? 0];
    if (!exec.running) throw conflict(`exec ${exec.id} is not running`);
    await daemon.clients.tasks.resizePty({ containerId: exec.containerId, execId: exec.id, width, height });
    call.empty(200);
  }),
  route('GET', '/exec/{id}/json', (call) => call.reply(200, inspect(daemon.execs.get(call.params.id as string)))),
];

async function start(daemon: Daemon, call: Call): Promise<void> {
  const exec = daemon.execs.get(call.params.id as string);
  const container = daemon.containers.get(exec.containerId);
  const { Detach = false, Tty: startTty, ConsoleSize } = await call.json(execStartRequest);
  const { request } = exec;
  const tty = request.Tty ?? false;
  if (startTty !== undefined && startTty !== tty && !Detach)
    throw badRequest(`exec ${exec.id}: Tty must be ${tty}, as it was when it was created`);
  requireRunning(container);
  if (exec.started) throw conflict(`exec command ${exec.id} has already run`);
  const resize = async () => {
    const [height, width] = ConsoleSize ?? request.ConsoleSize ?? [];
    if (tty && height && width)
      await daemon.clients.tasks.resizePty({ containerId: container.id, execId: exec.id, width, height }).catch(() => undefined);
  };
  if (Detach) {
    await startExec(daemon, container, exec, () => undefined);
    await resize();
    call.empty(200);
    return;
  }
  const connection = call.hijack(streamType(call, tty));
  let attached: Promise<void> = Promise.resolve();
  try {
    const { ended } = await startExec(daemon, container, exec, ({ streams }) => {
      if (!streams) return;
      attached = attach(connection, streams, {
        stdin: request.AttachStdin ?? false,
        stdout: request.AttachStdout ?? false,
        stderr: request.AttachStderr ?? false,
        tty,
        once: true,
        // The client asks for the exit code as soon as the stream ends.
        hold: true,
      });
    });
    await resize();
    await ended;
    connection.end();
    await attached;
  } catch (error) {
    const message = Buffer.from(`${asApiError(error).message}\r\n`);
    connection.end(tty ? message : frame('stdout', message));
    exec.streams?.close();
  }
}

const inspect = ({ id, containerId, request, running, exitCode, pid }: Exec): object => ({
  ID: id,
  Running: running,
  ExitCode: exitCode,
  ProcessConfig: {
    tty: request.Tty ?? false,
    entrypoint: request.Cmd?.[0] ?? '',
    arguments: request.Cmd?.slice(1) ?? [],
    privileged: request.Privileged ?? false,
    ...(request.User ? { user: request.User } : {}),
  },
  OpenStdin: request.AttachStdin ?? false,
  OpenStderr: request.AttachStderr ?? false,
  OpenStdout: request.AttachStdout ?? false,
  CanRemove: exitCode !== null,
  ContainerID: containerId,
  DetachKeys: '',
  Pid: pid,
});
