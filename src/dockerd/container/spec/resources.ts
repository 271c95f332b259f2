/** The limits of a container, as `linux.resources` has them. Zero is "says nothing", as everywhere in HostConfig. */
import type { BlockIO, Resources, Throttle } from '../../../runc/spec/config.ts';
import { CPU_PERIOD } from '../../../runc/spec/default-config.ts';
import { badRequest } from '../../http/api-error.ts';
import type { HostConfig } from '../config.ts';
import type { HostDevices } from './devices.ts';

/** Only what is set; undefined where nothing is. */
function given<T extends object>(values: T): T | undefined {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return entries.length > 0 ? (Object.fromEntries(entries) as T) : undefined;
}

const positive = (value: number | undefined): number | undefined => (value !== undefined && value > 0 ? value : undefined);

function cpu(config: HostConfig): Resources['cpu'] {
  const { NanoCpus = 0 } = config;
  return given({
    shares: config.CpuShares || undefined,
    quota: config.CpuQuota || (NanoCpus > 0 ? Math.floor((NanoCpus * CPU_PERIOD) / 1e9) : undefined),
    period: config.CpuPeriod || (NanoCpus > 0 ? CPU_PERIOD : undefined),
    realtimeRuntime: config.CpuRealtimeRuntime || undefined,
    realtimePeriod: config.CpuRealtimePeriod || undefined,
    cpus: config.CpusetCpus || undefined,
    mems: config.CpusetMems || undefined,
  });
}

function numbers(path: string, devices: HostDevices): { major: number; minor: number } {
  const [device] = devices[path] ?? [];
  if (device?.major === undefined || device.minor === undefined)
    throw badRequest(`stat ${path}: ${devices[path] ? 'not a device node' : 'no such file or directory'}`);
  return { major: device.major, minor: device.minor };
}

function blockIO(config: HostConfig, devices: HostDevices): BlockIO | undefined {
  const throttled = (list: HostConfig['BlkioDeviceReadBps']): Throttle[] | undefined =>
    list?.length ? list.map(({ Path, Rate = 0 }) => ({ ...numbers(Path, devices), rate: Rate })) : undefined;
  return given({
    weight: config.BlkioWeight || undefined,
    weightDevice: config.BlkioWeightDevice?.length
      ? config.BlkioWeightDevice.map(({ Path, Weight = 0 }) => ({ ...numbers(Path, devices), weight: Weight }))
      : undefined,
    throttleReadBpsDevice: throttled(config.BlkioDeviceReadBps),
    throttleWriteBpsDevice: throttled(config.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: throttled(config.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: throttled(config.BlkioDeviceWriteIOps),
  });
}

/**
 * All but the device rules.
 * @param devices for the numbers of block devices
 * @throws 400 for a block device that is not there
 */
export function resourcesOf(config: HostConfig, devices: HostDevices): Resources {
  const { PidsLimit } = config;
  return (
    given({
      memory: given({
        limit: positive(config.Memory),
        reservation: positive(config.MemoryReservation),
        // -1, no limit, is what a cgroup begins with.
        swap: positive(config.MemorySwap),
        // The CLI says -1 for "as it is".
        swappiness: config.MemorySwappiness === -1 ? undefined : config.MemorySwappiness,
        disableOOMKiller: config.OomKillDisable || undefined,
      }),
      cpu: cpu(config),
      pids: PidsLimit === undefined ? undefined : { limit: PidsLimit > 0 ? PidsLimit : -1 },
      blockIO: blockIO(config, devices),
    }) ?? {}
  );
}
