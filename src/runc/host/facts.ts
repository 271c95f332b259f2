/**
 * What the compiler needs to know of the machine: the facts that change the program. A value, so
 * that a program for any machine can be made anywhere; `probe.ts` reads the facts of this one.
 */
import type { MountFacts } from './mount-facts.ts';

export type CgroupMode = 'v1' | 'v2' | 'hybrid' | 'none';

export interface CgroupFacts {
  mode: CgroupMode;
  /** v1: controller (or `name=systemd`) → mount point. From /proc/self/mountinfo, never from folder names. */
  v1: Record<string, string>;
  /** The cgroup2 mount point, if there is one. */
  v2?: string;
  /** Controllers that the unified hierarchy offers (cgroup.controllers at its root). */
  v2Controllers: string[];
  /** This process's own cgroup in each hierarchy (key '' is v2). From /proc/self/cgroup. */
  own: Record<string, string>;
  /**
   * v1: the deepest folder above the container's cpuset that has CPUs and memory nodes, with its
   * lists. What is made below it starts empty and must get a copy.
   */
  cpuset?: { from: string; cpus: string; mems: string };
  /** Folders above the container's cgroups that are there already. */
  existing?: string[];
  /** v2: the topmost folder above the container's whose controllers this user may switch on; the mount point where it is left out. */
  delegated?: string;
  /** systemd is asked to make the cgroups (`--systemd-cgroup`): what is known of it, or `missing`. */
  systemd?: SystemdFacts | 'missing';
  /** False when this user may not make cgroups (rootless without delegation). */
  writable: boolean;
  /** Hierarchies in which this user may not make the container's folder: v1 controllers, '' for v2. */
  unwritable?: string[];
}

export interface ResctrlFacts {
  /** Where it is mounted. */
  root: string;
  /** Folders below info/: what the processor can share out or measure (`L3`, `MB`, `L3_MON`). */
  info: string[];
  /** What the class that the config names gives (its file `schemata`); undefined where there is no such class yet. */
  schemata?: string;
}

export interface NetDeviceFacts {
  /** Its number (if_nametoindex(3)). */
  index: number;
  /** Its permanent addresses of global scope, to be given to it again after the move. */
  addresses: NetAddress[];
}

export interface NetAddress {
  /** AF_INET or AF_INET6. */
  family: number;
  prefixLength: number;
  /** 4 or 16 bytes, as hexadecimal digits. */
  address: string;
}

/** Of the systemd that is to make the container's cgroups. */
export interface SystemdFacts {
  /** The user's own systemd, not the machine's. */
  user: boolean;
  version: number;
  /** The cgroup of the user's systemd, below which its slices are; '' for the machine's. */
  controlGroup: string;
  /** v1 controller → the folder in its hierarchy below which the slices are. */
  below: Record<string, string>;
  /** `c 136` → `char-pts`: the drivers' names of /proc/devices. */
  deviceGroups: Record<string, string>;
  /** Paths of systemd's programs. */
  busctl: string;
  systemctl: string;
}

export type FileKind = 'file' | 'dir' | 'char' | 'block' | 'other' | 'missing';

export interface Host {
  arch: 'x64' | 'arm64';
  /** Kernel version as [major, minor]. */
  kernel: [number, number];
  uid: number;
  gid: number;
  /** We are in a user namespace ourselves: uid 0 is not the machine's root then. */
  inUserNamespace?: boolean;
  /** In this user namespace setgroups(2) has been given up for good (user_namespaces(7)). */
  setgroupsDenied?: boolean;
  /** Bounding capability set of this process, as a bit mask. */
  bounding: bigint;
  /** Number of the last capability that the kernel knows. */
  lastCapability: number;
  cgroup: CgroupFacts;
  /** What lies at the paths that the config names: bind sources, device nodes, paths below /proc and /sys. */
  files: Record<string, FileKind>;
  /**
   * Mount destinations that go through a link of the image → where they lead inside the rootfs. Needed only to make
   * what a dangling link points to; every place is still opened with RESOLVE_IN_ROOT.
   */
  links?: Record<string, string>;
  /** What the config's mounts meet. */
  mounts?: MountFacts;
  /** Hard limits of this process, by RLIMIT name; Infinity for unlimited. */
  rlimits: Record<string, number>;
  /** The programs that map more than one id for an ordinary user, where they are installed. */
  newuidmap?: string;
  newgidmap?: string;
  /** AppArmor is switched on. */
  apparmor?: boolean;
  /** SELinux is switched on. */
  selinux?: boolean;
  /** The resctrl file system, where the config asks for intelRdt and the machine has one mounted. */
  resctrl?: ResctrlFacts;
  /** The interfaces of the host that the config moves into the container; those that do not exist are left out. */
  netDevices?: Record<string, NetDeviceFacts>;
  /** The seccomp filter of the config, compiled by libseccomp; undefined where that is not possible. */
  seccompFilter?: Uint8Array;
}

/** Kernel is at least major.minor. */
export const kernelAtLeast = (host: Host, major: number, minor: number): boolean =>
  host.kernel[0] > major || (host.kernel[0] === major && host.kernel[1] >= minor);

/** The facts of a recent, ordinary machine: for `explain` where there is no Linux to ask. */
export const TYPICAL_HOST: Host = {
  arch: 'x64',
  kernel: [6, 1],
  uid: 0,
  gid: 0,
  bounding: (1n << 41n) - 1n,
  lastCapability: 40,
  cgroup: {
    mode: 'v2',
    v1: {},
    v2: '/sys/fs/cgroup',
    v2Controllers: ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids'],
    own: { '': '/' },
    writable: true,
  },
  files: {},
  rlimits: {},
};
