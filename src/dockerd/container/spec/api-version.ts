/** What clients of older versions of the API mean by the same words. */
import type { MachineFacts } from '../../host/facts.ts';
import type { ContainerConfig, HostConfig } from '../config.ts';

export type ApiVersion = readonly [major: number, minor: number];

/** For the body of POST /containers/create, before it is checked. Source: the API's version history. */
export function forVersion(
  config: ContainerConfig,
  hostConfig: HostConfig,
  [, minor]: ApiVersion,
  { cgroup }: Pick<MachineFacts, 'cgroup'>,
): { config: ContainerConfig; hostConfig: HostConfig } {
  const host: HostConfig = { ...hostConfig };
  // Until 1.39 every container could be joined.
  if (minor < 40) host.IpcMode ||= 'shareable';
  if (minor < 41 && cgroup.mode !== 'v2') host.CgroupnsMode ||= 'host';
  if (minor < 42) host.ConsoleSize = undefined;
  else host.KernelMemory = undefined;
  if (minor < 43) host.Annotations = undefined;
  const { Healthcheck: check } = config;
  return { config: minor < 44 && check ? { ...config, Healthcheck: { ...check, StartInterval: undefined } } : config, hostConfig: host };
}
