/** containerd, in this process or in its own: clients of it, and its stores. */
import { join } from 'node:path';
import { ConnectError } from '@connectrpc/connect';
import { openEmbedded } from '../../containerd/embedded.ts';
import { isNotFound } from '../../containerd/errors.ts';
import type { Log } from '../../containerd/log.ts';
import type { Stores } from '../../containerd/transfer/ports.ts';
import { storesOf } from '../../containerd/transfer/stores.ts';
import type { DaemonOptions } from '../options.ts';
import { type ContainerdClients, containerdClients, socketTransport } from './clients.ts';
import { remoteStores } from './stores.ts';

export interface OpenContainerd {
  clients: ContainerdClients;
  stores: Stores;
  snapshotter: string;
  close(): Promise<void>;
}

/** The better one first: native copies every file of an image for every container. */
const SNAPSHOTTERS = ['overlayfs', 'native'] as const;

/** Milliseconds that a containerd has for its first answer. */
const PATIENCE = 10_000;

/** @throws with the reason why it does not answer */
async function snapshotterOf(clients: ContainerdClients, socket: string): Promise<string> {
  try {
    await clients.version.version({}, { timeoutMs: PATIENCE });
  } catch (error) {
    const text = error instanceof ConnectError ? error.rawMessage : String(error);
    throw new Error(`no containerd answers at ${socket}: ${text}; start one, or leave --containerd out and have it in this process`);
  }
  for (const snapshotter of SNAPSHOTTERS) {
    try {
      await clients.snapshots.stat({ snapshotter, key: 'minirun-asks-whether-there-is-this-snapshotter' });
    } catch (error) {
      // Of a snapshot that nobody made; another error says that there is no such snapshotter.
      if (isNotFound(error)) return snapshotter;
    }
  }
  throw new Error(`containerd at ${socket} has none of the snapshotters ${SNAPSHOTTERS.join(', ')}`);
}

/** @param shims the program that is the parent of containers, where containerd is in this process */
export async function openContainerdFor(options: DaemonOptions, shims: Record<string, string>, log: Log): Promise<OpenContainerd> {
  const { dataRoot, execRoot, containerd: socket, containerdNamespace: namespace } = options;
  if (socket !== undefined) {
    const clients = containerdClients(socketTransport(socket), namespace, 'gRPC');
    const snapshotter = await snapshotterOf(clients, socket);
    return { clients, stores: remoteStores(clients, snapshotter), snapshotter, close: async () => {} };
  }
  const embedded = await openEmbedded({ root: join(dataRoot, 'containerd'), state: join(execRoot, 'containerd'), shims, log });
  const { services } = embedded.containerd;
  const snapshotter = services.snapshots.has('overlayfs') ? 'overlayfs' : 'native';
  return {
    clients: containerdClients(embedded.transport, namespace, 'gRPC in memory'),
    stores: storesOf(services, namespace, snapshotter),
    snapshotter,
    close: () => embedded.close(),
  };
}
