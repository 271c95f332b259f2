/** `--sysctl`, and the kernel parameters that every container with a network of its own gets. */
import { sysctlNamespace } from '../../../runc/spec/rules.ts';
import type { MachineFacts } from '../../host/facts.ts';
import { badRequest } from '../../http/api-error.ts';
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

/** The mode by which a container shares what a parameter belongs to. */
const MODE = { ipc: 'IpcMode', network: 'NetworkMode', uts: 'UTSMode' } as const;

/**
 * A parameter that belongs to the whole machine is nobody's to set.
 * @throws 400 in the runtime's words, which else would say so at the start
 */
export function checkSysctls(hostConfig: HostConfig): void {
  for (const key of Object.keys(hostConfig.Sysctls ?? {})) {
    const namespace = sysctlNamespace(key);
    if (namespace === undefined || !(namespace in MODE))
      throw badRequest(`sysctl ${JSON.stringify(key)} is not in a separate kernel namespace`);
    if (isHost(hostConfig[MODE[namespace as keyof typeof MODE]]))
      throw badRequest(`sysctl ${JSON.stringify(key)} not allowed in host ${namespace} namespace`);
  }
}
