/** A container and its networks: found before its start, joined when its namespaces are there, left after its end. */
import { textOf } from '../../containerd/log.ts';
import type { Daemon } from '../daemon.ts';
import { ApiError, conflict, notFound } from '../http/api-error.ts';
import type { Network } from '../network/networks.ts';
import { DEFAULT_NETWORK } from '../network/open.ts';
import type { HostConfig } from './config.ts';
import type { Container } from './containers.ts';

/** The network namespace of a container's config: a new one, the host's, or that at a path. */
export type NetworkNamespace = 'new' | 'host' | { path: string };

/** `container:NAME` → NAME. */
export const otherOf = (mode: string | undefined): string | undefined => /^container:(.+)$/.exec(mode ?? '')?.[1];

/** Docker's own network, which a container gets there that asks for nothing. */
const BRIDGE = 'bridge';

const asksNothing = (mode: string | undefined): boolean => mode === undefined || mode === '' || mode === 'default';

/** The network that a mode names. @throws 404 */
export function networkOf({ networks }: Pick<Daemon, 'networks'>, mode: string | undefined): Network {
  if (mode === BRIDGE)
    throw notFound(`network ${BRIDGE} not found: there is no bridge yet; use --network host or --network none, or leave the option out`);
  return networks.get(asksNothing(mode) ? DEFAULT_NETWORK : (mode as string));
}

/** What a client that is used to Docker's bridge would miss without a word. */
export function networkWarnings({ NetworkMode, PortBindings, PublishAllPorts }: HostConfig): string[] {
  if (!asksNothing(NetworkMode)) return [];
  const published = PublishAllPorts || Object.keys(PortBindings ?? {}).length > 0;
  return [
    `There is no bridge network yet: the container has the network ${DEFAULT_NETWORK}, with nothing but loopback.${published ? ' Published ports have no effect.' : ''} Say --network host or --network none.`,
  ];
}

/** The init of another, running container. @throws 409 in Docker's words */
export function pidOf({ containers }: Pick<Daemon, 'containers'>, reference: string, what: string): number {
  const { record } = containers.get(reference);
  if (record.State.Status === 'running' || record.State.Status === 'paused') return record.State.Pid;
  if (record.State.Status === 'restarting')
    throw conflict(`cannot join ${what} namespace of container ${record.Id}: it is restarting, wait until it is running`);
  throw conflict(`cannot join ${what} namespace of a non running container: container ${record.Id}`);
}

/** @throws 404, 409 */
export function networkNamespace(daemon: Daemon, { record }: Container): NetworkNamespace {
  const mode = record.HostConfig.NetworkMode;
  const other = otherOf(mode);
  if (other !== undefined) return { path: `/proc/${pidOf(daemon, other, 'network')}/ns/net` };
  const network = networkOf(daemon, mode);
  return daemon.networks.driver(network.Driver).namespaceOf(record, network) ?? 'new';
}

/** @throws what the driver says; then the container must not be started */
export async function joinNetworks(daemon: Daemon, container: Container, pid: number): Promise<void> {
  const { record } = container;
  record.Networks = {};
  if (otherOf(record.HostConfig.NetworkMode) !== undefined) return;
  const network = networkOf(daemon, record.HostConfig.NetworkMode);
  try {
    record.Networks[network.Name] = await daemon.networks.driver(network.Driver).join(record, network, pid);
  } catch (error) {
    throw error instanceof ApiError ? error : new ApiError(500, `network ${network.Name}: ${textOf(error)}`);
  }
  daemon.events.publish('network', 'connect', network.Id, { container: record.Id, name: network.Name, type: network.Driver });
}

export async function leaveNetworks(daemon: Daemon, { record }: Container): Promise<void> {
  for (const name of Object.keys(record.Networks)) {
    try {
      const network = daemon.networks.get(name);
      await daemon.networks.driver(network.Driver).leave(record, network);
      daemon.events.publish('network', 'disconnect', network.Id, { container: record.Id, name: network.Name, type: network.Driver });
    } catch (error) {
      daemon.log('warn', 'network not left', { id: record.Id, network: name, error: textOf(error) });
    }
  }
}
