/** Networks, and the drivers that make them. A driver gives a container its network namespace and what is in it. */
import type { ContainerRecord, EndpointSettings } from '../container/record.ts';

/** As GET /networks/ID shows it. */
export interface Network {
  Name: string;
  Id: string;
  Created: string;
  Scope: 'local';
  Driver: string;
  EnableIPv4: boolean;
  EnableIPv6: boolean;
  IPAM: {
    Driver: string;
    Options: Record<string, string> | null;
    Config: { Subnet?: string; Gateway?: string; IPRange?: string }[] | null;
  };
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigFrom: { Network: string };
  ConfigOnly: boolean;
  Options: Record<string, string> | null;
  Labels: Record<string, string> | null;
}

/**
 * What a kind of network does for a container. `none` and `host` do nothing but choose the network
 * namespace; a bridge would make an interface pair in `join`.
 */
export interface NetworkDriver {
  readonly name: string;
  /**
   * Before the container's task is made.
   * @returns the network namespace for its config: undefined for a new one, a path to join it, or 'host'
   */
  namespaceOf(container: ContainerRecord, network: Network): 'host' | { path: string } | undefined;
  /** When the container's namespaces are there, before its command starts. */
  join(container: ContainerRecord, network: Network, pid: number): Promise<EndpointSettings>;
  /** After it has ended. */
  leave(container: ContainerRecord, network: Network): Promise<void>;
}

export interface Networks {
  list(): Network[];
  /** By name, id, or the first letters of an id. @throws 404 `network X not found` */
  get(name: string): Network;
  driver(name: string): NetworkDriver;
}
