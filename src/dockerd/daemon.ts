/** dockerd's parts, and what each of them may ask of the others. */
import type { Log } from '../containerd/log.ts';
import type { Stores } from '../containerd/transfer/ports.ts';
import type { Containers } from './container/containers.ts';
import type { ContainerdClients } from './containerd/clients.ts';
import type { Events } from './events.ts';
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
}
