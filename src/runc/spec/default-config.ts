/**
 * The config of a container of which nothing special was asked: what Docker does by default.
 * Pure; every choice that an option changes starts from here.
 */
import type { CgroupMode } from '../host/facts.ts';
import { defaultSeccomp } from '../seccomp/default-profile.ts';
import { DEFAULT_CAPABILITIES } from './capability-sets.ts';
import type { Config, DeviceRule, IdMapping, Mount, Namespace, Seccomp } from './config.ts';

/** The facts of a machine and a user that change what the defaults are. */
export interface DefaultsFor {
  /** Names the container's cgroup and, unless named otherwise, the container itself. */
  id: string;
  /** Absolute path of the root file system. */
  rootfs: string;
  args: string[];
  /** With a terminal: `TERM` is set. */
  terminal: boolean;
  cgroup: { mode: CgroupMode /** This user may make cgroups. */; writable: boolean };
  arch: 'x64' | 'arm64';
  kernel: readonly [major: number, minor: number];
  /** Id maps of a new user namespace; undefined where the container uses the host's ids. */
  userNamespace?: { uidMappings: IdMapping[]; gidMappings: IdMapping[] } | undefined;
  /** An ordinary user starts it. Root may write its own cgroup path from the top of the hierarchy. */
  rootless?: boolean;
}

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Microseconds: the kernel shares CPU time out in periods of a tenth of a second. */
export const CPU_PERIOD = 100_000;

/** Files of /proc and /sys that tell about, or reach, the host: covered. */
// biome-ignore format: a table
export const MASKED_PATHS: readonly string[] = [
  '/proc/asound', '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list',
  '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware', '/sys/devices/virtual/powercap',
];

/** Files of /proc that set values of the whole machine: read-only. */
export const READONLY_PATHS: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export const DEFAULT_MOUNTS: readonly Mount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  {
    destination: '/sys/fs/cgroup',
    type: 'cgroup',
    source: 'cgroup',
    options: ['rprivate', 'nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=67108864'] },
];

const allow = (major: number | undefined, minor: number | undefined, access: string, type: 'c' | 'b' = 'c'): DeviceRule => ({
  allow: true,
  type,
  ...(major === undefined ? {} : { major }),
  ...(minor === undefined ? {} : { minor }),
  access,
});

/** First nothing, then what is harmless: making nodes without opening them, and the devices of /dev. */
export const DEVICE_RULES: readonly DeviceRule[] = [
  { allow: false, access: 'rwm' },
  allow(undefined, undefined, 'm'),
  allow(undefined, undefined, 'm', 'b'),
  allow(1, 3, 'rwm'), // null
  allow(1, 5, 'rwm'), // zero
  allow(1, 7, 'rwm'), // full
  allow(1, 8, 'rwm'), // random
  allow(1, 9, 'rwm'), // urandom
  allow(5, 0, 'rwm'), // tty
  allow(5, 1, 'rwm'), // console
  allow(5, 2, 'rwm'), // ptmx
  allow(136, undefined, 'rwm'), // pts
];

/** The namespaces of a new container. Docker adds no user namespace: root inside is root outside, held by the rest. */
export function defaultNamespaces(o: Pick<DefaultsFor, 'cgroup' | 'kernel' | 'userNamespace'>): Namespace[] {
  const namespaces: Namespace[] = [];
  if (o.userNamespace) namespaces.push({ type: 'user' });
  namespaces.push({ type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' });
  const [major, minor] = o.kernel;
  if (o.cgroup.mode !== 'none' && (major > 4 || (major === 4 && minor >= 6))) namespaces.push({ type: 'cgroup' });
  return namespaces;
}

/**
 * What an ordinary user's container, or any container with a user namespace, cannot have, put
 * right: call it when all other choices are made.
 *
 * - devpts gives terminals to group 5 (tty) only where a group 5 exists in the map.
 * - A file system that shows a namespace (sysfs: network, proc: pid, mqueue: ipc) can be mounted
 *   only by who owns that namespace. Where the host's is shared, the host's mount is bound
 *   instead; /dev/mqueue, which is but a view of queues that work without it, is left out.
 * @param kernel decides whether the mounts below a bound one can be made read-only too (5.12)
 */
export function adaptToUserNamespace(config: Config, kernel: DefaultsFor['kernel']): void {
  const linux = config.linux ?? {};
  const user = linux.namespaces?.find((n) => n.type === 'user');
  if (!user) return;
  const has = (type: Namespace['type']) => linux.namespaces?.some((n) => n.type === type) ?? false;
  const gidMapped = (gid: number) =>
    user.path !== undefined || (linux.gidMappings ?? []).some((m) => gid >= m.containerID && gid < m.containerID + m.size);
  if (!has('ipc')) config.mounts = config.mounts?.filter((m) => m.type !== 'mqueue');
  const hasSetattr = kernel[0] > 5 || (kernel[0] === 5 && kernel[1] >= 12);
  for (const mount of config.mounts ?? []) {
    if (mount.type === 'devpts' && !gidMapped(5)) mount.options = (mount.options ?? []).filter((o) => o !== 'gid=5');
    const shared = (mount.type === 'sysfs' && !has('network')) || (mount.type === 'proc' && !has('pid'));
    if (!shared) continue;
    const restrictions = (mount.options ?? []).filter((o) => ['nosuid', 'noexec', 'nodev', 'ro'].includes(o));
    const whole = hasSetattr && restrictions.includes('ro') ? ['rro'] : [];
    Object.assign(mount, { type: 'bind', source: mount.destination, options: ['rbind', 'rprivate', ...restrictions, ...whole] });
  }
}

/** The default seccomp profile for what a config's capabilities allow. */
export const seccompFor = (config: Config, arch: DefaultsFor['arch'], kernel: DefaultsFor['kernel']): Seccomp =>
  defaultSeccomp(config.process?.capabilities?.bounding ?? [], arch, kernel);

/** The config of `minirun run ROOTFS ARG…` without any option. */
export function defaultConfig(o: DefaultsFor): Config {
  const capabilities = [...DEFAULT_CAPABILITIES];
  const config: Config = {
    ociVersion: '1.2.0',
    process: {
      terminal: o.terminal,
      user: { uid: 0, gid: 0 },
      args: [...o.args],
      env: [`PATH=${DEFAULT_PATH}`, ...(o.terminal ? ['TERM=xterm'] : [])],
      cwd: '/',
      // Inheritable stays empty: with it, programs with file capabilities would get more (CVE-2022-24769).
      capabilities: { bounding: capabilities, effective: [...capabilities], permitted: [...capabilities] },
      noNewPrivileges: false,
    },
    root: { path: o.rootfs, readonly: false },
    hostname: o.id.slice(0, 12),
    mounts: structuredClone(DEFAULT_MOUNTS as Mount[]),
    linux: {
      namespaces: defaultNamespaces(o),
      ...(o.userNamespace ?? {}),
      maskedPaths: [...MASKED_PATHS],
      readonlyPaths: [...READONLY_PATHS],
    },
  };
  const linux = config.linux as NonNullable<Config['linux']>;
  if (o.cgroup.mode === 'none') config.mounts = config.mounts?.filter((m) => m.type !== 'cgroup');
  else if (o.cgroup.writable) {
    linux.cgroupsPath = `${o.rootless ? '' : '/'}minirun/${o.id}`;
    if (!o.rootless) linux.resources = { devices: structuredClone(DEVICE_RULES as DeviceRule[]) };
  }
  linux.seccomp = seccompFor(config, o.arch, o.kernel);
  return config;
}
