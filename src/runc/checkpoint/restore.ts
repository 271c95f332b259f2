/** Bringing a container back from a checkpoint: a new container, whose processes criu makes as they were. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { closeFd, duplicateHigh, socketPair } from '../../libc/fd.ts';
import { signal, startTime, waitBlocking } from '../../libc/process.ts';
import { sendDescriptor } from '../../libc/unix-message.ts';
import { cgroupsTaken } from '../cgroup/processes.ts';
import { checkResources } from '../compile/cgroup-needs.ts';
import { cgroupPaths } from '../compile/cgroup-paths.ts';
import { rootfsPath } from '../compile/compile.ts';
import { isNew } from '../compile/draft.ts';
import { unsupported } from '../compile/unsupported.ts';
import { runHooks } from '../container/hooks.ts';
import { tryLock } from '../container/lock.ts';
import type { Running } from '../container/make.ts';
import { removeTraces } from '../container/remove.ts';
import type { RunRequest } from '../container/request.ts';
import { existsError, folderOf, reserve, type State, saveConfig, saveState, self } from '../container/state.ts';
import { performLocally } from '../engine/locally.ts';
import { startNative } from '../engine/native.ts';
import type { Host } from '../host/facts.ts';
import { probeHost } from '../host/probe.ts';
import { keepingCgroup2Options } from './cgroup2-options.ts';
import { CriuFailure, converse, criuEnvironment, criuVersion, findCriu, NO_ANSWER, type Notification } from './criu.ts';
import { explainFailure } from './criu-log.ts';
import { type ImagePaths, loadDescriptors, logPath, makeImages, openImages } from './images.ts';
import { compileRestoredLoopback } from './loopback-program.ts';
import { type SharedChoices, sharedOptions } from './options.ts';
import { compileRestore } from './restore-program.ts';
import { type CriuFds, cgroupRoots, externalSources, inheritedStreams, sharedNamespaces } from './restore-request.ts';
import type { CriuOptions } from './rpc.ts';

export interface RestoreRequest extends SharedChoices {
  /** The container, as for `run`. */
  run: RunRequest;
  criu: string;
  paths: ImagePaths;
  lsmProfile?: string | undefined;
  lsmMountContext?: string | undefined;
}

/** Before this version a profile was passed over in silence: the container would run without it. */
const LSM_SINCE = 31600;
const SIGKILL = 9;

/** What is known before anything is made. */
interface Plan {
  /** The path of criu. */
  criu: string;
  host: Host;
  /** The standard streams of the saved container. */
  streams: string[];
  state: State;
}

/** @throws Error with one clear sentence when it cannot be done */
function plan(request: RestoreRequest): Plan {
  const { run } = request;
  const { config, id, bundle } = run;
  if (existsSync(folderOf(run.stateRoot, id))) throw existsError(id);
  const criu = findCriu(request.criu);
  const lsm =
    request.lsmProfile !== undefined ? '--lsm-profile' : request.lsmMountContext !== undefined ? '--lsm-mount-context' : undefined;
  if (lsm && criuVersion(criu) < LSM_SINCE) throw new Error(`${lsm} requires at least CRIU 3.16`);
  const streams = loadDescriptors(request.paths.images);
  makeImages(request.paths);
  const host = probeHost(config, { bundle, warn: run.warn, systemdCgroup: run.systemdCgroup === true });
  const cgroups = cgroupPaths(config, host, id);
  const problem = unsupported(config, host)[0] ?? checkResources(config, host)[0] ?? cgroupsTaken(cgroups);
  if (problem) throw new Error(problem);
  const state: State = {
    ociVersion: config.ociVersion,
    id,
    name: run.name,
    owner: self(),
    bundle,
    rootfs: rootfsPath(config, bundle),
    created: new Date().toISOString(),
    engine: 'native',
    remove: run.remove,
    cgroups,
  };
  return { criu, host, streams, state };
}

/** What belongs to criu while it works. */
interface Helper {
  pid: number;
  /** The other end of criu's descriptor 3. */
  socket: number;
  options: CriuOptions;
  open: number[];
}

