/** Making a network: refused in Docker's words where Docker refuses it, and said plainly where there is no driver for it yet. */
import { badRequest, conflict, forbidden, notFound, notImplemented } from '../http/api-error.ts';
import type { Networks } from './networks.ts';
import type { CreateNetworkRequest } from './requests.ts';

/** Docker's drivers that this daemon does not have yet. */
const NOT_YET = new Set(['bridge', 'overlay', 'macvlan', 'ipvlan']);

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** @throws 400, 403, 404, 409; 501 for drivers that are not there yet */
export function createNetwork(networks: Networks, { Name = '', Driver }: CreateNetworkRequest): never {
  const driver = Driver || 'bridge';
  if (!NAME.test(Name)) throw badRequest(`invalid name: ${Name}`);
  if (networks.isPredefined(Name)) throw forbidden(`operation is not permitted on predefined ${Name} network `);
  if (networks.list().some((network) => network.Name === Name)) throw conflict(`network with name ${Name} already exists`);
  if (networks.drivers().includes(driver)) throw forbidden(`only one instance of "${driver}" network is allowed`);
  if (!NOT_YET.has(driver)) throw notFound(`could not find plugin ${driver} in v1 plugin registry: plugin not found`);
  throw notImplemented(
    `network ${Name}: this daemon has no driver ${driver} yet, so there are only the networks none and host. Use --network host for access to the network, --network none for isolation, or --network container:NAME to share another container's`,
  );
}
