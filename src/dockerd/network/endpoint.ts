/** A container's end of a network, as `inspect` shows it. */
import { createHash } from 'node:crypto';
import type { ContainerRecord, EndpointSettings } from '../container/record.ts';
import type { Network } from './networks.ts';

/** One that has no address. */
export const endpointIn = (container: Pick<ContainerRecord, 'Id'>, network: Pick<Network, 'Id'>): EndpointSettings => ({
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  DriverOpts: null,
  NetworkID: network.Id,
  EndpointID: createHash('sha256').update(`${container.Id} in ${network.Id}`).digest('hex'),
  Gateway: '',
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  MacAddress: '',
  DNSNames: null,
});