/** Runs the program that ends as criu, in the container's cgroups. Descriptors are added to `open` at once, for the caller to close. */
function startHelper(
  request: RestoreRequest,
  { criu, host, streams, state }: Plan,
  folder: string,
  helper: Partial<Helper> & Pick<Helper, 'open'>,
): Helper {
  const { run, paths } = request;
  const { config, id, bundle } = run;
  const { open } = helper;
  const fds: CriuFds = new Map([0, 1, 2].map((n) => [n, n]));
  const namespaces = sharedNamespaces(config, fds, open);
  const [socket, theirs] = socketPair('seqpacket');
  open.push(socket);
  try {
    fds.set(3, theirs);
    const program = compileRestore(config, host, {
      id,
      bundle,
      point: folder,
      criu: { path: criu, environment: criuEnvironment() },
      preserveFds: fds.size - 3,
    });
    for (const warning of program.warnings) run.warn(warning);
    helper.pid = startNative({ program, fds, ...(run.observer ? { observer: run.observer } : {}) });
  } finally {
    closeFd(theirs);
  }
  const folders = foldersOf(helper.pid, paths, open);
  const options: CriuOptions = {
    ...sharedOptions(request, config),
    ...folders,
    log_file: 'restore.log',
    evasive_devices: true,
    rst_sibling: true,
    root: folder,
    external: externalSources(config, host, bundle, state.cgroups),
    join_ns: namespaces.join_ns ?? [],
    inherit_fd: [...(namespaces.inherit_fd ?? []), ...inheritedStreams(streams)],
    ...(request.lsmProfile === undefined ? {} : { lsm_profile: request.lsmProfile }),
    ...(request.lsmMountContext === undefined ? {} : { lsm_mount_context: request.lsmMountContext }),
  };
  return { pid: helper.pid, socket, options, open };
}

/** The folders as criu sees them, and the cgroups that it is in. @throws CriuFailure when it has ended */
function foldersOf(pid: number, paths: ImagePaths, open: number[]): Pick<CriuOptions, 'images_dir_fd' | 'work_dir_fd' | 'cg_root'> {
  try {
    const { images, work } = openImages(paths, `/proc/${pid}/root`);
    open.push(images, ...(work === undefined ? [] : [work]));
    const cg_root = cgroupRoots(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
    return { images_dir_fd: images, cg_root, ...(work === undefined ? {} : { work_dir_fd: work }) };
  } catch (error) {
    // The folders were there a moment ago: it is the process that is gone.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw new CriuFailure('RESTORE', 0, NO_ANSWER);
    throw error;
  }
}

/**
 * Restores the container; its first process is a child of this one.
 * @returns the terminal's master as well, where it has one and no console socket takes it
 * @throws Error, StepError, HookError; then nothing of it is left
 */
export function restoreContainer(request: RestoreRequest): Running {
  const { run, paths } = request;
  const { config, stateRoot, id, bundle } = run;
  const planned = plan(request);
  const { state, host } = planned;
  const folder = realpathSync(reserve(stateRoot, id, run.name));
  const held = tryLock(folder);
  if (typeof held === 'string') throw new Error(`container ${id} was deleted while it was being restored`);
  const helper: Partial<Helper> & Pick<Helper, 'open'> = { open: [] };
  let master: number | undefined;
  const stages: Record<string, (notification: Notification) => void> = {
    'setup-namespaces': ({ pid }) => {
      if (isNew(config, 'network')) performLocally(compileRestoredLoopback(config, host, pid), run.observer);
      for (const kind of ['prestart', 'createRuntime'] as const) runHooks(config, kind, { id, bundle, pid });
    },
    'post-restore': ({ pid }) => {
      state.init = { pid, start: startTime(pid) ?? 0 };
      state.created = new Date().toISOString();
      saveState(stateRoot, state);
      run.onRunning?.(pid);
    },
    'orphan-pts-master': ({ descriptors: [fd] }) => {
      if (fd === undefined) return;
      if (run.consoleSocket === undefined) master = duplicateHigh(fd);
      else sendDescriptor(run.consoleSocket, fd, 'orphan-pts-master');
    },
  };
  try {
    // Written before anything is made, so that whoever finds it after a SIGKILL knows what to clear away.
    saveConfig(stateRoot, id, config);
    saveState(stateRoot, state);
    const { socket, options } = startHelper(request, planned, folder, helper);
    const notified = (notification: Notification): void => stages[notification.stage]?.(notification);
    keepingCgroup2Options(() => converse(socket, { type: 'RESTORE', opts: options }, notified), run.warn);
    if (!state.init) throw new Error('criu has restored a container and not said which process is its first');
    return { pid: state.init.pid, master, state };
  } catch (error) {
    if (helper.pid !== undefined) signal(helper.pid, SIGKILL);
    if (master !== undefined) closeFd(master);
    removeTraces(stateRoot, id, state);
    if (error instanceof CriuFailure) throw new Error(explainFailure(error.message, logPath(paths, 'restore.log')));
    throw error;
  } finally {
    for (const fd of helper.open) closeFd(fd);
    if (helper.pid !== undefined) waitBlocking(helper.pid);
    held.release();
  }
}
