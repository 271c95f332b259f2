/** With whom a container shares its namespaces, and what then makes no sense. */
import { badRequest, notImplemented } from '../../http/api-error.ts';
import type { ContainerConfig, HostConfig } from '../config.ts';
import { containerOf, isHost } from './modes.ts';

const isValid = (mode: string | undefined, words: readonly string[], containers = false): boolean =>
  (mode ?? '') === '' || words.includes(mode as string) || (containers && (containerOf(mode) ?? '') !== '');

/** @throws ApiError 400 in Docker's words */
export function checkModes(config: ContainerConfig, hostConfig: HostConfig): void {
  const { NetworkMode, IpcMode, PidMode, UTSMode, UsernsMode, CgroupnsMode, Isolation } = hostConfig;
  checkNetworkMode(config, hostConfig);
  if (isHost(UTSMode) && config.Hostname) throw badRequest('conflicting options: hostname and the UTS mode');
  if (isHost(NetworkMode) && hostConfig.Links?.length)
    throw badRequest("conflicting options: host type networking can't be used with links. This would result in undefined behavior");
  if (hostConfig.Links?.length) throw notImplemented('links need a bridge network, which this daemon does not have yet');
  if (!isValid(Isolation, ['default'])) throw badRequest(`invalid isolation (${Isolation}): linux only supports 'default'`);
  if (!isValid(IpcMode, ['none', 'private', 'shareable', 'host'], true)) throw badRequest(`invalid IPC mode: ${IpcMode}`);
  if (!isValid(PidMode, ['host'], true)) throw badRequest(`invalid PID mode: ${PidMode}`);
  if (!isValid(UTSMode, ['host'])) throw badRequest(`invalid UTS mode: ${UTSMode}`);
  if (!isValid(CgroupnsMode, ['private', 'host'])) throw badRequest(`invalid cgroup namespace mode: ${CgroupnsMode}`);
  if (!isValid(UsernsMode, ['host']))
    throw badRequest(`invalid user namespace mode: ${UsernsMode}: this daemon maps no user ids; leave it out, or say host`);
}

function checkNetworkMode(config: ContainerConfig, hostConfig: HostConfig): void {
  const { NetworkMode } = hostConfig;
  const other = containerOf(NetworkMode);
  if (other === undefined && NetworkMode !== 'container') return;
  const conflict = (what: string) => badRequest(`conflicting options: ${what}`);
  if (!other) throw badRequest('invalid network mode: invalid container format container:<name|id>');
  if (config.Hostname) throw conflict('hostname and the network mode');
  if (hostConfig.Links?.length) throw conflict("container type network can't be used with links. This would result in undefined behavior");
  if (hostConfig.Dns?.length) throw conflict('dns and the network mode');
  if (hostConfig.ExtraHosts?.length) throw conflict('custom host-to-IP mapping and the network mode');
  if (Object.keys(hostConfig.PortBindings ?? {}).length || hostConfig.PublishAllPorts)
    throw conflict('port publishing and the container type network mode');
  if (Object.keys(config.ExposedPorts ?? {}).length) throw conflict('port exposing and the container type network mode');
}
