/** What a container is called on its network and by its own `hostname`. */
import type { MachineFacts } from '../../host/facts.ts';
import type { ContainerConfig, HostConfig } from '../config.ts';
import { isHost } from './modes.ts';

/** As asked; the host's name where the network is the host's; else the first twelve digits of the id. */
export const hostnameOf = (
  id: string,
  { Hostname }: Pick<ContainerConfig, 'Hostname'>,
  { NetworkMode, UTSMode }: Pick<HostConfig, 'NetworkMode' | 'UTSMode'>,
  { hostname }: Pick<MachineFacts, 'hostname'>,
): string => Hostname || (isHost(NetworkMode) || isHost(UTSMode) ? hostname : id.slice(0, 12));
