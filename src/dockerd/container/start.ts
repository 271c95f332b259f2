/** Starting a container: all that it needs is made ready, then containerd makes the task and starts it. */
import { rmSync } from 'node:fs';
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { textOf } from '../../containerd/log.ts';
import type { Mount } from '../../containerd/snapshots/mount.ts';
import { OptionsSchema } from '../../proto/containerd/runc/options_pb.ts';
import type { Config } from '../../runc/spec/config.ts';
import { configJson } from '../../runc/spec/json.ts';
import type { Daemon } from '../daemon.ts';
import { ApiError, conflict } from '../http/api-error.ts';
import type { Container } from './containers.ts';
import { ended, releaseVolumes, waitForEnd } from './exit.ts';
import { fifoFolder, fifoPaths, makeFifos } from './fifos.ts';
import { openContainerLog } from './logging.ts';
import { closeSubpaths } from './mounts/subpath.ts';
import { joinNetworks, leaveNetworks } from './network.ts';
import { prepareConfig } from './prepare.ts';
import { removeContainer } from './remove.ts';
import { runtimeOf } from './runtime.ts';
import { unmountShm } from './shared-shm.ts';
import { openStreams } from './streams.ts';
import { removeTask } from './task.ts';

/** What containerd calls a config.json in a message. */
export const SPEC = 'types.containerd.io/opencontainers/runtime-spec/1/Spec';

/**
 * @returns false when it runs already, or will by itself
 * @throws 404, 409; 400 for a command that cannot be executed, in the words by which `docker` chooses its exit code
 */
export const startContainer = (daemon: Daemon, container: Container): Promise<boolean> =>
  container.locked(async () => {
    const { record } = container;
    switch (record.State.Status) {
      case 'running':
      case 'restarting':
        return false;
      case 'paused':
        throw conflict('cannot start a paused container, try unpause instead');
      case 'removing':
      case 'dead':
        throw conflict('container is marked for removal and cannot be started');
      default:
    }
    record.StoppedByHand = false;
    // Whoever starts it by hand gives it all its tries.
    record.RestartCount = 0;
    await startOrUndo(daemon, container);
    return true;
  });

/** Starts one that its restart policy starts, unless somebody has stopped or started it meanwhile. @throws as startContainer */
export const startAgain = (daemon: Daemon, container: Container): Promise<void> =>
  container.locked(async () => {
    if (container.record.State.Status === 'restarting') await startOrUndo(daemon, container);
  });

async function startOrUndo(daemon: Daemon, container: Container): Promise<void> {
  try {
    await start(daemon, container);
  } catch (error) {
    await notStarted(daemon, container, error);
  }
}

async function start(daemon: Daemon, container: Container): Promise<void> {
  const { record, id } = container;
  const { clients } = daemon;
  const { config, rootfs } = await prepareConfig(daemon, container);
  const { Tty = false, OpenStdin = false } = record.Config;
  const paths = fifoPaths(fifoFolder(daemon, id), 'init', { stdin: OpenStdin, tty: Tty });
  makeFifos(paths, fifoFolder(daemon, id));
  const log = openContainerLog(daemon, container);
  const streams = openStreams(paths, { record: log.write, closeIO: () => closeInput(daemon, id) });
  const running = { streams, log: log.log, closeLog: log.close, over: Promise.resolve(), stopping: false };
  container.running = running;
  for (const begin of container.awaiting) begin(running);
  container.awaiting.clear();
  await createTask(daemon, container, config, rootfs, paths);
  closeSubpaths(daemon.options.execRoot, id);
  streams.opened();
  const end = waitForEnd(daemon, id);
  end.catch(() => undefined);
  await joinNetworks(daemon, container, record.State.Pid);
  await clients.tasks.start({ containerId: id });
  Object.assign(record.State, {
    Status: 'running',
    ExitCode: 0,
    Error: '',
    OOMKilled: false,
    StartedAt: new Date().toISOString(),
  });
  container.save();
  container.tell('start');
  running.over = settle(daemon, container, end);
  daemon.health.started(container);
  container.changed('started');
}

