/** The volumes and binds of a container that is about to start. */
import type { Mount as RootMount } from '../../containerd/snapshots/mount.ts';
import type { Mount } from '../../runc/spec/config.ts';
import type { Daemon } from '../daemon.ts';
import type { Container } from './containers.ts';

export async function prepareMounts(_daemon: Daemon, _container: Container, _rootfs: readonly RootMount[]): Promise<Mount[]> {
  return [];
}
