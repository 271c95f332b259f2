/** What of the machine changes what a container can be given. A value, so that what follows from it is pure. */
import type { CgroupMode } from '../../runc/host/facts.ts';

/** Which limits the kernel keeps; the names are those of `docker info` and of Docker's warnings. */
export interface KernelSupport {
  memory: boolean;
  swap: boolean;
  memoryReservation: boolean;
  memorySwappiness: boolean;
  oomKillDisable: boolean;
  cpuShares: boolean;
  /** Quotas and periods: CONFIG_CFS_BANDWIDTH. */
  cpuCfs: boolean;
  cpuRealtime: boolean;
  cpuset: boolean;
  pids: boolean;
  blkioWeight: boolean;
  blkioWeightDevice: boolean;
  /** Limits of bytes and of operations a second. */
  blkioThrottle: boolean;
  cgroupNamespaces: boolean;
  seccomp: boolean;
  apparmor: boolean;
  selinux: boolean;
}

export interface MachineFacts {
  arch: 'x64' | 'arm64';
  kernel: readonly [major: number, minor: number];
  hostname: string;
  cpuCount: number;
  /** CPUs and memory nodes that containers can be bound to: `0-3`. */
  cpus: string;
  mems: string;
  cgroup: { mode: CgroupMode; driver: 'cgroupfs' | 'systemd' };
  support: KernelSupport;
  /** Names of the capabilities that this daemon has and can pass on. */
  capabilities: readonly string[];
  /** Hard limits by RLIMIT name that this daemon cannot raise; empty where it can raise them (CAP_SYS_RESOURCE). */
  hardLimits: Readonly<Record<string, number>>;
  /** The small init of --init, on this machine. */
  initPath: string;
}
