/** `--cap-add`, `--cap-drop`, `--privileged`: capabilities(7). */
import { CAPABILITIES } from '../../../libc/capabilities.ts';
import { capabilitiesAfter, DEFAULT_CAPABILITIES } from '../../../runc/spec/capability-sets.ts';
import type { Capabilities } from '../../../runc/spec/config.ts';
import type { MachineFacts } from '../../host/facts.ts';
import { badRequest } from '../../http/api-error.ts';
import type { HostConfig } from '../config.ts';

/**
 * `net_admin`, `CAP_NET_ADMIN` and the like as the kernel's headers write them; `ALL` stays.
 * @param field for errors: CapAdd or CapDrop
 * @throws 400 for a name that is none
 */
export const capabilityNames = (names: readonly string[], field: string): string[] =>
  names.map((given) => {
    const upper = given.toUpperCase();
    if (upper === 'ALL') return upper;
    const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    if (!CAPABILITIES.includes(name)) throw badRequest(`invalid ${field}: unknown capability: ${JSON.stringify(name)}`);
    return name;
  });

const sets = (names: readonly string[]): Capabilities => ({ bounding: [...names], effective: [...names], permitted: [...names] });

/** All that this daemon can give. */
export const allCapabilities = ({ capabilities }: Pick<MachineFacts, 'capabilities'>): Capabilities => sets(capabilities);

/** Those that a container gets. The inheritable set stays empty (CVE-2022-24769). What the daemon itself lacks is left out. */
export function containerCapabilities(hostConfig: HostConfig, facts: Pick<MachineFacts, 'capabilities'>): Capabilities {
  if (hostConfig.Privileged) return allCapabilities(facts);
  const add = capabilityNames(hostConfig.CapAdd ?? [], 'CapAdd');
  const drop = capabilityNames(hostConfig.CapDrop ?? [], 'CapDrop');
  return sets(capabilitiesAfter(DEFAULT_CAPABILITIES, add, drop).filter((name) => facts.capabilities.includes(name)));
}

/** A sentence for each capability that was asked for by name and that this daemon cannot give. */
export const capabilityWarnings = (hostConfig: HostConfig, facts: Pick<MachineFacts, 'capabilities'>): string[] =>
  capabilityNames(hostConfig.CapAdd ?? [], 'CapAdd')
    .filter((name) => name !== 'ALL' && !facts.capabilities.includes(name))
    .map((name) => `Capability ${name} is not available to the daemon in this environment. Capability discarded.`);
