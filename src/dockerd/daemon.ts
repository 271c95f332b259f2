/** dockerd's parts, and what each of them may ask of the others. */
import type { Log } from '../containerd/log.ts';
import type { Stores } from '../containerd/transfer/ports.ts';
import type { Container, Containers } from './container/containers.ts';
import type { Execs } from './container/execs.ts';
import type { ContainerdClients } from './containerd/clients.ts';
import type { Events } from './events.ts';
import type { MachineFacts } from './host/facts.ts';
import type { Images } from './image/images.ts';
import type { Networks } from './network/networks.ts';
import type { DaemonOptions } from './options.ts';
import type { Volumes } from './volume/volumes.ts';

export interface Daemon {
  readonly options: DaemonOptions;
  readonly log: Log;
  /** Random, made once for a data root: `info` shows it. */
  readonly id: string;
  readonly clients: ContainerdClients;
  /** containerd's stores, for pull, push, load and the like. */
  readonly stores: Stores;
  /** Of containerd: overlayfs, or native. */
  readonly snapshotter: string;
  readonly events: Events;
  readonly images: Images;
  readonly containers: Containers;
  readonly volumes: Volumes;
  readonly networks: Networks;
  readonly execs: Execs;
  /** What this machine can do. */
  readonly facts: MachineFacts;
  readonly restarts: Restarts;
  readonly health: HealthChecks;
}

/** Containers that are started again after their end, as their policy says. */
export interface Restarts {
  /**
   * A container has ended. Called with its lock held, before its state is written down: what follows happens later.
   * @param stopped somebody wanted it to end
   * @returns true when it will be started again: its state is `restarting` then
   */
  exited(container: Container, stopped: boolean): boolean;
  /**
   * It is not to be started again. Called without its lock.
   * @returns true when it was `restarting`, and is `exited` now; false when it runs, or has ended in another way
   */
  cancel(container: Container): Promise<boolean>;
  /** The daemon has started, and knows what runs: what has to run is started. Resolves when that was tried; never rejects. */
  resume(): Promise<void>;
  /** The daemon ends: no more starts. */
  close(): void;
}

/** Containers that are asked whether they are well. */
export interface HealthChecks {
  /** It runs, or runs again under a new daemon. */
  started(container: Container): void;
  paused(container: Container): void;
  resumed(container: Container): void;
  ended(container: Container): void;
  close(): void;
}
