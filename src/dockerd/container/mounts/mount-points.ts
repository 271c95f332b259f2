/**
 * The mounts of a container, from all that says something of them. In Docker's order: what other
 * containers have, -v over that, --mount over that, and at the places that are left the volumes of
 * the image. Nothing is made here, and everything is refused here that can be.
 */
import { badRequest, isStatus } from '../../http/api-error.ts';
import type { HostConfig } from '../config.ts';
import type { ContainerRecord, MountPoint } from '../record.ts';
import { tmpfsMount } from '../spec/tmpfs.ts';
import { parseBindSpec, parseVolumesFrom } from './bind-spec.ts';
import { bindForVersion, mountsForVersion } from './for-version.ts';
import { badDestination, checkMountRequest, cleanPath, type PlannedMount, planMount } from './mount-request.ts';

export interface MountsAsked {
  /** Places of volumes: of the client's config and the image's. */
  volumes: readonly string[];
  hostConfig: Pick<HostConfig, 'Binds' | 'Mounts' | 'Tmpfs' | 'VolumesFrom' | 'VolumeDriver'>;
  /** Of the client's API version, 1.MINOR. */
  minor: number;
}

export interface MountSurroundings {
  dataRoot: string;
  /** Whether the host has something at a path. */
  exists(path: string): boolean;
  /** @throws 404 */
  container(reference: string): ContainerRecord;
}

const duplicate = (path: string) => badRequest(`Duplicate mount point: ${path}`);

/**
 * Who binds the daemon's own folder, or one above it, must not hold back what the daemon unmounts there.
 * @throws 400 for another propagation
 */
function keepDaemonFree(point: MountPoint, asked: string, dataRoot: string): void {
  if (point.Type !== 'bind' || !(point.Source.startsWith(dataRoot) || dataRoot.startsWith(point.Source))) return;
  if (asked === '') point.Propagation = 'rslave';
  else if (asked !== 'rslave' && asked !== 'rshared')
    throw badRequest(
      `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: ${JSON.stringify(dataRoot)}, bind mount source: ${JSON.stringify(point.Source)}, propagation: ${JSON.stringify(asked)}`,
    );
}

/** The mounts of another container, which this one is to have too. */
function fromOthers(texts: readonly string[], around: MountSurroundings): PlannedMount[] {
  return texts.flatMap((text) => {
    const { container, readonly } = parseVolumesFrom(text);
    let record: ContainerRecord;
    try {
      record = around.container(container);
    } catch (error) {
      throw isStatus(error, 404) ? badRequest((error as Error).message) : error;
    }
    return record.Mounts.map(({ CopyUp: _, ...point }) => ({
      point: { ...point, Mode: '', RW: point.RW && !readonly },
      ...(point.Type === 'volume' ? { volume: { name: point.Name }, shared: true as const } : {}),
    }));
  });
}

/** @throws 400 in Docker's words */
export function planMounts({ volumes, hostConfig, minor }: MountsAsked, around: MountSurroundings): PlannedMount[] {
  const mounts = mountsForVersion(hostConfig as HostConfig, minor);
  for (const mount of mounts) checkMountRequest(mount, around.exists);
  const tmpfs = Object.entries(hostConfig.Tmpfs ?? {});
  for (const [path, options] of tmpfs) {
    const bad = badDestination(path);
    if (bad !== undefined) throw badRequest(bad);
    tmpfsMount(path, options);
  }
  const taken = new Set(tmpfs.map(([path]) => cleanPath(path)));
  const planned = new Map<string, PlannedMount>();
  for (const mount of fromOthers(hostConfig.VolumesFrom ?? [], around)) planned.set(mount.point.Destination, mount);

  const add = (mount: PlannedMount, asked: string): void => {
    const { Destination } = mount.point;
    if (taken.has(Destination)) throw duplicate(Destination);
    taken.add(Destination);
    keepDaemonFree(mount.point, asked, around.dataRoot);
    planned.set(Destination, mount);
  };
  for (const text of hostConfig.Binds ?? []) {
    const { request: parsed, mode } = parseBindSpec(text, hostConfig.VolumeDriver);
    const request = bindForVersion(parsed, minor);
    try {
      // A folder of the host that is missing is made, for -v.
      checkMountRequest(request, () => true);
    } catch (error) {
      throw badRequest(`invalid volume specification: '${text}': ${(error as Error).message}`);
    }
    const { point, volume } = planMount(request);
    const shown = { ...point, Mode: mode === '' && point.Type === 'volume' ? 'z' : mode };
    if (point.Type === 'bind') shown.CreateSource = true;
    add({ point: shown, ...(volume ? { volume } : {}) }, request.BindOptions?.Propagation ?? '');
  }
  for (const request of mounts) {
    const { point, volume } = planMount(request);
    add(
      { point: { ...point, Mode: point.Type === 'volume' ? 'z' : '' }, ...(volume ? { volume } : {}) },
      request.BindOptions?.Propagation ?? '',
    );
  }
  for (const path of volumes) {
    // A path of an image may be relative: it begins at the root, as there is nothing else.
    const destination = cleanPath(`/${path}`);
    if (destination === '/') throw badRequest("invalid specification: destination can't be '/'");
    if (taken.has(destination) || planned.has(destination)) continue;
    const { point, volume } = planMount({ Type: 'volume', Target: destination } as Parameters<typeof planMount>[0]);
    planned.set(destination, { point, volume: { ...volume, driver: hostConfig.VolumeDriver } });
  }
  return [...planned.values()];
}
