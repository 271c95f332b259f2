/** What a container's start needs: its config.json, and the mounts that make its root. */
import type { Mount as RootMount } from '../../containerd/snapshots/mount.ts';
import type { Config } from '../../runc/spec/config.ts';
import type { Daemon } from '../daemon.ts';
import { conflict } from '../http/api-error.ts';
import type { Container } from './containers.ts';
import { writeEtcFiles } from './etc-files.ts';
import { networkNamespace, pidOf } from './network.ts';
import { prepareMounts } from './prepare-mounts.ts';
import { sharedShmOf } from './shared-shm.ts';
import { readHostDevices } from './spec/devices.ts';
import { containerOf } from './spec/modes.ts';
import { ociConfig } from './spec/oci-config.ts';
import { userOf } from './spec/user.ts';
import { userFilesOf } from './users.ts';

/** @throws 400, 404 or 409 for what is not there any more: a device, a volume, another container */
export async function prepareConfig(daemon: Daemon, container: Container): Promise<{ config: Config; rootfs: RootMount[] }> {
  const { record, id } = container;
  const { HostConfig } = record;
  const { mounts: rootfs } = await daemon.clients.snapshots.mounts({ snapshotter: record.Snapshotter, key: id });
  const network = networkNamespace(daemon, container);
  const user = userOf(record.Config.User ?? '', HostConfig.GroupAdd ?? [], userFilesOf(rootfs));
  const mounts = await prepareMounts(daemon, container);
  const shm = sharedShmOf(daemon, container);
  const config = ociConfig({
    container: record,
    rootfs: 'rootfs',
    user,
    mounts,
    files: writeEtcFiles(daemon, container),
    ...(shm === undefined ? {} : { shm }),
    network: network === 'new' ? undefined : network,
    joined: joinedBy(daemon, container),
    devices: readHostDevices(HostConfig),
    facts: daemon.facts,
    options: daemon.options,
  });
  return { config, rootfs };
}

/** Namespaces of other containers. @throws 404, 409 */
function joinedBy(daemon: Daemon, { record }: Container): { pid?: string; ipc?: string } {
  const { PidMode, IpcMode } = record.HostConfig;
  const [pid, ipc] = [containerOf(PidMode), containerOf(IpcMode)];
  if (ipc !== undefined) {
    const mode = daemon.containers.get(ipc).record.HostConfig.IpcMode;
    if (mode !== 'shareable')
      throw conflict(`can't join IPC of container ${ipc}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`);
  }
  return {
    ...(pid === undefined ? {} : { pid: `/proc/${pidOf(daemon, pid, 'PID')}/ns/pid` }),
    ...(ipc === undefined ? {} : { ipc: `/proc/${pidOf(daemon, ipc, 'IPC')}/ns/ipc` }),
  };
}
