/** What of the machine and of the rootfs changes the config that a command line means. */
import type { CgroupMode } from '../runc/host/facts.ts';
import type { Config, Device } from '../runc/spec/config.ts';

export interface IdRange {
  start: number;
  size: number;
}

export interface Facts {
  /** The container's id. */
  id: string;
  /** Absolute path of the root file system. */
  rootfs: string;
  /** Texts of the rootfs's /etc/passwd and /etc/group; '' when it has none. */
  passwd: string;
  group: string;
  /** The person who runs minirun. */
  uid: number;
  gid: number;
  /** Ids that this person may give to a container besides its own (subuid(5)). */
  subUids?: IdRange | undefined;
  subGids?: IdRange | undefined;
  cgroup: { mode: CgroupMode; writable: boolean };
  arch: 'x64' | 'arm64';
  kernel: readonly [major: number, minor: number];
  /** Names of the capabilities that minirun has and can pass on. */
  bounding: string[];
  cpuCount: number;
  /** Name of this machine, for a container that shares it. */
  hostname: string;
  /** The folder against which typed paths are resolved. */
  cwd: string;
  env: Record<string, string | undefined>;
  /** Texts of the --env-file and --security-opt seccomp= files, by the name typed. */
  files: Record<string, string>;
  /** The running containers that `container:NAME` names. */
  containers: Record<string, { pid: number; userNamespace: boolean }>;
  /** Device nodes at the paths of --device (several for a folder), and for --privileged under ''. */
  devices: Record<string, Device[]>;
  /** The config of --config, checked. */
  base?: Config | undefined;
  /** The small init of --init, on this machine. */
  pid1Path: string;
  /** Size of the terminal that minirun is on. */
  consoleSize?: { height: number; width: number } | undefined;
}
