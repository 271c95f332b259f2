/** `--sysctl`, and the kernel parameters that every container with a network of its own gets. */
import type { MachineFacts } from '../../host/facts.ts';
import type { ContainerConfig, HostConfig } from '../config.ts';
import { isHost } from './modes.ts';
import type { NetworkNamespace } from './namespaces.ts';

/**
 * Two doors are opened for programs that are not root: ping without CAP_NET_RAW, and ports below
 * 1024 without CAP_NET_BIND_SERVICE. Both are harmless in a network of the container's own.
 */
const OPEN: Record<string, string> = { 'net.ipv4.ping_group_range': '0 2147483647', 'net.ipv4.ip_unprivileged_port_start': '0' };

export function sysctlsOf(
  { Domainname }: Pick<ContainerConfig, 'Domainname'>,
  { Sysctls, UTSMode }: Pick<HostConfig, 'Sysctls' | 'UTSMode'>,
  network: NetworkNamespace,
  { kernel: [major, minor] }: Pick<MachineFacts, 'kernel'>,
): Record<string, string> {
  // ip_unprivileged_port_start came with Linux 4.11.
  const known = major > 4 || (major === 4 && minor >= 11);
  return {
    ...(network === undefined && known ? OPEN : {}),
    // The specification's `domainname` is younger than many a runtime; this does the same.
    ...(Domainname && !isHost(UTSMode) ? { 'kernel.domainname': Domainname } : {}),
    ...Sysctls,
  };
}
