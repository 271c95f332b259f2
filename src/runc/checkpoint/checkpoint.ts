/** Saving a running container: criu stops its processes, writes what they are into files, and ends them or lets them go on. */
import { writeSync } from 'node:fs';
import { call, closeFd } from '../../libc/fd.ts';
import { deleteOci } from '../container/delete.ts';
import { type ContainerView, loadConfig } from '../container/state.ts';
import { keepingCgroup2Options } from './cgroup2-options.ts';
import { ask, CriuFailure, checkFeature, findCriu, type Notification } from './criu.ts';
import { explainFailure } from './criu-log.ts';
import { externalsOf } from './external.ts';
import { type ImagePaths, logPath, makeImages, openImages, saveDescriptors } from './images.ts';
import { type SharedChoices, sharedOptions } from './options.ts';
import type { CriuOptions } from './rpc.ts';

export interface CheckpointRequest extends SharedChoices {
  criu: string;
  paths: ImagePaths;
  leaveRunning: boolean;
  /** Memory alone; the container goes on. */
  preDump: boolean;
  tcpSkipInFlight: boolean;
  pageServer?: { address: string; port: number } | undefined;
  /** Gets a NUL byte once the pages can be fetched, with lazyPages. */
  statusFd?: number | undefined;
  warn: (sentence: string) => void;
}

const F_GETFL = 3;
const O_ACCMODE = 3;

/** @throws Error when nobody could write there */
function checkStatusFd(fd: number): void {
  const flags = call('fcntl', fd, F_GETFL, 0);
  if (flags < 0) throw new Error(`invalid --status-fd argument ${fd}: no such descriptor is open`);
  if ((flags & O_ACCMODE) === 0) throw new Error(`invalid --status-fd argument ${fd}: not writable`);
}

/**
 * The cgroup by which criu stops all processes at once: without it, it stops them one by one, and
 * looks again for new ones. A cgroup in which others live, too, is left alone.
 */
function freezer(view: ContainerView): CriuOptions {
  const { v1, v2, shared } = view.state.cgroups;
  if (shared) return {};
  const folder = v1.freezer ?? v2;
  return folder === undefined ? {} : { freeze_cgroup: folder };
}

/**
 * Writes the images. The container is then deleted, unless it is to go on.
 * @throws Error that says what criu found; the container then goes on as before
 */
export function checkpoint(view: ContainerView, request: CheckpointRequest): void {
  const { paths, preDump } = request;
  const criu = findCriu(request.criu);
  const config = loadConfig(view);
  if (request.statusFd !== undefined) checkStatusFd(request.statusFd);
  makeImages(paths);
  const opened = openImages(paths);
  try {
    const opts: CriuOptions = {
      ...sharedOptions(request, config),
      ...freezer(view),
      images_dir_fd: opened.images,
      log_file: 'dump.log',
      root: view.state.rootfs,
      pid: view.pid,
      leave_running: request.leaveRunning,
      tcp_skip_in_flight: request.tcpSkipInFlight,
      ...(opened.work === undefined ? {} : { work_dir_fd: opened.work }),
      ...(request.pageServer ? { ps: request.pageServer } : {}),
      ...(paths.parent ? { parent_img: paths.parent, track_mem: true } : {}),
    };
    const feature = preDump ? 'mem_track' : request.lazyPages ? 'lazy_pages' : undefined;
    if (feature) checkFeature(criu, feature, opts);
    const { external, descriptors } = externalsOf(config, view.pid);
    if (!preDump) saveDescriptors(paths.images, descriptors);
    opts.external = external;
    const notified = ({ stage }: Notification): void => {
      if (stage === 'status-ready' && request.statusFd !== undefined) sayReady(request.statusFd);
    };
    keepingCgroup2Options(() => ask(criu, { type: preDump ? 'PRE_DUMP' : 'DUMP', opts }, notified), request.warn);
  } catch (error) {
    if (error instanceof CriuFailure) throw new Error(explainFailure(error.message, logPath(paths, 'dump.log')));
    throw error;
  } finally {
    opened.close();
  }
  // criu has killed its processes; a foreground `run` may be taking it away at this moment.
  if (!preDump && !request.leaveRunning) deleteOci(view.stateRoot, view.state.id, { force: true, warn: request.warn });
}

/** Whoever waits for the pages reads a NUL byte, then the end. */
function sayReady(fd: number): void {
  writeSync(fd, Buffer.of(0));
  if (fd > 2) closeFd(fd);
}
