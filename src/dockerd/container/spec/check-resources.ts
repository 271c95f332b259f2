/** Limits: which make no sense, and which this kernel does not keep. The texts are Docker's: scripts look for them. */
import type { KernelSupport, MachineFacts } from '../../host/facts.ts';
import { badRequest } from '../../http/api-error.ts';
import type { HostConfig } from '../config.ts';
import { checkCpuset } from './cpuset.ts';

/** A container needs some to start at all. */
const LEAST_MEMORY = 6 << 20;

export interface CheckedResources {
  /** Without the limits that this kernel does not keep. */
  hostConfig: HostConfig;
  warnings: string[];
}

/** Collects what is discarded, on a copy. */
interface Draft {
  config: HostConfig;
  warnings: string[];
  support: KernelSupport;
}

function memory({ config, warnings, support }: Draft, update: boolean): void {
  // The CLI's "as it is".
  if (config.MemorySwappiness === -1) config.MemorySwappiness = undefined;
  const { Memory = 0 } = config;
  if (Memory !== 0 && Memory < LEAST_MEMORY) throw badRequest('Minimum memory limit allowed is 6MB');
  if (Memory > 0 && !support.memory) {
    warnings.push('Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.');
    Object.assign(config, { Memory: 0, MemorySwap: -1 });
  }
  if ((config.Memory ?? 0) > 0 && config.MemorySwap !== -1 && !support.swap) {
    warnings.push('Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.');
    config.MemorySwap = -1;
  }
  const { Memory: limit = 0, MemorySwap: swap = 0, MemoryReservation: reservation = 0, MemorySwappiness: swappiness } = config;
  if (limit > 0 && swap > 0 && swap < limit) throw badRequest('Minimum memoryswap limit should be larger than memory limit, see usage');
  if (limit === 0 && swap > 0 && !update) throw badRequest('You should always set the Memory limit when using Memoryswap limit, see usage');
  if (swappiness !== undefined && !support.memorySwappiness) {
    warnings.push('Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness discarded.');
    config.MemorySwappiness = undefined;
  } else if (swappiness !== undefined && (swappiness < 0 || swappiness > 100)) {
    throw badRequest(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  if (reservation > 0 && !support.memoryReservation) {
    warnings.push('Your kernel does not support memory soft limit capabilities or the cgroup is not mounted. Limitation discarded.');
    config.MemoryReservation = 0;
  } else if (reservation > 0) {
    if (reservation < LEAST_MEMORY) throw badRequest('Minimum memory reservation allowed is 6MB');
    if (limit > 0 && limit < reservation) throw badRequest('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  // Linux 5.4 gave it up, and later kernels refuse to set it.
  if ((config.KernelMemory ?? 0) > 0) {
    warnings.push('Your kernel does not support kernel memory limit capabilities or the cgroup is not mounted. Limitation discarded.');
    config.KernelMemory = 0;
  }
  oomKiller({ config, warnings, support });
}

function oomKiller({ config, warnings, support }: Draft): void {
  if (config.OomKillDisable === undefined) return;
  if (!support.oomKillDisable) {
    if (config.OomKillDisable) warnings.push('Your kernel does not support OomKillDisable. OomKillDisable discarded.');
    config.OomKillDisable = undefined;
  } else if (config.OomKillDisable && !config.Memory) {
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    );
  }
}

function cpu({ config, warnings, support }: Draft, facts: MachineFacts): void {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, CpuShares = 0, CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0 } = config;
  if ((CpuRealtimePeriod !== 0 || CpuRealtimeRuntime !== 0) && !support.cpuRealtime)
    throw badRequest('kernel does not support CPU real-time scheduler');
  if (CpuRealtimePeriod !== 0 && CpuRealtimeRuntime > CpuRealtimePeriod)
    throw badRequest('cpu real-time runtime cannot be higher than cpu real-time period');
  if (NanoCpus > 0 && CpuPeriod > 0) throw badRequest('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (NanoCpus > 0 && CpuQuota > 0) throw badRequest('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (NanoCpus > 0 && !support.cpuCfs)
    throw badRequest('NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted');
  if (NanoCpus < 0 || NanoCpus > facts.cpuCount * 1e9) {
    throw badRequest(`Range of CPUs is from 0.01 to ${facts.cpuCount}.00, as there are only ${facts.cpuCount} CPUs available`);
  }
  if (CpuShares < 0) throw badRequest(`invalid CPU shares (${CpuShares}): value must be a positive integer`);
  if (CpuShares > 0 && !support.cpuShares) {
    warnings.push('Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.');
    config.CpuShares = 0;
  }
  if ((CpuPeriod !== 0 || CpuQuota !== 0) && !support.cpuCfs) {
    warnings.push('Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.');
    Object.assign(config, { CpuPeriod: 0, CpuQuota: 0 });
  } else {
    if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000))
      throw badRequest('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
    if (CpuQuota > 0 && CpuQuota < 1000) throw badRequest('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
  if ((config.CpusetCpus || config.CpusetMems) && !support.cpuset) {
    warnings.push('Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.');
    Object.assign(config, { CpusetCpus: '', CpusetMems: '' });
  }
  checkCpuset(config.CpusetCpus, facts.cpus, 'cpus');
  checkCpuset(config.CpusetMems, facts.mems, 'mems');
}

/** What the kernel keeps of block devices: the field, whether it does, and the warning where it does not. */
const BLOCK_LIMITS = (support: KernelSupport) =>
  [
    ['BlkioWeightDevice', support.blkioWeightDevice, 'Block I/O weight_device', 'Weight-device'],
    ['BlkioDeviceReadBps', support.blkioThrottle, 'BPS Block I/O read limit', 'Block I/O BPS read limit'],
    ['BlkioDeviceWriteBps', support.blkioThrottle, 'BPS Block I/O write limit', 'Block I/O BPS write limit'],
    ['BlkioDeviceReadIOps', support.blkioThrottle, 'IOPS Block read limit', 'Block I/O IOPS read limit'],
    ['BlkioDeviceWriteIOps', support.blkioThrottle, 'IOPS Block write limit', 'Block I/O IOPS write limit'],
  ] as const;

function blockDevices({ config, warnings, support }: Draft): void {
  const { BlkioWeight = 0 } = config;
  if (BlkioWeight > 0 && !support.blkioWeight) {
    warnings.push('Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.');
    config.BlkioWeight = 0;
  } else if (BlkioWeight !== 0 && (BlkioWeight < 10 || BlkioWeight > 1000)) {
    throw badRequest('Range of blkio weight is from 10 to 1000');
  }
  for (const [field, kept, what, discarded] of BLOCK_LIMITS(support)) {
    if (!config[field]?.length || kept) continue;
    warnings.push(`Your kernel does not support ${what} or the cgroup is not mounted. ${discarded} discarded.`);
    config[field] = [];
  }
}

/**
 * @param update of a container that there is: what is left out stays as it is
 * @throws ApiError 400
 */
export function checkResources(hostConfig: HostConfig, facts: MachineFacts, update = false): CheckedResources {
  const draft: Draft = { config: { ...hostConfig }, warnings: [], support: facts.support };
  memory(draft, update);
  if (draft.config.PidsLimit !== undefined && !facts.support.pids) {
    if (draft.config.PidsLimit > 0)
      draft.warnings.push('Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.');
    draft.config.PidsLimit = undefined;
  }
  cpu(draft, facts);
  blockDevices(draft);
  return { hostConfig: draft.config, warnings: draft.warnings };
}
