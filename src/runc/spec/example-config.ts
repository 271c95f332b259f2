/** The config.json that `spec` writes: a shell with few privileges in ./rootfs, as runc's. */
import type { Config, Mount } from './config.ts';

const CAPABILITIES = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];

// biome-ignore format: tables
const MASKED = ['/proc/acpi', '/proc/asound', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list',
  '/proc/timer_stats', '/proc/sched_debug', '/sys/firmware', '/proc/scsi'];
const READONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const mount = (destination: string, type: string, source: string, options?: string[]): Mount =>
  options ? { destination, type, source, options } : { destination, type, source };

function mounts(rootless: boolean): Mount[] {
  const pts = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'];
  const sys = ['nosuid', 'noexec', 'nodev', 'ro'];
  const list = [
    mount('/proc', 'proc', 'proc'),
    mount('/dev', 'tmpfs', 'tmpfs', ['nosuid', 'strictatime', 'mode=755', 'size=65536k']),
    // Group 5, tty, has no id in a namespace that maps a single one.
    mount('/dev/pts', 'devpts', 'devpts', rootless ? pts : [...pts, 'gid=5']),
    mount('/dev/shm', 'tmpfs', 'shm', ['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=65536k']),
    mount('/dev/mqueue', 'mqueue', 'mqueue', ['nosuid', 'noexec', 'nodev']),
    // A sysfs may be mounted only by who owns the network namespace: an ordinary user shows the host's.
    rootless ? mount('/sys', 'none', '/sys', ['rbind', ...sys]) : mount('/sys', 'sysfs', 'sysfs', sys),
  ];
  return [...list, mount('/sys/fs/cgroup', 'cgroup', 'cgroup', ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'])];
}

export interface Example {
  /** The user who is to be root inside; undefined for a config that root runs. */
  rootless?: { uid: number; gid: number } | undefined;
  cgroupNamespace: boolean;
}

export function exampleConfig({ rootless, cgroupNamespace }: Example): Config {
  const namespaces = ['pid', 'ipc', 'uts', 'mount', rootless ? 'user' : 'network', ...(cgroupNamespace ? ['cgroup'] : [])];
  return {
    ociVersion: '1.2.0',
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'minirun',
    mounts: mounts(rootless !== undefined),
    linux: {
      ...(rootless
        ? {
            uidMappings: [{ containerID: 0, hostID: rootless.uid, size: 1 }],
            gidMappings: [{ containerID: 0, hostID: rootless.gid, size: 1 }],
          }
        : { resources: { devices: [{ allow: false, access: 'rwm' }] } }),
      namespaces: namespaces.map((type) => ({ type })),
      maskedPaths: MASKED,
      readonlyPaths: READONLY,
    },
  } as Config;
}
