/** What can be known to be wrong with a container before it is made, and what its config comes to. */
import { isIP } from 'node:net';
import type { MachineFacts } from '../../host/facts.ts';
import { badRequest } from '../../http/api-error.ts';
import type { DaemonOptions } from '../../options.ts';
import type { ContainerConfig, HostConfig } from '../config.ts';
import { capabilityNames, capabilityWarnings } from './capabilities.ts';
import { checkConfig } from './check-config.ts';
import { checkModes } from './check-modes.ts';
import { checkResources } from './check-resources.ts';
import { withDefaults } from './defaults.ts';
import { cgroupRule } from './devices.ts';
import { isHost } from './modes.ts';
import { oomScoreWarnings } from './oom-score.ts';
import { checkPortBindings } from './ports.ts';
import { checkRestartPolicy, restarts } from './restart-policy.ts';
import { checkUlimits, rlimitWarnings } from './rlimits.ts';
import { parseSecurityOptions } from './security-options.ts';
import { checkSysctls } from './sysctls.ts';
import { tmpfsMount } from './tmpfs.ts';

export interface CheckedCreate {
  /** The working directory cleaned. */
  config: ContainerConfig;
  /** With defaults in, and without what this kernel cannot keep: what `inspect` shows, and what ociConfig wants. */
  hostConfig: HostConfig;
  /** For the answer to the client, which shows them. */
  warnings: string[];
}

export type CreateOptions = Pick<DaemonOptions, 'defaultShmSize' | 'defaultRuntime' | 'logDriver' | 'logOptions'>;

/**
 * Before mergeImage: what an image says was checked by who made it, and is in nobody's way. That there is such a
 * runtime, network or container is for others to say.
 * @throws ApiError 400 in Docker's words; 501 for what this daemon does not do
 */
export function checkCreate(config: ContainerConfig, hostConfig: HostConfig, facts: MachineFacts, options: CreateOptions): CheckedCreate {
  const checked = checkConfig(config);
  checkModes(config, hostConfig);
  checkHost(hostConfig, facts);
  const limits = checkResources(hostConfig, facts);
  const complete = withDefaults(limits.hostConfig, facts, options);
  const warnings = [
    ...limits.warnings,
    ...capabilityWarnings(hostConfig, facts),
    ...rlimitWarnings(hostConfig, facts),
    ...oomScoreWarnings(hostConfig, facts),
  ];
  if (isHost(hostConfig.NetworkMode) && Object.keys(hostConfig.PortBindings ?? {}).length)
    warnings.push('Published ports are discarded when using host network mode');
  if (hostConfig.CgroupnsMode === 'private' && !facts.support.cgroupNamespaces)
    warnings.push('Your kernel does not support cgroup namespaces.  Cgroup namespace setting discarded.');
  return { config: checked, hostConfig: complete, warnings };
}

function checkHost(hostConfig: HostConfig, facts: MachineFacts): void {
  const {
    RestartPolicy = {},
    ExtraHosts = [],
    PortBindings = {},
    Annotations = {},
    StorageOpt = {},
    ShmSize = 0,
    OomScoreAdj = 0,
  } = hostConfig;
  if (hostConfig.AutoRemove && restarts(RestartPolicy)) throw badRequest("can't create 'AutoRemove' container with restart policy");
  for (const entry of ExtraHosts) checkExtraHost(entry);
  for (const address of hostConfig.Dns ?? []) if (!isIP(address)) throw badRequest(`invalid IP address: ${address}`);
  checkPortBindings(PortBindings);
  checkRestartPolicy(RestartPolicy);
  capabilityNames(hostConfig.CapAdd ?? [], 'CapAdd');
  capabilityNames(hostConfig.CapDrop ?? [], 'CapDrop');
  if ('' in Annotations) throw badRequest('invalid Annotations: the empty string is not permitted as an annotation key');
  if (ShmSize < 0) throw badRequest('SHM size can not be less than 0');
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000) throw badRequest(`Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  if (facts.cgroup.driver === 'systemd' && hostConfig.CgroupParent && !/^.+\.slice$/.test(hostConfig.CgroupParent))
    throw badRequest('cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"');
  if (Object.keys(StorageOpt).length) throw badRequest("--storage-opt is supported only for overlay over xfs with 'pquota' mount option");
  checkSysctls(hostConfig);
  for (const request of hostConfig.DeviceRequests ?? []) checkDeviceRequest(request);
  for (const rule of hostConfig.DeviceCgroupRules ?? []) cgroupRule(rule);
  checkUlimits(hostConfig.Ulimits ?? []);
  parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  for (const [path, words] of Object.entries(hostConfig.Tmpfs ?? {})) checkTmpfs(path, words);
}

/** `name:address`; `host-gateway` stands for the host's address. */
function checkExtraHost(entry: string): void {
  const [, name = '', address = ''] = /^([^:]*):(.*)$/.exec(entry) ?? [];
  if (name === '') throw badRequest(`bad format for add-host: ${JSON.stringify(entry)}`);
  if (address !== 'host-gateway' && !isIP(address.replace(/^\[(.*)\]$/, '$1')))
    throw badRequest(`invalid IP address in add-host: ${JSON.stringify(address)}`);
}

/** `--gpus` and the like: there is no driver. As Go prints lists of lists. */
function checkDeviceRequest(request: Record<string, unknown>): void {
  const lists = Array.isArray(request.Capabilities) ? (request.Capabilities as unknown[]) : [];
  const shown = lists.map((list) => `[${Array.isArray(list) ? list.join(' ') : String(list)}]`).join(' ');
  throw badRequest(`could not select device driver ${JSON.stringify(request.Driver ?? '')} with capabilities: [${shown}]`);
}

function checkTmpfs(path: string, words: string): void {
  if (!path.startsWith('/')) throw badRequest(`invalid mount path: '${path}' mount path must be absolute`);
  if (/^\/+$/.test(path)) throw badRequest("invalid specification: destination can't be '/'");
  tmpfsMount(path, words);
}