/** One that has ended reads no more. */
export const closeInput = ({ clients }: Daemon, containerId: string): void =>
  void clients.tasks.closeIO({ containerId, stdin: true }).catch(() => undefined);

/** The rest of its life. */
export async function settle(daemon: Daemon, container: Container, end: ReturnType<typeof waitForEnd>): Promise<void> {
  try {
    const exit = await end;
    daemon.health.ended(container);
    await container.locked(() => ended(daemon, container, exit));
  } catch (error) {
    daemon.log('error', 'end of a container', { id: container.id, error: textOf(error) });
  }
}

/** containerd's record and its task; the pid of the container's init, which waits, is noted. */
async function createTask(
  daemon: Daemon,
  { record, id }: Container,
  config: Config,
  rootfs: Mount[],
  { stdin, stdout, stderr }: ReturnType<typeof fifoPaths>,
): Promise<void> {
  const { containers, tasks } = daemon.clients;
  const { name, options } = runtimeOf(daemon.options, record.HostConfig.Runtime);
  const runtimeOptions = create(AnySchema, { typeUrl: OptionsSchema.typeName, value: toBinary(OptionsSchema, options) });
  const container = {
    id,
    image: record.Config.Image ?? '',
    runtime: { name, options: runtimeOptions },
    spec: create(AnySchema, { typeUrl: SPEC, value: Buffer.from(configJson(config)) }),
    snapshotter: record.Snapshotter,
    snapshotKey: id,
  };
  try {
    await containers.create({ container });
  } catch (error) {
    if (!(error instanceof ConnectError) || error.code !== Code.AlreadyExists) throw error;
    // A daemon that was killed in the middle of a start left it.
    await removeTask(daemon.clients, id);
    await containers.create({ container });
  }
  const { pid } = await tasks.create({ containerId: id, rootfs, stdin, stdout, stderr, terminal: record.Config.Tty ?? false });
  record.State.Pid = pid;
}

/** Takes away what a start has made that failed, and tells why. */
async function notStarted(daemon: Daemon, container: Container, error: unknown): Promise<never> {
  const { record, id, running } = container;
  container.running = undefined;
  running?.streams.close();
  running?.closeLog();
  await removeTask(daemon.clients, id).catch((reason: unknown) => daemon.log('error', 'task not removed', { id, error: textOf(reason) }));
  rmSync(fifoFolder(daemon, id), { recursive: true, force: true });
  await leaveNetworks(daemon, container);
  unmountShm(container);
  await releaseVolumes(daemon, container);
  const { code, failure } = failureOf(error);
  Object.assign(record.State, { Pid: 0, ExitCode: code, Error: failure.message });
  if (record.State.Status === 'restarting') record.State.Status = 'exited';
  container.note();
  container.changed('exited');
  if (record.HostConfig.AutoRemove) void removeContainer(daemon, container, { force: false, volumes: true }).catch(() => undefined);
  throw failure;
}

/** Docker's hint. */
const WRONG_KIND =
  'Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type';

/** The exit code that Docker makes of the words of a failed start, and its status. */
function failureOf(error: unknown): { code: number; failure: ApiError } {
  const message = error instanceof ConnectError ? error.rawMessage : textOf(error);
  if (/executable file not found|no such file or directory|system cannot find the file/.test(message) && /exec: "|stat /.test(message))
    return { code: 127, failure: new ApiError(400, message, { cause: error }) };
  if (/permission denied|is a directory|exec format error/.test(message) && /exec/.test(message))
    return { code: 126, failure: new ApiError(400, message, { cause: error }) };
  if (/error mounting .*not a directory/.test(message))
    return { code: 127, failure: new ApiError(400, `${message}: ${WRONG_KIND}`, { cause: error }) };
  if (error instanceof ApiError) return { code: 128, failure: error };
  return { code: 128, failure: new ApiError(500, message, { cause: error }) };
}
