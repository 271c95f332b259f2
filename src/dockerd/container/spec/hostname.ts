/** What a container is called on its network and by its own `hostname`. */
import type { MachineFacts } from '../../host/facts.ts';
import type { ContainerConfig, HostConfig } from '../config.ts';
import { isHost } from './modes.ts';

/** As asked; the machine's name where the network is the machine's; else the first twelve digits of the id. */
export const hostnameOf = (
  id: string,
  { Hostname }: Pick<ContainerConfig, 'Hostname'>,
  { NetworkMode }: Pick<HostConfig, 'NetworkMode'>,
  { hostname }: Pick<MachineFacts, 'hostname'>,
): string => Hostname || (isHost(NetworkMode) ? hostname : id.slice(0, 12));
