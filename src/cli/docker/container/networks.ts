/** --network and what goes with it: which networks the container joins, and how. Pure. */
import { parseInteger } from '../../sizes.ts';
import { UsageError } from '../../usage-error.ts';
import { csv, splitOnce } from './values.ts';

export interface Endpoint {
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] };
  Links?: string[];
  Aliases?: string[];
  MacAddress?: string;
  DriverOpts?: Record<string, string>;
  GwPriority?: number;
}

export interface NetworkFlags {
  network?: string[];
  networkAlias?: string[];
  ip?: string;
  ip6?: string;
  linkLocalIp?: string[];
  link?: string[];
  macAddress?: string;
}

const own = (network: string): boolean =>
  !['default', 'bridge', 'host', 'none', 'nat'].includes(network) && !network.startsWith('container:');

/** `net1`, or `name=net1,alias=x,ip=10.0.0.5`. */
function parseNetwork(text: string): [name: string, Endpoint] {
  if (!text.includes('=')) return [text, {}];
  const typed = `--network ${text}`;
  const endpoint: Endpoint = {};
  let name = '';
  for (const field of csv('--network', text)) {
    const [key, value] = splitOnce(field, '=');
    if (value === undefined) throw new UsageError(`${typed}: invalid field ${field}; write KEY=VALUE`);
    switch (key.trim().toLowerCase()) {
      case 'name':
        name = value;
        break;
      case 'alias':
        endpoint.Aliases = [...(endpoint.Aliases ?? []), value];
        break;
      case 'ip':
        endpoint.IPAMConfig = { ...endpoint.IPAMConfig, IPv4Address: value };
        break;
      case 'ip6':
        endpoint.IPAMConfig = { ...endpoint.IPAMConfig, IPv6Address: value };
        break;
      case 'link-local-ip':
        endpoint.IPAMConfig = { ...endpoint.IPAMConfig, LinkLocalIPs: [...(endpoint.IPAMConfig?.LinkLocalIPs ?? []), value] };
        break;
      case 'mac-address':
        endpoint.MacAddress = value;
        break;
      case 'driver-opt': {
        const [option, content = ''] = splitOnce(value, '=');
        endpoint.DriverOpts = { ...endpoint.DriverOpts, [option]: content };
        break;
      }
      case 'gw-priority':
        endpoint.GwPriority = parseInteger('gw-priority', value, -2147483648, 2147483647);
        break;
      default:
        throw new UsageError(`${typed}: invalid field key ${key}`);
    }
  }
  if (name === '') throw new UsageError(`${typed}: network name/id is missing; write name=NETWORK`);
  return [name, endpoint];
}

/**
 * The mode (the first network) and an endpoint for each network that needs saying more than its name.
 * @throws UsageError
 */
export function networksOf(flags: NetworkFlags): { mode: string; endpoints: Record<string, Endpoint> } {
  const given = (flags.network ?? []).map(parseNetwork);
  const [[mode, first]] = given.length > 0 ? (given as [[string, Endpoint]]) : [['default', {}] as [string, Endpoint]];
  if (given.length > 1) {
    const odd = given.find(([name]) => ['host', 'none'].includes(name) || name.startsWith('container:'));
    if (odd) throw new UsageError(`conflicting options: cannot attach both user-defined and non-user-defined network-modes (${odd[0]})`);
  }
  if (mode.startsWith('container:') && flags.networkAlias?.length)
    throw new UsageError('conflicting options: --network-alias does not go with --network container:NAME');
  if ((flags.networkAlias?.length ?? 0) > 0 && mode !== 'default' && own(mode))
    first.Aliases = [...(first.Aliases ?? []), ...(flags.networkAlias as string[])];
  if ((flags.link?.length ?? 0) > 0 && own(mode)) first.Links = flags.link as string[];
  const addresses = {
    ...(flags.ip === undefined ? {} : { IPv4Address: flags.ip }),
    ...(flags.ip6 === undefined ? {} : { IPv6Address: flags.ip6 }),
    ...(flags.linkLocalIp?.length ? { LinkLocalIPs: flags.linkLocalIp } : {}),
  };
  if (Object.keys(addresses).length > 0) first.IPAMConfig = { ...first.IPAMConfig, ...addresses };
  if (flags.macAddress !== undefined) first.MacAddress = flags.macAddress;
  // The names alone are in the mode already, as long as there is one network only.
  const endpoints = Object.fromEntries(
    given.length > 1 || Object.keys(first).length > 0 ? (given.length > 0 ? given : [[mode, first] as const]) : [],
  );
  return { mode, endpoints };
}
