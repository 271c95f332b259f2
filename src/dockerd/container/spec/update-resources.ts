/** `docker update`: new limits for a container, which may be running. */
import type { Resources } from '../../../runc/spec/config.ts';
import type { MachineFacts } from '../../host/facts.ts';
import { type ApiError, conflict } from '../../http/api-error.ts';
import type { HostConfig, UpdateRequest } from '../config.ts';
import type { ContainerRecord } from '../record.ts';
import { checkResources } from './check-resources.ts';
import type { HostDevices } from './devices.ts';
import { resourcesOf } from './resources.ts';
import { checkRestartPolicy, restarts } from './restart-policy.ts';

export interface Updated {
  /** The container's, with what was asked on top. */
  hostConfig: HostConfig;
  /** Only what was asked: for containerd's tasks.update, when the container runs. */
  resources: Resources;
  warnings: string[];
}

/** Of HostConfig; 0, '' and what is left out stay as they are. */
// biome-ignore format: a table
const FIELDS = [
  'BlkioWeight', 'BlkioWeightDevice', 'BlkioDeviceReadBps', 'BlkioDeviceWriteBps', 'BlkioDeviceReadIOps',
  'BlkioDeviceWriteIOps', 'CpuShares', 'NanoCpus', 'CpuPeriod', 'CpuQuota', 'CpusetCpus', 'CpusetMems', 'Memory',
  'MemorySwap', 'MemoryReservation', 'CpuRealtimePeriod', 'CpuRealtimeRuntime', 'PidsLimit',
] as const;

const asks = (value: unknown): boolean => value !== undefined && value !== 0 && value !== '';

/** What goes with the new limits and not with those that the container has. */
function conflicts(now: HostConfig, asked: HostConfig): string | undefined {
  const has = (config: HostConfig, field: 'NanoCpus' | 'CpuPeriod' | 'CpuQuota') => (config[field] ?? 0) > 0;
  if (has(asked, 'NanoCpus') && has(now, 'CpuPeriod'))
    return 'Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set';
  if (has(asked, 'NanoCpus') && has(now, 'CpuQuota'))
    return 'Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set';
  if (has(asked, 'CpuPeriod') && has(now, 'NanoCpus'))
    return 'Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set';
  if (has(asked, 'CpuQuota') && has(now, 'NanoCpus'))
    return 'Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set';
  const { MemorySwap: swap = 0 } = now;
  // No limit of swap, -1, is in nobody's way.
  if (swap !== -1 && (asked.Memory ?? 0) > swap && !asked.MemorySwap)
    return 'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time';
  return undefined;
}

/**
 * @param devices for the numbers of block devices that the request names (readHostDevices)
 * @throws ApiError 400 for limits that make no sense, 409 for those that do not go with the container's
 */
export function updateResources(
  { Id, HostConfig: now }: Pick<ContainerRecord, 'Id' | 'HostConfig'>,
  request: UpdateRequest,
  facts: MachineFacts,
  devices: HostDevices = {},
): Updated {
  const { RestartPolicy: policy, ...limits } = request;
  if (policy) checkRestartPolicy(policy);
  const { hostConfig: asked, warnings } = checkResources(limits, facts, true);
  const reason = conflicts(now, asked);
  const refuse = (why: string): ApiError => conflict(`Cannot update container ${Id}: ${why}`);
  if (reason !== undefined) throw refuse(reason);
  if (restarts(policy) && now.AutoRemove) throw refuse('Restart policy cannot be updated because AutoRemove is enabled for the container');
  const changed = Object.fromEntries(FIELDS.filter((field) => asks(asked[field])).map((field) => [field, asked[field]]));
  const hostConfig: HostConfig = { ...now, ...changed };
  // 0 and -1 both take the limit away.
  if (asked.PidsLimit !== undefined) hostConfig.PidsLimit = asked.PidsLimit > 0 ? asked.PidsLimit : undefined;
  if (policy?.Name) hostConfig.RestartPolicy = { Name: policy.Name, MaximumRetryCount: policy.MaximumRetryCount ?? 0 };
  const { memory, ...rest } = resourcesOf({ ...(changed as HostConfig), PidsLimit: asked.PidsLimit }, devices);
  // A cgroup begins without a limit of swap, a container that runs may have one to lose.
  const swap = asked.MemorySwap === -1 && facts.support.swap ? { swap: -1 } : undefined;
  return { hostConfig, resources: { ...rest, ...(memory || swap ? { memory: { ...memory, ...swap } } : {}) }, warnings };
}
