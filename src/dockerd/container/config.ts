/**
 * What a client says about a container when it creates it: Docker's ContainerConfig, HostConfig and
 * NetworkingConfig. Fields that are for Windows alone are left out; unknown ones are ignored.
 * @see https://docs.docker.com/reference/api/engine/version/v1.47/#tag/Container/operation/ContainerCreate
 */
import * as v from 'valibot';
import { boolean, integer, labels, mapOf, optional, set, text, texts, words } from '../http/fields.ts';

const healthcheck = v.object({
  /** `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", "…"]`; empty: the image's */
  Test: texts,
  /** nanoseconds, all of them; 0 or nothing: the image's, or the default */
  Interval: integer,
  Timeout: integer,
  StartPeriod: integer,
  StartInterval: integer,
  Retries: integer,
});

export const containerConfig = v.object({
  Hostname: text,
  Domainname: text,
  User: text,
  AttachStdin: boolean,
  AttachStdout: boolean,
  AttachStderr: boolean,
  ExposedPorts: set,
  Tty: boolean,
  OpenStdin: boolean,
  StdinOnce: boolean,
  Env: texts,
  Cmd: words,
  Healthcheck: optional(healthcheck),
  ArgsEscaped: boolean,
  Image: text,
  Volumes: set,
  WorkingDir: text,
  Entrypoint: words,
  NetworkDisabled: boolean,
  MacAddress: text,
  OnBuild: texts,
  Labels: labels,
  StopSignal: text,
  StopTimeout: integer,
  Shell: texts,
});

export const restartPolicy = v.object({ Name: text, MaximumRetryCount: integer });

const device = v.object({ PathOnHost: text, PathInContainer: text, CgroupPermissions: text });
const weightDevice = v.object({ Path: v.string(), Weight: integer });
const throttleDevice = v.object({ Path: v.string(), Rate: integer });
const ulimit = v.object({ Name: v.string(), Soft: integer, Hard: integer });
const portBinding = v.object({ HostIp: text, HostPort: text });

export const mountRequest = v.object({
  Type: v.string(),
  Source: text,
  Target: text,
  ReadOnly: boolean,
  Consistency: text,
  BindOptions: optional(
    v.object({
      Propagation: text,
      NonRecursive: boolean,
      CreateMountpoint: boolean,
      ReadOnlyNonRecursive: boolean,
      ReadOnlyForceRecursive: boolean,
    }),
  ),
  VolumeOptions: optional(
    v.object({
      NoCopy: boolean,
      Labels: labels,
      DriverConfig: optional(v.object({ Name: text, Options: labels })),
      Subpath: text,
    }),
  ),
  ImageOptions: optional(v.object({ Subpath: text })),
  TmpfsOptions: optional(v.object({ SizeBytes: integer, Mode: integer, Options: optional(v.array(v.array(v.string()))) })),
});

/** The part of HostConfig that `update` can change. */
const resources = {
  CpuShares: integer,
  Memory: integer,
  NanoCpus: integer,
  CgroupParent: text,
  BlkioWeight: integer,
  BlkioWeightDevice: optional(v.array(weightDevice)),
  BlkioDeviceReadBps: optional(v.array(throttleDevice)),
  BlkioDeviceWriteBps: optional(v.array(throttleDevice)),
  BlkioDeviceReadIOps: optional(v.array(throttleDevice)),
  BlkioDeviceWriteIOps: optional(v.array(throttleDevice)),
  CpuPeriod: integer,
  CpuQuota: integer,
  CpuRealtimePeriod: integer,
  CpuRealtimeRuntime: integer,
  CpusetCpus: text,
  CpusetMems: text,
  Devices: optional(v.array(device)),
  DeviceCgroupRules: texts,
  DeviceRequests: optional(v.array(v.looseObject({}))),
  KernelMemory: integer,
  KernelMemoryTCP: integer,
  MemoryReservation: integer,
  MemorySwap: integer,
  MemorySwappiness: integer,
  OomKillDisable: boolean,
  PidsLimit: integer,
  Ulimits: optional(v.array(ulimit)),
};

export const hostConfig = v.object({
  ...resources,
  Binds: texts,
  ContainerIDFile: text,
  LogConfig: optional(v.object({ Type: text, Config: labels })),
  NetworkMode: text,
  PortBindings: optional(mapOf(v.nullish(v.array(portBinding)))),
  RestartPolicy: optional(restartPolicy),
  AutoRemove: boolean,
  VolumeDriver: text,
  VolumesFrom: texts,
  ConsoleSize: optional(v.pipe(v.array(v.number()), v.length(2))),
  Annotations: labels,
  CapAdd: words,
  CapDrop: words,
  CgroupnsMode: text,
  Dns: texts,
  DnsOptions: texts,
  DnsSearch: texts,
  ExtraHosts: texts,
  GroupAdd: texts,
  IpcMode: text,
  Cgroup: text,
  Links: texts,
  OomScoreAdj: integer,
  PidMode: text,
  Privileged: boolean,
  PublishAllPorts: boolean,
  ReadonlyRootfs: boolean,
  SecurityOpt: texts,
  StorageOpt: labels,
  Tmpfs: labels,
  UTSMode: text,
  UsernsMode: text,
  ShmSize: integer,
  Sysctls: labels,
  Runtime: text,
  Isolation: text,
  Mounts: optional(v.array(mountRequest)),
  MaskedPaths: texts,
  ReadonlyPaths: texts,
  Init: boolean,
});

export const networkingConfig = v.object({ EndpointsConfig: optional(mapOf(v.nullish(v.looseObject({})))) });

/** The body of POST /containers/create. */
export const createRequest = v.object({
  ...containerConfig.entries,
  HostConfig: optional(hostConfig),
  NetworkingConfig: optional(networkingConfig),
});

/** The body of POST /containers/ID/update. */
export const updateRequest = v.object({ ...resources, RestartPolicy: optional(restartPolicy) });

export type ContainerConfig = v.InferOutput<typeof containerConfig>;
export type Healthcheck = v.InferOutput<typeof healthcheck>;
export type HostConfig = v.InferOutput<typeof hostConfig>;
export type MountRequest = v.InferOutput<typeof mountRequest>;
export type NetworkingConfig = v.InferOutput<typeof networkingConfig>;
export type UpdateRequest = v.InferOutput<typeof updateRequest>;
export type RestartPolicy = v.InferOutput<typeof restartPolicy>;
