/** All that is mounted in a container: what every container has, what was asked for, and the files that the daemon keeps for it. */
import { posix } from 'node:path';
import type { Mount } from '../../../runc/spec/config.ts';
import { DEFAULT_MOUNTS } from '../../../runc/spec/default-config.ts';
import type { HostConfig } from '../config.ts';
import { hasSharedShm, isHost } from './modes.ts';
import { tmpfsMount } from './tmpfs.ts';

/** Where the small init of --init appears in the container; Docker's place. */
export const INIT_PATH = '/sbin/docker-init';

/** Files on the host that appear in the container's /etc; those that are left out stay the image's. */
export interface OwnFiles {
  hosts?: string;
  hostname?: string;
  resolvConf?: string;
}

/** These stay writable in a container with --read-only: programs cannot do without, and nothing of them lasts. */
const WRITABLE = new Set(['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue']);

const clean = (path: string): string => posix.normalize(`/${path}`).replace(/(.)\/$/, '$1');
const depth = (path: string): number => path.split('/').length;

const bind = (destination: string, source: string, options: string[] = []): Mount => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', 'rprivate', ...options],
});

function ownFiles({ hosts, hostname, resolvConf }: OwnFiles, readonly: boolean): Mount[] {
  const places = [
    ['/etc/resolv.conf', resolvConf],
    ['/etc/hostname', hostname],
    ['/etc/hosts', hosts],
  ] as const;
  return places.flatMap(([path, source]) => (source === undefined ? [] : [bind(path, source, readonly ? ['ro'] : [])]));
}

/** /dev/shm: its own, one that other containers share, the host's, or none. */
function shm({ IpcMode, ShmSize }: HostConfig, shared: string | undefined): Mount[] {
  if (IpcMode === 'none') return [];
  if (isHost(IpcMode)) return [bind('/dev/shm', '/dev/shm')];
  if (hasSharedShm(IpcMode)) {
    if (shared === undefined) throw new Error(`/dev/shm with --ipc ${IpcMode}: nobody said where it is`);
    return [bind('/dev/shm', shared)];
  }
  const own = structuredClone(DEFAULT_MOUNTS.find(({ destination }) => destination === '/dev/shm') as Mount);
  return [{ ...own, options: [...(own.options ?? []).filter((o) => !o.startsWith('size=')), `size=${ShmSize}`] }];
}

export interface MountsInput {
  hostConfig: HostConfig;
  /** Volumes, binds and tmpfs of --mount, ready made. */
  asked: readonly Mount[];
  files: OwnFiles;
  /** On the host, a tmpfs that is the /dev/shm of the containers that share an IPC namespace. */
  shm?: string | undefined;
  /** The small init on the host; undefined without --init. */
  init?: string | undefined;
}

/** In the order in which they are mounted: what lies deeper comes later, else /a would cover /a/b. */
export function mountsOf({ hostConfig, asked, files, shm: shared, init }: MountsInput): Mount[] {
  const tmpfs = Object.entries(hostConfig.Tmpfs ?? {}).map(([path, options]) => tmpfsMount(clean(path), options));
  const own = [...tmpfs, ...asked.map((mount) => ({ ...mount, destination: clean(mount.destination) }))];
  const taken = new Set(own.map(({ destination }) => destination));
  // Who mounts a /dev of their own wants nothing below it.
  const free = ({ destination }: Mount) => !taken.has(destination) && !(taken.has('/dev') && destination.startsWith('/dev/'));
  const usual = DEFAULT_MOUNTS.filter(({ destination }) => destination !== '/dev/shm').map((mount) => structuredClone(mount));
  const standard = [...usual, ...shm(hostConfig, shared)].filter(free);
  if (hostConfig.ReadonlyRootfs) {
    for (const mount of standard)
      if (!WRITABLE.has(mount.destination) && !mount.options?.includes('ro')) mount.options = [...(mount.options ?? []), 'ro'];
  }
  const rest = [...own, ...ownFiles(files, hostConfig.ReadonlyRootfs === true).filter(free)];
  rest.sort((a, b) => depth(a.destination) - depth(b.destination));
  return [
    ...standard,
    ...rest,
    ...(init === undefined
      ? []
      : [{ destination: INIT_PATH, type: 'bind', source: init, options: ['bind', 'rprivate', 'ro', 'nosuid', 'nodev'] }]),
  ];
}
