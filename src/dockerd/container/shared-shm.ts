/** /dev/shm of containers that share it (--ipc shareable and container:NAME): a tmpfs that is mounted outside. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MNT, MS } from '../../libc/flags.ts';
import { mount, unmount } from '../../libc/mount.ts';
import type { Daemon } from '../daemon.ts';
import type { Container } from './containers.ts';
import { containerOf, hasSharedShm } from './spec/modes.ts';

const placeOf = ({ folder }: Container): string => join(folder, 'shm');

/** Mounts it if need be. @returns its path; undefined for a container that has one of its own, or none */
export function sharedShmOf({ containers }: Pick<Daemon, 'containers'>, container: Container): string | undefined {
  const { IpcMode, ShmSize = 0 } = container.record.HostConfig;
  if (!hasSharedShm(IpcMode)) return undefined;
  const other = containerOf(IpcMode);
  if (other !== undefined) return placeOf(containers.get(other));
  const target = placeOf(container);
  unmountShm(container);
  mkdirSync(target, { recursive: true, mode: 0o700 });
  const flags = MS.MS_NOSUID | MS.MS_NODEV | MS.MS_NOEXEC;
  mount({ type: 'tmpfs', source: 'shm', target, flags, data: `mode=1777,size=${ShmSize}` });
  return target;
}

/** After its end. */
export function unmountShm(container: Container): void {
  const target = placeOf(container);
  if (existsSync(target)) while (unmount(target, MNT.MNT_DETACH | MNT.UMOUNT_NOFOLLOW));
}
