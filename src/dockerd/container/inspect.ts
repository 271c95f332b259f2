/** A container as GET /containers/ID/json shows it. */
import { join } from 'node:path';
import type { Daemon } from '../daemon.ts';
import type { Container } from './containers.ts';
import { networkOf, otherOf } from './network.ts';
import { type EndpointSettings, isRunning, type MountPoint, type State } from './record.ts';
import { sizesOf } from './sizes.ts';
import { processArgs } from './spec/process-args.ts';

export interface InspectOptions {
  /** Also SizeRw and SizeRootFs, which take time. */
  size: boolean;
  /** Of the API's version. */
  minor: number;
}

const NO_ADDRESS = {
  Gateway: '',
  GlobalIPv6Address: '',
  GlobalIPv6PrefixLen: 0,
  IPAddress: '',
  IPPrefixLen: 0,
  IPv6Gateway: '',
  MacAddress: '',
};

export async function inspectContainer(daemon: Daemon, container: Container, { size, minor }: InspectOptions): Promise<object> {
  const { record, folder } = container;
  const { Config, HostConfig } = record;
  const [path = '', ...args] = processArgs(Config);
  return {
    Id: record.Id,
    Created: record.Created,
    Path: path,
    Args: args,
    State: stateOf(record.State),
    Image: record.Image,
    ResolvConfPath: join(folder, 'resolv.conf'),
    HostnamePath: join(folder, 'hostname'),
    HostsPath: join(folder, 'hosts'),
    LogPath: record.LogPath,
    Name: `/${record.Name}`,
    RestartCount: record.RestartCount,
    Driver: record.Snapshotter,
    Platform: 'linux',
    MountLabel: '',
    ProcessLabel: '',
    AppArmorProfile: '',
    ExecIDs: execIds(daemon, container),
    HostConfig: { ...HOST_DEFAULTS, ...withoutUndefined(HostConfig) },
    GraphDriver: { Data: null, Name: record.Snapshotter },
    ...(size ? await sizesOf(daemon, container) : {}),
    Mounts: record.Mounts.map(mountOf),
    Config: { ...CONFIG_DEFAULTS, ...withoutUndefined(Config) },
    NetworkSettings: networkSettings(daemon, container, minor),
  };
}

/** `docker inspect` shows flags beside the word that says the same. */
export const stateOf = ({ Status, Pid, ExitCode, Error: error, OOMKilled, StartedAt, FinishedAt, Health }: State): object => ({
  Status,
  Running: Status === 'running' || Status === 'paused' || Status === 'restarting',
  Paused: Status === 'paused',
  Restarting: Status === 'restarting',
  OOMKilled,
  Dead: Status === 'dead',
  Pid,
  ExitCode,
  Error: error,
  StartedAt,
  FinishedAt,
  ...(Health ? { Health } : {}),
});

function execIds({ execs }: Daemon, { id }: Container): string[] | null {
  const ids = execs.of(id);
  return ids.length > 0 ? ids : null;
}

export const mountOf = ({ Type, Name, Source, Destination, Driver, Mode, RW, Propagation }: MountPoint): object => ({
  Type,
  ...(Name === undefined ? {} : { Name }),
  Source,
  Destination,
  ...(Driver === undefined ? {} : { Driver }),
  Mode,
  RW,
  Propagation,
});

/** The networks that a container is in, or will be in when it starts. */
export function networksOf(daemon: Daemon, { record }: Container): Record<string, EndpointSettings> {
  if (otherOf(record.HostConfig.NetworkMode) !== undefined) return {};
  if (isRunning(record)) return record.Networks;
  try {
    const network = networkOf(daemon, record.HostConfig.NetworkMode);
    const address = { IPAMConfig: null, Links: null, Aliases: null, DriverOpts: null, DNSNames: null };
    return { [network.Name]: { ...address, NetworkID: record.State.StartedAt === '' ? '' : network.Id, EndpointID: '', ...NO_ADDRESS } };
  } catch {
    return {};
  }
}

function networkSettings(daemon: Daemon, container: Container, minor: number): object {
  return {
    Bridge: '',
    SandboxID: '',
    SandboxKey: '',
    HairpinMode: false,
    LinkLocalIPv6Address: '',
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: '',
    Ports: {},
    ...NO_ADDRESS,
    Networks: Object.fromEntries(
      Object.entries(networksOf(daemon, container)).map(([name, { DNSNames, ...endpoint }]) => [
        name,
        minor >= 44 ? { ...endpoint, DNSNames: DNSNames ?? null } : endpoint,
      ]),
    ),
  };
}

const withoutUndefined = <T extends object>(value: T): Partial<T> =>
  Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Partial<T>;

/** What Go's zero values show where a client has said nothing. */
const CONFIG_DEFAULTS = {
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: '',
  Volumes: null,
  WorkingDir: '',
  Entrypoint: null,
  OnBuild: null,
  Labels: {},
};

const HOST_DEFAULTS = {
  Binds: null,
  ContainerIDFile: '',
  LogConfig: { Type: '', Config: {} },
  NetworkMode: '',
  PortBindings: {},
  RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
  AutoRemove: false,
  VolumeDriver: '',
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: '',
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: '',
  Cgroup: '',
  Links: null,
  OomScoreAdj: 0,
  PidMode: '',
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: '',
  UsernsMode: '',
  ShmSize: 0,
  Runtime: '',
  Isolation: '',
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: '',
  BlkioWeight: 0,
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: [],
  BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [],
  BlkioDeviceWriteIOps: [],
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: '',
  CpusetMems: '',
  Devices: [],
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: null,
  PidsLimit: null,
  Ulimits: null,
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
  MaskedPaths: null,
  ReadonlyPaths: null,
};
