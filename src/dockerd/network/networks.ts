/**
 * Networks, and the drivers that make them. A driver gives a container its network namespace and
 * what is in it. `none` and `host` are drivers that do nothing else than choose the namespace.
 *
 * To add a kind of network: write a {@link NetworkDriver}, put it into the list of open.ts, let
 * create.ts make networks with it, keep them below DATA_ROOT, and add them to what
 * {@link Networks.list} gives. All else (ls, inspect, filters, prune, connect) asks these interfaces.
 */
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
 * What a kind of network does for a container. The order at a start is: `namespaceOf`, the task is
 * made with that namespace, `join`, the command starts. At the end, also at that of a start that
 * failed, and at one that a later daemon sees: `leave`.
 */
export interface NetworkDriver {
  readonly name: string;
  /**
   * Before the container's task is made.
   * @returns the network namespace for its config: undefined for a new one, a path to join it, or 'host'
   */
  namespaceOf(container: ContainerRecord, network: Network): 'host' | { path: string } | undefined;
  /**
   * When the container's namespaces are there, before its command starts. What the client wants of
   * the endpoint (addresses, aliases) is in `container.NetworkingConfig`, published ports in
   * `container.HostConfig`. What is returned is kept in the record, so a daemon that is killed and
   * started again finds it there.
   * @param pid the container's init: /proc/PID/ns/net is its network namespace
   * @throws when it fails; it leaves nothing behind then, and the container does not start
   */
  join(container: ContainerRecord, network: Network, pid: number): Promise<EndpointSettings>;
  /** After it has ended; its namespace may be gone. What `join` made is taken away, by what the record says. Harmless when repeated. */
  leave(container: ContainerRecord, network: Network): Promise<void>;
}

export interface Networks {
  list(): Network[];
  /** By id, name, or the first letters of an id. @throws 404 `network X not found`, 400 when several begin so */
  get(name: string): Network;
  /** Always there: cannot be made, removed or pruned. */
  isPredefined(name: string): boolean;
  /** @throws 404 in Docker's words */
  driver(name: string): NetworkDriver;
  /** Names of all drivers. */
  drivers(): string[];
}
