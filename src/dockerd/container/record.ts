/** What the daemon knows of a container, and keeps on the disk; in the words of Docker's API. */
import type { ContainerConfig, HostConfig, NetworkingConfig } from './config.ts';

/** A time in RFC 3339; the zero time of Go is "never". */
export const NEVER = '0001-01-01T00:00:00Z';

export type Status = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

export interface HealthResult {
  Start: string;
  End: string;
  ExitCode: number;
  Output: string;
}

export interface Health {
  Status: 'starting' | 'healthy' | 'unhealthy' | 'none';
  FailingStreak: number;
  Log: HealthResult[];
}

export interface State {
  Status: Status;
  Pid: number;
  ExitCode: number;
  Error: string;
  OOMKilled: boolean;
  StartedAt: string;
  FinishedAt: string;
  Health?: Health;
}

/** A mount as `inspect` shows it; what `mounts` of the OCI config are made from. */
export interface MountPoint {
  Type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** Of a volume. */
  Name?: string;
  /** On the host; empty for tmpfs. */
  Source: string;
  /** In the container. */
  Destination: string;
  /** Of a volume: local. */
  Driver?: string;
  /** As the client wrote it: `ro,z`. */
  Mode: string;
  RW: boolean;
  Propagation: string;
  /** The options of mount(8) that it comes to, beyond (r)bind, ro and propagation. */
  Options?: string[];
  /** A volume that an image or nobody named; `rm -v` takes it along. */
  Anonymous?: boolean;
  /** What the image has at the destination is copied into the volume as long as that is empty. */
  CopyUp?: boolean;
  /** Path below a volume. */
  Subpath?: string;
  /** Of an image: the snapshot that is mounted. */
  Snapshot?: string;
  /** Of a bind: mounts below the source stay outside. */
  NonRecursive?: boolean;
  /** Whether read-only holds for mounts below the source too; where the kernel can, without this. */
  RecursiveReadOnly?: 'no' | 'must';
  /** Make a host folder that is missing (what -v does, and --mount does not). */
  CreateSource?: boolean;
}

export interface ContainerRecord {
  Id: string;
  Created: string;
  /** Without the slash that the API puts before it. */
  Name: string;
  Config: ContainerConfig;
  HostConfig: HostConfig;
  NetworkingConfig: NetworkingConfig;
  /** The image's id: the digest of its config. */
  Image: string;
  /** The digest of the manifest or index that it was made from; an image that is named anew is kept by it. */
  ImageTarget?: string;
  /** Digest and the like of its snapshot. */
  Snapshotter: string;
  Platform: string;
  Mounts: MountPoint[];
  State: State;
  /** How it ended, until what belonged to it is put in order: there a daemon finds it that is started after one that was killed meanwhile. */
  Ended?: Pick<State, 'ExitCode' | 'FinishedAt'>;
  RestartCount: number;
  /** Somebody stopped it: the policies `unless-stopped` and `always` count that differently after the daemon's start. */
  StoppedByHand: boolean;
  LogPath: string;
  /** Address by network, when there is one. */
  Networks: Record<string, EndpointSettings>;
}

export interface EndpointSettings {
  NetworkID: string;
  EndpointID: string;
  Gateway: string;
  IPAddress: string;
  IPPrefixLen: number;
  IPv6Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  MacAddress: string;
  Aliases?: string[] | null;
  Links?: string[] | null;
  DriverOpts?: Record<string, string> | null;
  IPAMConfig?: object | null;
  DNSNames?: string[] | null;
}

export const isRunning = ({ State: { Status } }: ContainerRecord): boolean =>
  Status === 'running' || Status === 'paused' || Status === 'restarting';
