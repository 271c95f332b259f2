/** GET /info: what `docker info` shows. The picture is made of facts that {@link infoFacts} gathers; making it is pure. */

import { LOG_DRIVERS } from '../container/logs/drivers.ts';
import type { Status } from '../container/record.ts';
import { runtimeNames } from '../container/runtime.ts';
import type { Daemon } from '../daemon.ts';
import type { MachineFacts } from '../host/facts.ts';
import type { DaemonOptions } from '../options.ts';
import { DAEMON_VERSION } from '../version.ts';
import { COMMIT } from './build.ts';
import { describeMachine, type MachineDescription } from './machine.ts';
import { REGISTRY_HUB, registryConfig } from './registry-config.ts';
import { type RuntimeVersion, runtimeVersion } from './runtime-version.ts';
import { INIT } from './version.ts';
import { kernelWarnings } from './warnings.ts';

export interface InfoFacts {
  id: string;
  options: DaemonOptions;
  facts: MachineFacts;
  machine: MachineDescription;
  /** Of each container. */
  statuses: readonly Status[];
  images: number;
  snapshotter: string;
  networkDrivers: readonly string[];
  containerd: { version: string; revision: string };
  runtime: RuntimeVersion;
  /** Clients that wait for events. */
  listeners: number;
  environment: Readonly<Record<string, string | undefined>>;
}

export async function infoFacts(daemon: Daemon): Promise<InfoFacts> {
  const { id, options, facts, clients, containers, images, snapshotter, networks, events } = daemon;
  const [containerd, runtime, all] = await Promise.all([clients.version.version({}), runtimeVersion(options), images.list()]);
  return {
    id,
    options,
    facts,
    machine: describeMachine(options.dataRoot),
    statuses: containers.list().map(({ record }) => record.State.Status),
    images: all.length,
    snapshotter,
    networkDrivers: networks.drivers(),
    containerd,
    runtime,
    listeners: events.listeners(),
    environment: process.env,
  };
}

/** @param minor of the API's version */
export function describeInfo(given: InfoFacts, minor: number, now = new Date()): object {
  const { id, options, facts, machine, statuses, containerd, runtime, environment } = given;
  const { support, cgroup } = facts;
  const v2 = cgroup.mode === 'v2';
  const count = (...wanted: Status[]) => statuses.filter((status) => wanted.includes(status)).length;
  const [running, paused] = [count('running', 'restarting'), count('paused')];
  const commit = (text: string) => ({ ID: text, ...(minor < 49 ? { Expected: text } : {}) });
  return {
    ID: id,
    Containers: statuses.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: statuses.length - running - paused,
    Images: given.images,
    Driver: given.snapshotter,
    DriverStatus: [
      ['driver-type', 'io.containerd.snapshotter.v1'],
      ['Backing Filesystem', machine.fileSystem],
    ],
    Plugins: { Volume: ['local'], Network: given.networkDrivers, Authorization: null, Log: LOG_DRIVERS },
    MemoryLimit: support.memory,
    SwapLimit: support.swap,
    ...(minor < 42 ? { KernelMemory: false } : {}),
    KernelMemoryTCP: false,
    CpuCfsPeriod: support.cpuCfs,
    CpuCfsQuota: support.cpuCfs,
    CPUShares: support.cpuShares,
    CPUSet: support.cpuset,
    PidsLimit: support.pids,
    OomKillDisable: support.oomKillDisable,
    IPv4Forwarding: machine.ipv4Forwarding,
    BridgeNfIptables: machine.bridgeIptables,
    BridgeNfIp6tables: machine.bridgeIp6tables,
    Debug: options.level === 'debug',
    NFd: machine.openFiles,
    // Goroutines there are none; the nearest thing is what keeps Node's event loop alive.
    NGoroutines: process.getActiveResourcesInfo().length,
    SystemTime: now.toISOString(),
    LoggingDriver: options.logDriver,
    CgroupDriver: cgroup.mode === 'none' ? 'none' : cgroup.driver,
    CgroupVersion: v2 ? '2' : '1',
    NEventsListener: given.listeners,
    KernelVersion: machine.kernel,
    OperatingSystem: machine.operatingSystem,
    OSVersion: machine.osVersion,
    OSType: 'linux',
    Architecture: machine.architecture,
    IndexServerAddress: REGISTRY_HUB,
    RegistryConfig: registryConfig(options, minor),
    NCPU: machine.cpus,
    MemTotal: machine.memory,
    GenericResources: null,
    DockerRootDir: options.dataRoot,
    HttpProxy: proxy(environment, 'HTTP_PROXY'),
    HttpsProxy: proxy(environment, 'HTTPS_PROXY'),
    NoProxy: environment.NO_PROXY ?? environment.no_proxy ?? '',
    Name: machine.hostname,
    Labels: options.labels,
    ExperimentalBuild: false,
    ServerVersion: DAEMON_VERSION,
    Runtimes: Object.fromEntries(runtimeNames(options).map((name) => [name, { path: options.runtimes[name]?.path ?? name }])),
    DefaultRuntime: options.defaultRuntime,
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
    // Containers belong to their shims: they outlive the daemon whatever is configured.
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: INIT,
    ContainerdCommit: commit(containerd.revision || containerd.version),
    RuncCommit: commit(runtime.commit || runtime.version),
    InitCommit: commit(COMMIT),
    SecurityOptions: securityOptions(support, v2, minor),
    ...(minor >= 44 ? { CDISpecDirs: [] } : {}),
    ...(options.containerd === undefined || minor < 46
      ? {}
      : { Containerd: { Address: options.containerd, Namespaces: { Containers: options.containerdNamespace, Plugins: '' } } }),
    Warnings: kernelWarnings(support, v2),
  };
}

function securityOptions(support: MachineFacts['support'], v2: boolean, minor: number): string[] {
  return [
    ...(support.apparmor ? ['name=apparmor'] : []),
    // Docker calls its own profile so since version 23 (API 1.42).
    ...(support.seccomp ? [`name=seccomp,profile=${minor >= 42 ? 'builtin' : 'default'}`] : []),
    ...(support.selinux ? ['name=selinux'] : []),
    // Where containers have one of their own unless they say something else.
    ...(v2 && support.cgroupNamespaces ? ['name=cgroupns'] : []),
  ];
}

/** Who asks for info shall not see how the proxy knows us. */
function proxy(environment: InfoFacts['environment'], name: string): string {
  const value = environment[name] ?? environment[name.toLowerCase()] ?? '';
  return value.replace(/\/\/[^/@]*@/, '//xxxxx:xxxxx@');
}
