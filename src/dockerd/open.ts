/** The daemon as a whole: its parts opened and put together. Who serves them is another matter. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../containerd/log.ts';
import { wallClock } from './clock.ts';
import { openExecs } from './container/execs.ts';
import { clearMountedFiles } from './container/files/mounted.ts';
import { openHealthChecks } from './container/health-checks.ts';
import { watchMemory } from './container/oom.ts';
import { openContainers } from './container/open.ts';
import { probe } from './container/probe.ts';
import { openRestarts } from './container/restarts.ts';
import { restoreContainers } from './container/restore.ts';
import { startAgain, startContainer } from './container/start.ts';
import { openContainerdFor } from './containerd/open.ts';
import type { Daemon } from './daemon.ts';
import { writeWhole } from './durable.ts';
import { openEvents } from './events.ts';
import { readMachineFacts } from './host/read-facts.ts';
import { keepingStores } from './image/dangling.ts';
import { openImages } from './image/open.ts';
import { openNetworks } from './network/open.ts';
import type { DaemonOptions } from './options.ts';
import { openVolumes } from './volume/open.ts';
import { usersOfVolume } from './volume/users.ts';

export interface OpenDaemon extends Daemon {
  /** Containers live on, to be found again by the next daemon that has the same folders. */
  close(): Promise<void>;
}

/** Made once for a data root. */
function identityOf(dataRoot: string): { id: string; created: string } {
  const path = join(dataRoot, 'engine-id');
  if (!existsSync(path)) writeWhole(path, `${randomUUID()}\n`, 0o600);
  return { id: readFileSync(path, 'utf8').trim(), created: statSync(path).mtime.toISOString() };
}

/** @param shim the program that is the parent of containers, where containerd is in this process */
export async function openDaemon(options: DaemonOptions, shims: Record<string, string>, log: Log): Promise<OpenDaemon> {
  const { dataRoot, execRoot } = options;
  // Others may pass through to files that a container's user owns, and see nothing on the way.
  for (const folder of [dataRoot, execRoot]) mkdirSync(folder, { recursive: true, mode: 0o711 });
  const { id, created } = identityOf(dataRoot);
  const containerd = await openContainerdFor(options, shims, log);
  const { clients, snapshotter } = containerd;
  const stores = keepingStores(containerd.stores);
  const events = openEvents();
  const images = openImages(stores, clients, snapshotter);
  const networks = openNetworks(id, created);
  const containers = openContainers(dataRoot, events, log);
  const volumes = await openVolumes({
    dataRoot,
    usedBy: (name) => usersOfVolume(containers.list(), name),
    events,
    log,
  });
  clearMountedFiles(execRoot);
  const watching = new AbortController();
  const daemon: Daemon = {
    options,
    log,
    id,
    clients,
    stores,
    snapshotter,
    events,
    images,
    networks,
    containers,
    execs: openExecs(),
    facts: readMachineFacts(),
    restarts: openRestarts({
      containers,
      startAgain: (container) => startAgain(daemon, container),
      start: (container) => startContainer(daemon, container),
      log,
      clock: wallClock,
    }),
    health: openHealthChecks((container, check, signal) => probe(daemon, container, check, signal), wallClock),
    volumes,
  };
  void watchMemory(daemon, watching.signal);
  await restoreContainers(daemon);
  void daemon.restarts.resume();
  return {
    ...daemon,
    async close() {
      watching.abort();
      daemon.restarts.close();
      daemon.health.close();
      await containerd.close();
    },
  };
}
