/**
 * Connecting containers that are there to a further network, and taking them out of one. With
 * `none` and `host` alone, neither can be done: both stand for a whole network namespace. Docker's words.
 */
import { otherOf } from '../container/network.ts';
import type { ContainerRecord } from '../container/record.ts';
import { badRequest, forbidden, notImplemented, serverError } from '../http/api-error.ts';
import type { Network } from './networks.ts';

const HOST = 'container cannot be disconnected from host network or connected to host network';
const NONE = 'container cannot be connected to multiple networks with one of the networks in private (none) mode';
const SHARED = 'container sharing network namespace with another container or host cannot be connected to any other network';

type Connected = Pick<ContainerRecord, 'Id' | 'Name' | 'HostConfig' | 'Networks'>;

const isIn = ({ Networks }: Connected, network: Network): boolean => Object.hasOwn(Networks, network.Name);

/** @throws 400, 403; 501 for networks of other drivers */
export function connectToNetwork(container: Connected, network: Network): never {
  const { Name, HostConfig } = container;
  if (isIn(container, network)) throw forbidden(`endpoint with name ${Name} already exists in network ${network.Name}`);
  if (network.Driver === 'host') throw badRequest(HOST);
  if (HostConfig.NetworkMode === 'host' || otherOf(HostConfig.NetworkMode) !== undefined) throw badRequest(SHARED);
  if (network.Driver === 'null') throw badRequest(NONE);
  throw notImplemented(`network ${network.Name}: containers cannot be connected to networks of driver ${network.Driver} yet`);
}

/** @throws 400, 500 when it is not connected; 501 */
export function disconnectFromNetwork(container: Connected, network: Network): never {
  if (!isIn(container, network)) throw serverError(`container ${container.Id} is not connected to network ${network.Name}`);
  if (network.Driver === 'host') throw badRequest(HOST);
  throw notImplemented(
    `container ${container.Name} cannot be disconnected from network ${network.Name}: there is no other network that it could be in`,
  );
}
