/**
 * From what a client asked (ContainerConfig, HostConfig) to the OCI config.json.
 *
 *     forVersion(config, hostConfig, version, facts)     what older clients mean
 *     mergeImage(config, image.config.config)            what the client left out, from the image
 *     checkCreate(config, hostConfig, facts, options)    400 in Docker's words; defaults filled in; warnings
 *     userOf(config.User, hostConfig.GroupAdd, files)    names → numbers, by the container's /etc/passwd
 *     readHostDevices(hostConfig)                        the one look at the machine: device files
 *     ociConfig(input)                                   → Config
 *     configJson(config)                                 → its text (runc/spec/json.ts)
 *     execProcess(input)                                 → Process of `docker exec`
 *     updateResources(hostConfig, request, …)            → new HostConfig and limits of `docker update`
 *
 * All but readHostDevices are pure. HostConfig is taken as checkCreate returned it.
 *
 * Where the result differs from dockerd's on purpose:
 * - Masked paths, device rules and the seccomp profile are those of `minirun run` (runc/spec,
 *   runc/seccomp): the same choice as dockerd's, with what newer releases of it have added.
 * - Capabilities and resource limits that this daemon itself lacks are left out, with a warning,
 *   where the runtime could only fail.
 * - Limits of 0, which ask for nothing, are left out instead of written down.
 * - The init of --init is mounted after the volumes, so that none covers it.
 */
import { posix } from 'node:path';
import type { ResolvedUser } from '../../../runc/rootfs/users.ts';
import type { Config, Mount } from '../../../runc/spec/config.ts';
import { applyRootPropagation } from '../../../runc/spec/root-propagation.ts';
import { unmask } from '../../../runc/spec/unmask.ts';
import type { MachineFacts } from '../../host/facts.ts';
import type { DaemonOptions } from '../../options.ts';
import type { ContainerRecord } from '../record.ts';
import { containerCapabilities } from './capabilities.ts';
import { cgroupsPathOf } from './cgroups-path.ts';
import { containerDevices, type HostDevices } from './devices.ts';
import { containerEnvironment } from './environment.ts';
import { hostnameOf } from './hostname.ts';
import { isHost, isPrivate } from './modes.ts';
import { INIT_PATH, mountsOf, type OwnFiles } from './mounts.ts';
import { type Joined, type NetworkNamespace, namespacesOf } from './namespaces.ts';
import { oomScoreOf } from './oom-score.ts';
import { processArgs } from './process-args.ts';
import { resourcesOf } from './resources.ts';
import { rlimitsFor } from './rlimits.ts';
import { parseSecurityOptions, seccompOf } from './security-options.ts';
import { sysctlsOf } from './sysctls.ts';
import { ociUser } from './user.ts';

export interface OciConfigInput {
  /** Config merged with the image's, HostConfig with the defaults filled in (checkCreate). */
  container: Pick<ContainerRecord, 'Id' | 'Config' | 'HostConfig'>;
  /** The root file system: absolute, or relative to the bundle. */
  rootfs: string;
  /** By {@link userOf}. */
  user: ResolvedUser;
  /** Of the container's MountPoints. */
  mounts: readonly Mount[];
  files: OwnFiles;
  /** /dev/shm on the host, where {@link hasSharedShm} says that there must be one: the container's own, or that of the one it joins. */
  shm?: string;
  network: NetworkNamespace;
  joined: Joined;
  /** By {@link readHostDevices}. */
  devices: HostDevices;
  facts: MachineFacts;
  options: Pick<DaemonOptions, 'cgroupParent' | 'defaultUlimits' | 'init'>;
}

/** A container has an init only where its command would be process 1. */
const wantsInit = ({ container: { HostConfig }, options }: OciConfigInput): boolean =>
  isPrivate(HostConfig.PidMode) && (HostConfig.Init ?? options.init);

/**
 * @throws ApiError 400 for a device that is not there, and for what checkCreate would have refused
 */
export function ociConfig(input: OciConfigInput): Config {
  const { container, user, facts, options } = input;
  const { Id, Config: config, HostConfig: hostConfig } = container;
  const terminal = config.Tty === true;
  const init = wantsInit(input);
  const hostname = hostnameOf(Id, config, hostConfig, facts);
  const security = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  const capabilities = containerCapabilities(hostConfig, facts);
  const { devices, rules } = containerDevices(hostConfig, input.devices);
  const [rows = 0, columns = 0] = hostConfig.ConsoleSize ?? [];
  const oci: Config = {
    ociVersion: '1.0.2',
    process: {
      terminal,
      ...(terminal && rows > 0 && columns > 0 ? { consoleSize: { height: rows, width: columns } } : {}),
      user: ociUser(user),
      args: [...(init ? [INIT_PATH, '--'] : []), ...processArgs(config)],
      env: containerEnvironment(config, hostname, terminal),
      cwd: posix.resolve('/', config.WorkingDir || '/'),
      capabilities,
      rlimits: rlimitsFor(hostConfig, options.defaultUlimits, facts),
      noNewPrivileges: security.noNewPrivileges,
      oomScoreAdj: oomScoreOf(hostConfig, facts),
    },
    root: { path: input.rootfs, readonly: hostConfig.ReadonlyRootfs === true },
    ...(isHost(hostConfig.UTSMode) ? {} : { hostname }),
    mounts: mountsOf({ hostConfig, asked: input.mounts, files: input.files, shm: input.shm, init: init ? facts.initPath : undefined }),
    annotations: { ...hostConfig.Annotations },
    linux: {
      namespaces: namespacesOf(hostConfig, input.network, input.joined, facts),
      devices,
      cgroupsPath: cgroupsPathOf(Id, hostConfig.CgroupParent, options, facts),
      resources: { devices: rules, ...resourcesOf(hostConfig, input.devices) },
      sysctl: sysctlsOf(config, hostConfig, input.network, facts),
    },
  };
  applyRootPropagation(oci, input.mounts);
  confine(oci, input, security);
  return oci;
}

/** What keeps the container from the rest of the machine, or, for a privileged one, no longer does. */
function confine(
  oci: Config,
  { container: { HostConfig }, facts }: OciConfigInput,
  security: ReturnType<typeof parseSecurityOptions>,
): void {
  const linux = oci.linux as NonNullable<Config['linux']>;
  if (HostConfig.Privileged) unmask(oci);
  if (HostConfig.MaskedPaths) linux.maskedPaths = [...HostConfig.MaskedPaths];
  if (HostConfig.ReadonlyPaths) linux.readonlyPaths = [...HostConfig.ReadonlyPaths];
  if (security.writableCgroups !== undefined) {
    for (const mount of oci.mounts ?? []) {
      if (mount.type !== 'cgroup') continue;
      mount.options = (mount.options ?? []).filter((word) => word !== 'ro');
      if (!security.writableCgroups) mount.options.push('ro');
    }
  }
  const seccomp = seccompOf(security, HostConfig, oci.process?.capabilities?.bounding ?? [], facts);
  if (seccomp) linux.seccomp = seccomp;
  // dockerd ignores the option, too, where the kernel has no AppArmor.
  if (facts.support.apparmor && security.apparmor && security.apparmor !== 'unconfined' && oci.process)
    oci.process.apparmorProfile = security.apparmor;
}
