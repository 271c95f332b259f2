/** The network `none`: a network namespace of its own, with nothing in it but loopback. */
import { endpointIn } from './endpoint.ts';
import type { NetworkDriver } from './networks.ts';

export const noneDriver: NetworkDriver = {
  name: 'null',
  namespaceOf: () => undefined,
  join: async (container, network) => endpointIn(container, network),
  leave: async () => undefined,
};
