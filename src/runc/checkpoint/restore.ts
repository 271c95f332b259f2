/** Bringing a container back from a checkpoint: a new container, whose processes criu makes as they were. */
import { readFileSync, realpathSync } from 'node:fs';
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
import { reserve, type State, saveConfig, saveState, self } from '../container/state.ts';
import { performLocally } from '../engine/locally.ts';
import { startNative } from '../engine/native.ts';
import { probeHost } from '../host/probe.ts';
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

function checkLsm(criu: string, request: RestoreRequest): void {
  if (request.lsmProfile === undefined && request.lsmMountContext === undefined) return;
  const flag = request.lsmProfile === undefined ? '--lsm-mount-context' : '--lsm-profile';
  if (criuVersion(criu) < LSM_SINCE) throw new Error(`${flag} requires at least CRIU 3.16`);
}

/**
 * Restores the container; its first process is a child of this one.
 * @returns the terminal's master as well, where it has one and no console socket takes it
 * @throws Error, StepError, HookError; then nothing of it is left
 */
export function restoreContainer(request: RestoreRequest): Running {
  const { run, paths } = request;
  const { config, stateRoot, id, bundle } = run;
  const criu = findCriu(request.criu);
  checkLsm(criu, request);
  const streams = loadDescriptors(paths.images);
  makeImages(paths);
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
  const folder = reserve(stateRoot, id, run.name);
  const held = tryLock(folder);
  if (typeof held === 'string') throw new Error(`container ${id} was deleted while it was being restored`);
  const fds: CriuFds = new Map([
    [0, 0],
    [1, 1],
    [2, 2],
  ]);
  const open: number[] = [];
  let criuPid: number | undefined;
  try {
    saveConfig(stateRoot, id, config);
    saveState(stateRoot, state);
    const namespaces = sharedNamespaces(config, fds);
    for (const [number, fd] of fds) if (number > 3) open.push(fd);
    const [ours, theirs] = socketPair('seqpacket');
    open.push(ours);
    fds.set(3, theirs);
    const program = compileRestore(config, host, {
      id,
      bundle,
      point: realpathSync(folder),
      criu: { path: criu, environment: criuEnvironment() },
      preserveFds: fds.size - 3,
    });
    for (const warning of program.warnings) run.warn(warning);
    try {
      criuPid = startNative({ program, fds, ...(run.observer ? { observer: run.observer } : {}) });
    } finally {
      closeFd(theirs);
    }
    if (startTime(criuPid) === undefined) throw new CriuFailure('RESTORE', 0, NO_ANSWER);
    const images = openImages(paths, `/proc/${criuPid}/root`);
    open.push(images.images, ...(images.work === undefined ? [] : [images.work]));
    const opts: CriuOptions = {
      ...sharedOptions(request, config),
      images_dir_fd: images.images,
      log_file: 'restore.log',
      evasive_devices: true,
      rst_sibling: true,
      root: realpathSync(folder),
      external: externalSources(config, host, bundle, cgroups),
      join_ns: namespaces.join_ns ?? [],
      inherit_fd: [...(namespaces.inherit_fd ?? []), ...inheritedStreams(streams)],
      cg_root: cgroupRoots(readFileSync(`/proc/${criuPid}/cgroup`, 'utf8')),
      ...(images.work === undefined ? {} : { work_dir_fd: images.work }),
      ...(request.lsmProfile === undefined ? {} : { lsm_profile: request.lsmProfile }),
      ...(request.lsmMountContext === undefined ? {} : { lsm_mount_context: request.lsmMountContext }),
    };
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
    converse(ours, { type: 'RESTORE', opts }, (notification) => stages[notification.stage]?.(notification));
    if (!state.init) throw new Error('criu has restored a container and not said which process is its first');
    return { pid: state.init.pid, master, state };
  } catch (error) {
    if (criuPid !== undefined) signal(criuPid, SIGKILL);
    removeTraces(stateRoot, id, state);
    if (error instanceof CriuFailure) throw new Error(explainFailure(error.message, logPath(paths, 'restore.log')));
    throw error;
  } finally {
    for (const fd of open) closeFd(fd);
    if (criuPid !== undefined) waitBlocking(criuPid);
    held.release();
  }
}
