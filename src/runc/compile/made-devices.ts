/**
 * Device files for a user namespace. Nobody in one may make them, and those of the host have the
 * host's owner and mode. So the starter, which still has the host's privileges, makes those that
 * the config lists in a small file system of their own; init takes them from there one by one.
 */
import { MNT, MOUNT_ATTR, OPEN_TREE } from '../../libc/flags.ts';
import { kernelAtLeast } from '../host/facts.ts';
import { fchmodat, fchownat, fsconfigCreate, fsmount, fsopen, mknodat, openTree, umount2 } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import type { Config, Device, IdMapping, Mount } from '../spec/config.ts';
import { parseMountOptions } from '../spec/mount-options.ts';
import { CAP_MKNOD, deviceNumber, deviceType } from './device-files.ts';
import { add, closeResult, type Draft, fresh, isNew, type Setting } from './draft.ts';
import { components, folderInside, through } from './inside.ts';
import { isBind } from './mount-sources.ts';
import { attach } from './root.ts';

/** The result that holds their file system. */
const STORE = 'devices';

/** True for the devices of the config that the starter makes. */
const madeByStarter = (draft: Draft, device: Device): boolean =>
  device.type !== 'p' &&
  isNew(draft.config, 'user') &&
  draft.host.uid === 0 &&
  !draft.host.inUserNamespace &&
  (draft.host.bounding & CAP_MKNOD) !== 0n &&
  kernelAtLeast(draft.host, 5, 2);

export const keyOf = (path: string): string => components(path).join('/');

/** The mount at /dev. */
export const devOf = (config: Config): Mount | undefined => config.mounts?.find((m) => keyOf(m.destination) === 'dev');

/** /dev that is bound from the host brings its own devices. */
export const bringsItsDevices = (draft: Draft): boolean => {
  const dev = devOf(draft.config);
  return dev !== undefined && isBind(dev, parseMountOptions(dev.options ?? []));
};

const made = (draft: Draft): { device: Device; i: number }[] =>
  bringsItsDevices(draft)
    ? []
    : (draft.config.linux?.devices ?? [])
        .map((device, i) => ({ device, i }))
        .filter(({ device }) => madeByStarter(draft, device) && keyOf(device.path) !== 'dev/ptmx');

/** The id outside that stands for `id` inside; undefined where there is none. */
const outside = (maps: IdMapping[] | undefined, id: number): number | undefined => {
  const map = maps?.find((m) => id >= m.containerID && id < m.containerID + m.size);
  return map && map.hostID + id - map.containerID;
};

/** The starter's part, before it gives up the host's privileges. */
export function compileMadeDevices(draft: Draft): void {
  const devices = made(draft);
  if (!devices.length) return;
  const starter: Setting = { actor: 'starter', chapter: 'devices', from: '#/linux/devices' };
  const context = fresh(draft, 'context');
  add(draft, {
    ...starter,
    call: fsopen('tmpfs'),
    saves: context,
    minor: true,
    why: 'A file system in memory, for device files that only this process may make.',
  });
  add(draft, { ...starter, call: fsconfigCreate(ref(context)), minor: true, why: 'Make it.' });
  add(draft, {
    ...starter,
    call: fsmount(ref(context), MOUNT_ATTR.MOUNT_ATTR_NOSUID | MOUNT_ATTR.MOUNT_ATTR_NOEXEC),
    saves: STORE,
    why: 'Mount it nowhere: it is held by a descriptor. Because it belongs to the host, device files in it work, in a user namespace too.',
  });
  closeResult(draft, starter, ref(context));
  const { uidMappings, gidMappings } = draft.config.linux ?? {};
  for (const { device, i } of devices) {
    const setting: Setting = { ...starter, from: `#/linux/devices/${i}` };
    const owner = [outside(uidMappings, device.uid ?? 0), outside(gidMappings, device.gid ?? 0)] as const;
    if ((device.uid && owner[0] === undefined) || (device.gid && owner[1] === undefined))
      throw new Error(
        `${setting.from}: the owner ${device.uid ?? 0}:${device.gid ?? 0} is not mapped into the container by linux.uidMappings and gidMappings`,
      );
    add(draft, {
      ...setting,
      call: mknodat(ref(STORE), String(i), deviceType(device) | 0o600, deviceNumber(device)),
      minor: true,
      why: `${device.path}: the name under which it is kept until it has its place is its number in the list.`,
    });
    add(draft, {
      ...setting,
      call: fchownat(ref(STORE), String(i), owner[0] ?? 0, owner[1] ?? 0, 0),
      minor: true,
      why: 'Its owner, by the number that it has outside.',
    });
    add(draft, {
      ...setting,
      call: fchmodat(ref(STORE), String(i), (device.fileMode ?? 0o666) & 0o7777),
      minor: true,
      why: 'Its permissions.',
    });
  }
}

/**
 * Init's part: a mount of each file alone, attached nowhere yet. Files can be taken only from what
 * is mounted in this mount namespace, so their file system lies over /dev for a moment.
 * @returns the results that hold them, by index in linux.devices
 */
export function takeMadeDevices(draft: Draft): Map<number, string> {
  const trees = new Map<number, string>();
  const devices = made(draft);
  if (!devices.length) return trees;
  const init: Setting = { actor: 'init', chapter: 'devices', from: '#/linux/devices' };
  const dev = folderInside(draft, init, 'dev');
  add(draft, {
    ...init,
    call: attach(STORE, dev),
    minor: true,
    why: 'Files can be bound only from what is mounted here: their file system lies over /dev for a moment.',
  });
  for (const { device, i } of devices) {
    const tree = fresh(draft, 'device');
    trees.set(i, tree);
    add(draft, {
      ...init,
      from: `#/linux/devices/${i}`,
      call: openTree(ref(STORE), String(i), OPEN_TREE.OPEN_TREE_CLONE),
      saves: tree,
      minor: true,
      why: `Take ${device.path} as a mount of its own.`,
    });
  }
  add(draft, { ...init, call: umount2(through(STORE), MNT.MNT_DETACH), minor: true, why: 'All are taken: /dev appears again.' });
  closeResult(draft, init, ref(STORE));
  return trees;
}
