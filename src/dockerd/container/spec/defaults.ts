/** What a HostConfig says that says nothing: dockerd's defaults, which `inspect` shows. */
import { MASKED_PATHS, READONLY_PATHS } from '../../../runc/spec/default-config.ts';
import type { MachineFacts } from '../../host/facts.ts';
import type { DaemonOptions } from '../../options.ts';
import type { HostConfig } from '../config.ts';
import { logConfigOf } from '../logs/drivers.ts';
import { isHost } from './modes.ts';

/** Its own on version 2. On version 1 the host's, as Docker has it: programs there look for their cgroup by its full path. */
const cgroupns = ({ cgroup: { mode } }: Pick<MachineFacts, 'cgroup'>): string => (mode === 'v2' ? 'private' : 'host');

/** With the host's processes or memory in view, or without bounds, SELinux labels would only be in the way. Docker says so in HostConfig. */
function securityOptions({ SecurityOpt = [], IpcMode, PidMode, Privileged }: HostConfig): string[] | undefined {
  const free = Privileged || isHost(IpcMode) || isHost(PidMode);
  if (!free || SecurityOpt.some((option) => option.startsWith('label'))) return SecurityOpt.length ? SecurityOpt : undefined;
  return [...SecurityOpt, 'label=disable'];
}

export function withDefaults(
  hostConfig: HostConfig,
  facts: Pick<MachineFacts, 'cgroup' | 'support'>,
  options: Pick<DaemonOptions, 'defaultShmSize' | 'defaultRuntime' | 'logDriver' | 'logOptions'>,
): HostConfig {
  const { Memory = 0, MemorySwap = 0, LogConfig, Privileged } = hostConfig;
  return {
    ...hostConfig,
    // As much swap as memory.
    ...(Memory > 0 && MemorySwap === 0 ? { MemorySwap: Memory * 2 } : {}),
    ShmSize: hostConfig.ShmSize || options.defaultShmSize,
    IpcMode: hostConfig.IpcMode || 'private',
    CgroupnsMode: hostConfig.CgroupnsMode || cgroupns(facts),
    RestartPolicy: { Name: hostConfig.RestartPolicy?.Name || 'no', MaximumRetryCount: hostConfig.RestartPolicy?.MaximumRetryCount ?? 0 },
    SecurityOpt: securityOptions(hostConfig),
    Runtime: hostConfig.Runtime || options.defaultRuntime,
    LogConfig: logConfigOf(LogConfig, { Type: options.logDriver, Config: options.logOptions }),
    OomKillDisable: hostConfig.OomKillDisable ?? (facts.support.oomKillDisable ? false : undefined),
    // The CLI says 0 and -1 for "no limit".
    PidsLimit: (hostConfig.PidsLimit ?? 0) > 0 ? hostConfig.PidsLimit : undefined,
    ...(Privileged
      ? {}
      : { MaskedPaths: hostConfig.MaskedPaths ?? [...MASKED_PATHS], ReadonlyPaths: hostConfig.ReadonlyPaths ?? [...READONLY_PATHS] }),
  };
}
