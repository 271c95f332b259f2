/**
 * The options of `run` and `create` → the body of `POST /containers/create`. One function, without
 * side effects: what it must know of this machine is given to it.
 * @see https://docs.docker.com/reference/api/engine/ ContainerCreate
 */
import { parseCapability, parseUlimit, UNLIMITED } from '../../limit-arguments.ts';
import { parseInteger } from '../../sizes.ts';
import { UsageError } from '../../usage-error.ts';
import type { CreateFlags, ResourceFlags } from './flags.ts';
import { parseMount, parseVolume } from './mounts.ts';
import { networksOf } from './networks.ts';
import { parsePorts } from './ports.ts';
import { linesOf, mapOf, parseDevice, parseGpus, parseThrottle, parseWeight, splitOnce } from './values.ts';

/** What the options refer to on this machine. */
export interface Surroundings {
  env: Record<string, string | undefined>;
  readFile(path: string): string;
  /** Makes a path absolute. */
  absolute(path: string): string;
  /** Rows and columns of the terminal, where there is one. */
  consoleSize?: [number, number] | undefined;
  /** Minor of the API: 41 is 1.41. */
  api: number;
}

export interface CreateRequest {
  query: { name?: string; platform?: string };
  body: Record<string, unknown> & { HostConfig: Record<string, unknown> };
}

/** What is not said is left out. */
function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}

const list = <T>(values: readonly T[] | undefined): readonly T[] | undefined => (values && values.length > 0 ? values : undefined);

/** @throws UsageError in one line, for what cannot be understood or contradicts */
export function createRequest(flags: CreateFlags, image: string, command: readonly string[], around: Surroundings): CreateRequest {
  refuseContradictions(flags);
  const streams = attached(flags);
  const ports = parsePorts(flags.publish ?? [], flags.expose ?? []);
  const volumes = (flags.volume ?? []).map((text) => parseVolume(text, around.absolute));
  const anonymous = volumes.flatMap((volume) => ('anonymous' in volume ? [volume.anonymous] : []));
  const { mode, endpoints } = networksOf(flags);
  // Before 1.44 the address was the container's, not the endpoint's.
  const oldMac = around.api < 44 ? flags.macAddress : undefined;
  if (oldMac !== undefined) for (const endpoint of Object.values(endpoints)) delete endpoint.MacAddress;
  const body = given({
    Image: image,
    Cmd: list(command),
    Entrypoint: flags.entrypoint === undefined ? undefined : [flags.entrypoint],
    Hostname: flags.hostname,
    Domainname: flags.domainname,
    User: flags.user,
    WorkingDir: flags.workdir,
    AttachStdin: streams.stdin,
    AttachStdout: streams.stdout,
    AttachStderr: streams.stderr,
    OpenStdin: flags.interactive === true,
    StdinOnce: flags.interactive === true && streams.stdin,
    Tty: flags.tty === true,
    Env: list(environment(flags, around)),
    Labels: labels(flags, around),
    ExposedPorts: ports.exposed,
    Volumes: anonymous.length > 0 ? Object.fromEntries(anonymous.map((path) => [path, {}])) : undefined,
    StopSignal: flags.stopSignal,
    StopTimeout: flags.stopTimeout,
    Healthcheck: healthcheck(flags),
    MacAddress: oldMac,
  });
  const HostConfig = given({
    ...resources(flags),
    ...security(flags.securityOpt ?? [], around),
    Binds: list(volumes.flatMap((volume) => ('bind' in volume ? [volume.bind] : []))),
    Mounts: list((flags.mount ?? []).map((text) => parseMount(text, around.absolute))),
    Tmpfs:
      flags.tmpfs && Object.fromEntries(flags.tmpfs.map((text) => splitOnce(text, ':')).map(([path, options = '']) => [path, options])),
    VolumesFrom: list(flags.volumesFrom),
    VolumeDriver: flags.volumeDriver,
    StorageOpt: flags.storageOpt && mapOf(flags.storageOpt),
    ReadonlyRootfs: flags.readOnly,
    ShmSize: flags.shmSize,
    NetworkMode: mode,
    PortBindings: ports.bindings,
    PublishAllPorts: flags.publishAll,
    Links: list(flags.link),
    Dns: list(flags.dns),
    DnsSearch: list(flags.dnsSearch),
    DnsOptions: list(flags.dnsOption),
    ExtraHosts: list((flags.addHost ?? []).map(extraHost)),
    PidMode: flags.pid,
    IpcMode: flags.ipc,
    UTSMode: flags.uts,
    UsernsMode: flags.userns,
    CgroupnsMode: flags.cgroupns,
    CgroupParent: flags.cgroupParent,
    GroupAdd: list(flags.groupAdd),
    CapAdd: list((flags.capAdd ?? []).map((text) => parseCapability('--cap-add', text))),
    CapDrop: list((flags.capDrop ?? []).map((text) => parseCapability('--cap-drop', text))),
    Privileged: flags.privileged,
    Sysctls: flags.sysctl && mapOf(flags.sysctl),
    Annotations: flags.annotation && mapOf(flags.annotation),
    OomScoreAdj: flags.oomScoreAdj,
    MemorySwappiness: flags.memorySwappiness,
    OomKillDisable: flags.oomKillDisable,
    ...devices(flags),
    Ulimits: list(ulimits(flags.ulimit ?? [])),
    BlkioWeightDevice: list((flags.blkioWeightDevice ?? []).map((text) => parseWeight('--blkio-weight-device', text))),
    BlkioDeviceReadBps: list((flags.deviceReadBps ?? []).map((text) => parseThrottle('--device-read-bps', text, 'bytes'))),
    BlkioDeviceWriteBps: list((flags.deviceWriteBps ?? []).map((text) => parseThrottle('--device-write-bps', text, 'bytes'))),
    BlkioDeviceReadIOps: list((flags.deviceReadIops ?? []).map((text) => parseThrottle('--device-read-iops', text, 'operations'))),
    BlkioDeviceWriteIOps: list((flags.deviceWriteIops ?? []).map((text) => parseThrottle('--device-write-iops', text, 'operations'))),
    RestartPolicy: parseRestartPolicy(flags.restart),
    AutoRemove: flags.rm,
    Init: flags.init,
    Runtime: flags.runtime,
    Isolation: flags.isolation,
    LogConfig: flags.logDriver || flags.logOpt ? { Type: flags.logDriver ?? '', Config: mapOf(flags.logOpt ?? []) } : undefined,
    ConsoleSize: flags.tty ? around.consoleSize : undefined,
  });
  return {
    query: given({ name: flags.name, platform: flags.platform }),
    body: { ...body, HostConfig, ...(Object.keys(endpoints).length > 0 ? { NetworkingConfig: { EndpointsConfig: endpoints } } : {}) },
  };
}

