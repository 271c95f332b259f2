/**
 * The networks `none` and `host`, which are always there. A bridge is a further driver: it adds its
 * networks to the list, and does its work in `join` and `leave`.
 */
import { createHash } from 'node:crypto';
import { badRequest, notFound } from '../http/api-error.ts';
import { hostDriver } from './host.ts';
import type { Network, NetworkDriver, Networks } from './networks.ts';
import { noneDriver } from './none.ts';

/** What a container gets that does not say: `bridge` as soon as there is one. */
export const DEFAULT_NETWORK = 'none';

/** Docker's: nobody may make networks that are so called, the bridge among them. */
const PREDEFINED: ReadonlySet<string> = new Set(['bridge', 'default', 'host', 'none']);

const NO_BRIDGE = ': this daemon has no bridge yet, only the networks none and host';

const EMPTY = { Driver: 'default', Options: null, Config: null };

/** @param id of the daemon: two daemons have networks with different ids */
const builtIn = (daemonId: string, created: string, name: string, driver: string): Network => ({
  Name: name,
  Id: createHash('sha256').update(`${daemonId} network ${name}`).digest('hex'),
  Created: created,
  Scope: 'local',
  Driver: driver,
  EnableIPv4: true,
  EnableIPv6: false,
  IPAM: structuredClone(EMPTY),
  Internal: false,
  Attachable: false,
  Ingress: false,
  ConfigFrom: { Network: '' },
  ConfigOnly: false,
  Options: {},
  Labels: {},
});

/** @param created when the daemon's data root was made, RFC 3339 */
export function openNetworks(daemonId: string, created: string): Networks {
  const drivers = new Map<string, NetworkDriver>([noneDriver, hostDriver].map((driver) => [driver.name, driver]));
  const networks = [builtIn(daemonId, created, 'host', 'host'), builtIn(daemonId, created, 'none', 'null')];
  return {
    list: () => [...networks],
    get(name) {
      const exact = networks.find(({ Id }) => Id === name) ?? networks.find(({ Name }) => Name === name);
      const found = exact ? [exact] : networks.filter(({ Id }) => name !== '' && Id.startsWith(name));
      const [first] = found;
      if (first === undefined) throw notFound(`network ${name} not found${name === 'bridge' ? NO_BRIDGE : ''}`);
      if (found.length > 1) throw badRequest(`network ${name} is ambiguous (${found.length} matches found based on ID prefix)`);
      return first;
    },
    isPredefined: (name) => PREDEFINED.has(name),
    driver(name) {
      const found = drivers.get(name);
      if (found === undefined) throw notFound(`could not find plugin ${name} in v1 plugin registry: plugin not found`);
      return found;
    },
    drivers: () => [...drivers.keys()].sort(),
  };
}
