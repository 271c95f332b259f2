/** Networks. */
import type { Daemon } from '../daemon.ts';
import { forbidden, notFound, notImplemented } from '../http/api-error.ts';
import { type Call, since } from '../http/call.ts';
import { filters } from '../http/query.ts';
import { type Route, route } from '../http/router.ts';
import { connectToNetwork, disconnectFromNetwork } from '../network/connect.ts';
import { createNetwork } from '../network/create.ts';
import { listNetworks, membersOf, NETWORK_FILTERS } from '../network/list.ts';
import type { Network } from '../network/networks.ts';
import { connectRequest, createNetworkRequest, disconnectRequest } from '../network/requests.ts';

/** A field of version 1.47 of the API. */
const shown = (call: Call, { EnableIPv4, ...network }: Network): object => (since(call, 47) ? { ...network, EnableIPv4 } : network);

export function networkRoutes({ networks, containers, events }: Daemon): Route[] {
  const named = ({ params }: Call) => networks.get(params.id as string);
  const list = (call: Call) =>
    call.reply(
      200,
      // Who is in them is told only of a single network.
      listNetworks(networks, containers.list(), filters(call.query, NETWORK_FILTERS)).map((network) => ({
        ...shown(call, network),
        Containers: {},
      })),
    );
  return [
    route('GET', '/networks', list),
    route('POST', '/networks/create', async (call) => createNetwork(networks, await call.json(createNetworkRequest))),
    route('POST', '/networks/prune', (call) => {
      // Those that are always there are never removed, and others there are none.
      filters(call.query, ['label', 'label!', 'until']);
      events.publish('network', 'prune', '', { reclaimed: '0' });
      call.reply(200, { NetworksDeleted: null });
    }),
    route('GET', '/networks/{id}', (call) => {
      const network = named(call);
      const scope = call.query.get('scope') ?? '';
      if (scope !== '' && scope !== network.Scope) throw notFound(`network ${call.params.id} not found`);
      call.reply(200, { ...shown(call, network), Containers: membersOf(network, containers.list()) });
    }),
    route('DELETE', '/networks/{id}', (call) => {
      const network = named(call);
      if (networks.isPredefined(network.Name)) throw forbidden(`${network.Name} is a pre-defined network and cannot be removed`);
      throw notImplemented(`network ${network.Name}: networks of driver ${network.Driver} cannot be removed yet`);
    }),
    route('POST', '/networks/{id}/connect', async (call) => {
      const { Container = '' } = await call.json(connectRequest);
      connectToNetwork(containers.get(Container).record, named(call));
    }),
    route('POST', '/networks/{id}/disconnect', async (call) => {
      const { Container = '' } = await call.json(disconnectRequest);
      disconnectFromNetwork(containers.get(Container).record, named(call));
    }),
  ];
}