function refuseContradictions(flags: CreateFlags): void {
  const refuse = (sentence: string): never => {
    throw new UsageError(sentence);
  };
  if (flags.rm && flags.restart !== undefined && flags.restart !== 'no' && flags.restart !== '')
    refuse('conflicting options: cannot specify both --restart and --rm');
  if (flags.detach && flags.attach?.length) refuse('conflicting options: cannot specify both --attach and --detach');
  if (
    flags.healthcheck === false &&
    (flags.healthCmd !== undefined || flags.healthInterval !== undefined || flags.healthTimeout !== undefined)
  )
    refuse('--no-healthcheck conflicts with --health-* options');
  for (const stream of flags.attach ?? [])
    if (!['stdin', 'stdout', 'stderr'].includes(stream.toLowerCase()))
      refuse(`--attach ${stream}: valid streams are STDIN, STDOUT and STDERR`);
}

/** Which streams the client takes part in. */
export function attached(flags: Pick<CreateFlags, 'attach' | 'detach' | 'interactive'>): {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
} {
  const named = (flags.attach ?? []).map((stream) => stream.toLowerCase());
  if (flags.detach) return { stdin: false, stdout: false, stderr: false };
  if (named.length > 0) return { stdin: named.includes('stdin'), stdout: named.includes('stdout'), stderr: named.includes('stderr') };
  return { stdin: flags.interactive === true, stdout: true, stderr: true };
}

/** Files first, then --env; a name alone is the caller's variable. */
export function environment(
  { env = [], envFile = [] }: Pick<CreateFlags, 'env' | 'envFile'>,
  around: Pick<Surroundings, 'env' | 'readFile'>,
): string[] {
  const ofFiles = envFile.flatMap((path) =>
    linesOf(around.readFile(path)).flatMap((line) => {
      const name = splitOnce(line, '=')[0];
      if (name === '' || /\s/.test(name))
        throw new UsageError(`--env-file ${path}: poorly formatted environment: variable '${name}' contains whitespaces, or has no name`);
      if (line.includes('=')) return [line];
      return around.env[name] === undefined ? [] : [`${name}=${around.env[name]}`];
    }),
  );
  const typed = env.map((text) => {
    if (text === '' || text.startsWith('=')) throw new UsageError(`--env ${text}: invalid environment variable: ${text || "''"}`);
    // A name that is not set here either takes the image's variable away.
    return text.includes('=') || around.env[text] === undefined ? text : `${text}=${around.env[text]}`;
  });
  return [...ofFiles, ...typed];
}

function labels({ label = [], labelFile = [] }: CreateFlags, around: Surroundings): Record<string, string> | undefined {
  const all = [...labelFile.flatMap((path) => linesOf(around.readFile(path))), ...label];
  return all.length > 0 ? mapOf(all) : undefined;
}

