/** What `docker info` says of the machine and has nothing to do with containers. */
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, hostname, machine, release, totalmem } from 'node:os';

export interface MachineDescription {
  hostname: string;
  kernel: string;
  /** `Debian GNU/Linux 12 (bookworm)` */
  operatingSystem: string;
  /** `12` */
  osVersion: string;
  /** `x86_64` */
  architecture: string;
  cpus: number;
  /** bytes */
  memory: number;
  /** Of the data root: `extfs`. */
  fileSystem: string;
  ipv4Forwarding: boolean;
  bridgeIptables: boolean;
  bridgeIp6tables: boolean;
  /** Files that this process has open. */
  openFiles: number;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

/** The value of NAME=value in a file that a shell could read. Source: os-release(5). */
export function osRelease(text: string, name: string): string {
  const [, value = ''] = new RegExp(`^${name}=(.*)$`, 'm').exec(text) ?? [];
  return value
    .trim()
    .replace(/^(["'])(.*)\1$/, '$2')
    .replace(/\\(.)/g, '$1');
}

/** statfs(2)'s numbers, in the names that Docker has for them. */
const FILE_SYSTEMS: Record<number, string> = {
  16914836: 'tmpfs',
  801189825: 'zfs',
  1481003842: 'xfs',
  26985: 'nfs',
  2035054128: 'overlayfs',
  2435016766: 'btrfs',
  61267: 'extfs',
  4076150800: 'f2fs',
};

export function fileSystemOf(path: string): string {
  const { type } = statfsSync(path);
  return FILE_SYSTEMS[type >>> 0] ?? `0x${(type >>> 0).toString(16)}`;
}

export function describeMachine(dataRoot: string): MachineDescription {
  const os = read('/etc/os-release') || read('/usr/lib/os-release');
  const on = (path: string) => read(`/proc/sys/net/${path}`).trim() === '1';
  return {
    hostname: hostname(),
    kernel: release(),
    operatingSystem: osRelease(os, 'PRETTY_NAME') || 'Linux',
    osVersion: osRelease(os, 'VERSION_ID'),
    architecture: machine(),
    cpus: availableParallelism(),
    memory: totalmem(),
    fileSystem: fileSystemOf(dataRoot),
    ipv4Forwarding: on('ipv4/ip_forward'),
    bridgeIptables: on('bridge/bridge-nf-call-iptables'),
    bridgeIp6tables: on('bridge/bridge-nf-call-ip6tables'),
    openFiles: readdirSync('/proc/self/fd').length,
  };
}
