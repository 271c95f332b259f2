/** A machine and a daemon for tests of what a container's config comes to. */
import type { MachineFacts } from '../../../src/dockerd/host/facts.ts';
import { CAPABILITIES } from '../../../src/libc/capabilities.ts';

export const FACTS: MachineFacts = {
  arch: 'x64',
  kernel: [6, 1],
  hostname: 'thishost',
  cpuCount: 2,
  cpus: '0-1',
  mems: '0',
  cgroup: { mode: 'hybrid', driver: 'cgroupfs' },
  support: {
    memory: true,
    swap: true,
    memoryReservation: true,
    memorySwappiness: true,
    oomKillDisable: true,
    cpuShares: true,
    cpuCfs: true,
    cpuRealtime: false,
    cpuset: true,
    pids: true,
    blkioWeight: true,
    blkioWeightDevice: true,
    blkioThrottle: true,
    cgroupNamespaces: true,
    seccomp: true,
    apparmor: false,
    selinux: false,
  },
  capabilities: CAPABILITIES.filter((name) => name !== 'CAP_SYS_RESOURCE'),
  hardLimits: { RLIMIT_NOFILE: 20000 },
  initPath: '/opt/pid1',
};

export const OPTIONS = {
  cgroupParent: '',
  defaultUlimits: [],
  init: false,
  defaultShmSize: 64 << 20,
  defaultRuntime: 'minirun',
  runtimes: {},
  logDriver: 'json-file',
  logOptions: {},
};