function healthcheck(flags: CreateFlags): object | undefined {
  if (flags.healthcheck === false) return { Test: ['NONE'] };
  const check = given({
    Test: flags.healthCmd === undefined ? undefined : ['CMD-SHELL', flags.healthCmd],
    Interval: flags.healthInterval,
    Timeout: flags.healthTimeout,
    StartPeriod: flags.healthStartPeriod,
    StartInterval: flags.healthStartInterval,
    Retries: flags.healthRetries,
  });
  return Object.keys(check).length > 0 ? check : undefined;
}

/** `no`, `on-failure[:MAXIMUM]`, `always`, `unless-stopped`. */
export function parseRestartPolicy(text: string | undefined): { Name: string; MaximumRetryCount: number } | undefined {
  if (text === undefined || text === '') return undefined;
  const [name, count] = splitOnce(text, ':');
  if (!['no', 'on-failure', 'always', 'unless-stopped'].includes(name))
    throw new UsageError(`--restart ${text}: invalid restart policy: choose no, on-failure[:MAXIMUM], always or unless-stopped`);
  return { Name: name, MaximumRetryCount: count === undefined ? 0 : parseInteger('--restart', count, 0, 2 ** 31 - 1) };
}

/** Fields of HostConfig that `update` can change as well. */
export function resources(flags: ResourceFlags): Record<string, unknown> {
  return given({
    Memory: flags.memory,
    MemoryReservation: flags.memoryReservation,
    MemorySwap: flags.memorySwap,
    NanoCpus: flags.cpus === undefined ? undefined : Math.round(flags.cpus * 1e9),
    CpuShares: flags.cpuShares,
    CpuPeriod: flags.cpuPeriod,
    CpuQuota: flags.cpuQuota,
    CpuRealtimePeriod: flags.cpuRtPeriod,
    CpuRealtimeRuntime: flags.cpuRtRuntime,
    CpusetCpus: flags.cpusetCpus,
    CpusetMems: flags.cpusetMems,
    PidsLimit: flags.pidsLimit,
    BlkioWeight: flags.blkioWeight,
  });
}

function devices(flags: CreateFlags): object {
  const parsed = (flags.device ?? []).map((text) => ({ text, mapping: parseDevice(text) }));
  const cdi = parsed.flatMap(({ text, mapping }) => (mapping ? [] : [text]));
  const requests = [
    ...(flags.gpus ?? []).map(parseGpus),
    ...(cdi.length > 0 ? [{ Driver: 'cdi', Count: 0, DeviceIDs: cdi, Capabilities: null, Options: {} }] : []),
  ];
  return {
    Devices: list(parsed.flatMap(({ mapping }) => (mapping ? [mapping] : []))),
    DeviceCgroupRules: list(flags.deviceCgroupRule),
    DeviceRequests: list(requests),
  };
}

function ulimits(given: readonly string[]): { Name: string; Soft: number; Hard: number }[] {
  const number = (value: number) => (value === UNLIMITED ? -1 : value);
  return given
    .map(parseUlimit)
    .map(({ type, soft, hard }) => ({ Name: type.slice('RLIMIT_'.length).toLowerCase(), Soft: number(soft), Hard: number(hard) }))
    .sort((a, b) => (a.Name < b.Name ? -1 : 1));
}

function extraHost(text: string): string {
  // NAME=ADDRESS spares IPv6 its brackets.
  const [name, address] = splitOnce(text, text.includes('=') ? '=' : ':');
  if (name === '' || !address) throw new UsageError(`--add-host ${text}: bad format for add-host: write NAME:ADDRESS`);
  return `${name}:${address.replace(/^\[(.*)\]$/, '$1')}`;
}

/** A seccomp profile travels with the request, as the daemon may be on another machine. */
function security(options: readonly string[], around: Surroundings): object {
  const SecurityOpt: string[] = [];
  let unconfined = false;
  for (const option of options) {
    const [name, value] = splitOnce(option, /^[\w-]+=/.test(option) ? '=' : ':');
    if (name === 'systempaths' && value === 'unconfined') unconfined = true;
    else if (value === undefined && name !== 'no-new-privileges') throw new UsageError(`--security-opt ${option}: write NAME=VALUE`);
    else if (name === 'seccomp' && value !== 'unconfined' && value !== 'builtin') {
      const text = around.readFile(value as string);
      try {
        SecurityOpt.push(`seccomp=${JSON.stringify(JSON.parse(text))}`);
      } catch (error) {
        throw new UsageError(`--security-opt ${option}: compacting json for seccomp profile failed: ${(error as Error).message}`);
      }
    } else SecurityOpt.push(option);
  }
  return { SecurityOpt: list(SecurityOpt), ...(unconfined ? { MaskedPaths: [], ReadonlyPaths: [] } : {}) };
}
