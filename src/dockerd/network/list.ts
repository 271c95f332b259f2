/** Networks as clients see them: which, with whom in them, and which are in use. */
import type { Container } from '../container/containers.ts';
import { isRunning } from '../container/record.ts';
import { badRequest } from '../http/api-error.ts';
import { booleanFilter, type Filters, labelsMatch } from '../http/query.ts';
import type { Network, Networks } from './networks.ts';

export const NETWORK_FILTERS = ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'] as const;

/** Who is in a network, by the container's id. */
export type Members = Record<string, { Name: string; EndpointID: string; MacAddress: string; IPv4Address: string; IPv6Address: string }>;

const address = (ip: string, prefix: number): string => (ip === '' ? '' : `${ip}/${prefix}`);

/** The running containers of a network. */
export function membersOf({ Id }: Pick<Network, 'Id'>, containers: readonly Pick<Container, 'record'>[]): Members {
  const found: Members = {};
  for (const { record } of containers) {
    const endpoint = isRunning(record) ? Object.values(record.Networks).find(({ NetworkID }) => NetworkID === Id) : undefined;
    if (endpoint === undefined) continue;
    found[record.Id] = {
      Name: record.Name,
      EndpointID: endpoint.EndpointID,
      MacAddress: endpoint.MacAddress,
      IPv4Address: address(endpoint.IPAddress, endpoint.IPPrefixLen),
      IPv6Address: address(endpoint.GlobalIPv6Address, endpoint.GlobalIPv6PrefixLen),
    };
  }
  return found;
}

/** A regular expression, as in Docker; a text that is none is looked for as it is. */
function contains(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return text.includes(pattern);
  }
}

/** @throws 400 */
export function listNetworks(networks: Networks, containers: readonly Pick<Container, 'record'>[], filters: Filters): Network[] {
  for (const type of filters.get('type') ?? []) {
    if (type !== 'builtin' && type !== 'custom') throw badRequest(`invalid filter: 'type'='${type}'`);
  }
  const dangling = booleanFilter(filters, 'dangling');
  const one = (name: string, fits: (value: string) => boolean): boolean => {
    const values = filters.get(name);
    return values === undefined || values.length === 0 || values.some(fits);
  };
  const unused = (network: Network) => !networks.isPredefined(network.Name) && Object.keys(membersOf(network, containers)).length === 0;
  return networks
    .list()
    .filter(
      (network) =>
        one('driver', (driver) => driver === network.Driver) &&
        one('id', (id) => contains(network.Id, id)) &&
        one('name', (name) => contains(network.Name, name)) &&
        one('scope', (scope) => scope === network.Scope) &&
        one('type', (type) => (type === 'builtin') === networks.isPredefined(network.Name)) &&
        labelsMatch(filters.get('label'), network.Labels ?? {}) &&
        (dangling === undefined || dangling === unused(network)),
    );
}
