/** The network `host`: no network namespace of its own; the container sees the machine's interfaces. */
import { endpointIn } from './endpoint.ts';
import type { NetworkDriver } from './networks.ts';

export const hostDriver: NetworkDriver = {
  name: 'host',
  namespaceOf: () => 'host',
  join: async (container, network) => endpointIn(container, network),
  leave: async () => undefined,
};
