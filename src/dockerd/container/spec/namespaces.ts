/** The namespaces of a container: its own, another container's, or none, which is the host's. */
import type { Namespace, NamespaceType } from '../../../runc/spec/config.ts';
import type { MachineFacts } from '../../host/facts.ts';
import type { HostConfig } from '../config.ts';
import { containerOf, isHost } from './modes.ts';

/** Network namespace as the network's driver gives it: undefined is one of its own. */
export type NetworkNamespace = 'host' | { path: string } | undefined;

/** Paths of the namespaces of other containers that this one joins: `/proc/PID/ns/pid`. */
export interface Joined {
  pid?: string;
  ipc?: string;
}

export function namespacesOf(
  hostConfig: Pick<HostConfig, 'IpcMode' | 'PidMode' | 'UTSMode' | 'CgroupnsMode'>,
  network: NetworkNamespace,
  joined: Joined,
  { support }: Pick<MachineFacts, 'support'>,
): Namespace[] {
  const { IpcMode, PidMode, UTSMode, CgroupnsMode } = hostConfig;
  const one = (type: NamespaceType, mode: string | undefined, path: string | undefined): Namespace[] => {
    if (isHost(mode)) return [];
    if (containerOf(mode) === undefined) return [{ type }];
    if (path === undefined) throw new Error(`${type} namespace of ${mode}: nobody said where it is`);
    return [{ type, path }];
  };
  return [
    { type: 'mount' },
    ...(network === 'host' ? [] : [{ type: 'network' as const, ...network }]),
    ...one('uts', UTSMode, undefined),
    ...one('pid', PidMode, joined.pid),
    ...one('ipc', IpcMode, joined.ipc),
    ...(CgroupnsMode === 'private' && support.cgroupNamespaces ? [{ type: 'cgroup' as const }] : []),
  ];
}
