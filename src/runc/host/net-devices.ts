/** The interfaces of the host that a config moves into its container: their numbers and addresses. */
import { interfaceAddresses, interfaceIndex } from '../../libc/netlink.ts';
import type { NetDeviceFacts } from './facts.ts';

const IFA_F_PERMANENT = 0x80;
const RT_SCOPE_UNIVERSE = 0;

/** Of each that exists; addresses that are permanent and of global scope (config-linux.md, "Network Devices"). */
export function readNetDevices(names: readonly string[]): Record<string, NetDeviceFacts> {
  const found: Record<string, NetDeviceFacts> = {};
  for (const name of names) {
    const index = interfaceIndex(name);
    if (index === undefined) continue;
    const kept = interfaceAddresses(index).filter((a) => a.flags & IFA_F_PERMANENT && a.scope === RT_SCOPE_UNIVERSE);
    found[name] = {
      index,
      addresses: kept.map(({ family, prefixLength, address }) => ({ family, prefixLength, address: Buffer.from(address).toString('hex') })),
    };
  }
  return found;
}
