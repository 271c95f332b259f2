/** Making a container: everything checked, then its file system and its record. Nothing runs yet. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatPlatform, matchPlatform, parsePlatform } from '../../containerd/registry/platform.ts';
import type { Daemon } from '../daemon.ts';
import { badRequest, notFound } from '../http/api-error.ts';
import type { Image } from '../image/images.ts';
import type { ContainerConfig, HostConfig, NetworkingConfig } from './config.ts';
import { makeDockerenv } from './dockerenv.ts';
import { logPathOf } from './logs/drivers.ts';
import { makeMounts } from './mounts/make.ts';
import { planMounts } from './mounts/mount-points.ts';
import { populateVolumes } from './mounts/populate.ts';
import { named, withOthers } from './named-others.ts';
import { newId } from './names.ts';
import { networkWarnings, otherOf } from './network.ts';
import { checkName } from './open.ts';
import { type ContainerRecord, NEVER } from './record.ts';
import { runtimeOf } from './runtime.ts';
import { SNAPSHOT_LABEL } from './snapshot-label.ts';
import { checkCreate } from './spec/check-create.ts';
import { hostnameOf } from './spec/hostname.ts';
import { mergeImage } from './spec/merge-image.ts';
import { unlessGone } from './task.ts';

export interface CreateRequest {
  config: ContainerConfig;
  hostConfig: HostConfig;
  networking: NetworkingConfig;
  /** Made up when empty. */
  name: string;
  /** `linux/arm64`: 404 when the image that is here is for another one. */
  platform: string;
  /** Of the client's API version, 1.MINOR: what some options mean depends on it. */
  minor: number;
}

export interface Created {
  Id: string;
  Warnings: string[];
}

/** @throws 400 for what is asked, 404 for the image, 409 for the name; then nothing is left of it */
export async function createContainer(daemon: Daemon, request: CreateRequest): Promise<Created> {
  const { containers, clients, snapshotter, facts, options } = daemon;
  if (!request.config.Image) throw badRequest('no image specified: Config.Image is empty');
  // Before the image: nobody shall wait for a pull to learn that an option is wrong.
  const { config: asked, hostConfig: checked, warnings } = checkCreate(request.config, request.hostConfig, facts, options);
  const hostConfig = withOthers(daemon, checked);
  warnings.push(...networkWarnings(hostConfig));
  runtimeOf(options, hostConfig.Runtime);
  const image = await daemon.images.get(request.config.Image);
  checkPlatform(image, request.platform, request.config.Image);
  const config = mergeImage(asked, image.config.config);
  const planned = planMounts(
    { volumes: Object.keys(config.Volumes ?? {}), hostConfig, minor: request.minor },
    { dataRoot: options.dataRoot, exists: existsSync, container: (reference) => named(() => containers.get(reference)).record },
  );
  for (const { volume } of planned) if (volume) named(() => daemon.volumes.check(volume));

  const id = newId();
  const name = request.name === '' ? containers.takeAny(id) : checkName(request.name);
  containers.take(name, id);
  const undo: (() => Promise<unknown>)[] = [async () => containers.release(name)];
  try {
    const labels = { [SNAPSHOT_LABEL]: id, 'containerd.io/gc.root': new Date().toISOString() };
    const { mounts: rootfs } = await clients.snapshots.prepare({ snapshotter, key: id, parent: image.chainId, labels });
    undo.push(() => unlessGone(clients.snapshots.remove({ snapshotter, key: id })));
    makeDockerenv(rootfs);
    const mounts = await makeMounts(daemon, planned, id);
    undo.push(mounts.undo);
    await populateVolumes(daemon, mounts.points, id, rootfs);
    const record: ContainerRecord = {
      Id: id,
      Created: new Date().toISOString(),
      Name: name,
      Config: { ...config, Hostname: hostname(daemon, id, config, hostConfig) },
      HostConfig: hostConfig,
      NetworkingConfig: request.networking,
      Image: image.id,
      ImageTarget: image.target.digest,
      Snapshotter: snapshotter,
      Platform: 'linux',
      Mounts: mounts.points,
      State: { Status: 'created', Pid: 0, ExitCode: 0, Error: '', OOMKilled: false, StartedAt: NEVER, FinishedAt: NEVER },
      RestartCount: 0,
      StoppedByHand: false,
      LogPath: logPathOf(hostConfig.LogConfig, join(options.dataRoot, 'containers', id), id),
      Networks: {},
    };
    const container = containers.add(record);
    mounts.keep();
    container.tell('create');
    return { Id: id, Warnings: warnings };
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => undefined);
    throw error;
  }
}

/** A container in another one's network is called as that one is. */
function hostname({ containers, facts }: Daemon, id: string, config: ContainerConfig, hostConfig: HostConfig): string | undefined {
  const other = otherOf(hostConfig.NetworkMode);
  return other === undefined ? hostnameOf(id, config, hostConfig, facts) : containers.get(other).record.Config.Hostname;
}

/** @throws 404 in Docker's words */
function checkPlatform(image: Image, wanted: string, reference: string): void {
  if (wanted === '') return;
  const { os, architecture, variant } = image.config;
  const offered = { os, architecture, ...(variant ? { variant } : {}) };
  const asked = parsePlatform(wanted);
  if (matchPlatform(asked, offered) !== undefined) return;
  throw notFound(
    `image with reference ${reference} was found but does not provide the specified platform (${formatPlatform(asked)}): it is for ${formatPlatform(offered)}`,
  );
}
