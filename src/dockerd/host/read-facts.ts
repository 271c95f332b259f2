/** Reads what {@link MachineFacts} says of this machine; once, when the daemon starts. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, hostname, release } from 'node:os';
import { join } from 'node:path';
import { pid1BinaryPath } from '../../runc/engine/installed.ts';
import { boundingCapabilities } from '../../runc/host/bounding.ts';
import { readCgroupFacts } from '../../runc/host/cgroup-facts.ts';
import type { CgroupFacts } from '../../runc/host/facts.ts';
import { hardLimits, kernelVersion } from '../../runc/host/probe.ts';
import { apparmorEnabled, selinuxEnabled } from '../../runc/host/security-modules.ts';
import type { KernelSupport, MachineFacts } from './facts.ts';

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
};

const some = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/** Version 1: a limit can be kept where its file is. */
function supportV1({ v1 }: CgroupFacts): Omit<KernelSupport, 'cgroupNamespaces' | 'seccomp' | 'apparmor' | 'selinux'> {
  const has = (controller: string, file: string) => v1[controller] !== undefined && existsSync(join(v1[controller], file));
  // Files of blkio bear the name of what keeps them: CFQ once, BFQ or the core of the block layer now.
  const weight = has('blkio', 'blkio.weight') || has('blkio', 'blkio.bfq.weight');
  return {
    memory: has('memory', 'memory.limit_in_bytes'),
    swap: has('memory', 'memory.memsw.limit_in_bytes'),
    memoryReservation: has('memory', 'memory.soft_limit_in_bytes'),
    memorySwappiness: has('memory', 'memory.swappiness'),
    oomKillDisable: has('memory', 'memory.oom_control'),
    cpuShares: has('cpu', 'cpu.shares'),
    cpuCfs: has('cpu', 'cpu.cfs_quota_us'),
    cpuRealtime: has('cpu', 'cpu.rt_period_us'),
    cpuset: v1.cpuset !== undefined,
    pids: v1.pids !== undefined,
    blkioWeight: weight,
    blkioWeightDevice: has('blkio', 'blkio.weight_device') || has('blkio', 'blkio.bfq.weight_device'),
    blkioThrottle: has('blkio', 'blkio.throttle.read_bps_device'),
  };
}

/** The root of the hierarchy has no limits: there the kernel's list of swap areas tells whether it knows swap at all. */
const hasSwapLimit = (own: string): boolean =>
  existsSync(join(own, 'cgroup.type')) ? existsSync(join(own, 'memory.swap.max')) : existsSync('/proc/swaps');

/** Version 2: what the controllers of the root offer. It knows neither swappiness nor an OOM killer that is switched off. */
function supportV2({ v2, v2Controllers, own }: CgroupFacts): ReturnType<typeof supportV1> {
  const has = (controller: string) => v2Controllers.includes(controller);
  return {
    memory: has('memory'),
    swap: has('memory') && hasSwapLimit(join(v2 ?? '', own[''] ?? '/')),
    memoryReservation: has('memory'),
    memorySwappiness: false,
    oomKillDisable: false,
    cpuShares: has('cpu'),
    cpuCfs: has('cpu'),
    cpuRealtime: false,
    cpuset: has('cpuset'),
    pids: has('pids'),
    blkioWeight: has('io'),
    blkioWeightDevice: has('io'),
    blkioThrottle: has('io'),
  };
}

/** Numbers of CPUs or memory nodes, as the kernel lists them. */
const listed = (path: string, otherwise: string): string => read(path) || otherwise;

export function readMachineFacts(): MachineFacts {
  const cgroup = readCgroupFacts();
  const capabilities = boundingCapabilities();
  const cpuCount = availableParallelism();
  const limits = cgroup.mode === 'v2' ? supportV2(cgroup) : supportV1(cgroup);
  const cpuset = cgroup.v1.cpuset;
  return {
    arch: process.arch === 'arm64' ? 'arm64' : 'x64',
    kernel: kernelVersion(release()),
    hostname: hostname(),
    cpuCount,
    cpus: listed(cpuset ? join(cpuset, 'cpuset.cpus') : '/sys/devices/system/cpu/online', `0-${cpuCount - 1}`),
    mems: listed(cpuset ? join(cpuset, 'cpuset.mems') : '/sys/devices/system/node/online', '0'),
    cgroup: { mode: cgroup.mode, driver: 'cgroupfs' },
    support: {
      ...limits,
      cgroupNamespaces: some('/proc/self/ns').includes('cgroup'),
      seccomp: existsSync('/proc/sys/kernel/seccomp/actions_avail'),
      apparmor: apparmorEnabled(),
      selinux: selinuxEnabled(),
    },
    capabilities,
    hardLimits: capabilities.includes('CAP_SYS_RESOURCE') ? {} : hardLimits(read('/proc/self/limits')),
    initPath: pid1BinaryPath(),
  };
}
