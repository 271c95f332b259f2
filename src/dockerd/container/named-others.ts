/** What a new container's config names besides its image: a network, and containers to share namespaces with. */
import type { Daemon } from '../daemon.ts';
import { badRequest, isStatus } from '../http/api-error.ts';
import type { HostConfig } from './config.ts';
import { networkOf } from './network.ts';
import { containerOf } from './spec/modes.ts';

/**
 * Something that a create request names. For clients a 404 to that request means one thing: the
 * image is missing, and they go and pull it.
 * @throws 400 in the words of the 404
 */
export function named<T>(find: () => T): T {
  try {
    return find();
  } catch (error) {
    if (isStatus(error, 404)) throw badRequest((error as Error).message);
    throw error;
  }
}

/** `container:NAME` by its id, which lasts when it is renamed. */
function byId(daemon: Daemon, mode: string | undefined): string | undefined {
  const other = containerOf(mode);
  return other === undefined ? mode : `container:${named(() => daemon.containers.get(other)).id}`;
}

/** @throws 400 for what is not there */
export function withOthers(daemon: Daemon, hostConfig: HostConfig): HostConfig {
  const { NetworkMode, PidMode, IpcMode } = hostConfig;
  if (containerOf(NetworkMode) === undefined) named(() => networkOf(daemon, NetworkMode));
  return {
    ...hostConfig,
    NetworkMode: byId(daemon, NetworkMode),
    PidMode: byId(daemon, PidMode),
    IpcMode: byId(daemon, IpcMode),
  };
}
