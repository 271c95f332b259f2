/** /dev: the few devices that every program expects, the links, and those that the config adds. */
import { AT, MOUNT_ATTR, OPEN_TREE } from '../../libc/flags.ts';
import { kernelAtLeast } from '../host/facts.ts';
import { fchownat, mknodat, mountSetattr, openTree, statx, symlinkat, unlinkat } from '../program/calls.ts';
import { ref } from '../program/step.ts';
import type { Device } from '../spec/config.ts';
import { CAP_MKNOD, deviceNumber, deviceType, isDevice, isOfType } from './device-files.ts';
import { add, closeResult, type Draft, fresh, type Setting } from './draft.ts';
import { components, fileInside, folderInside } from './inside.ts';
import { bringsItsDevices, devOf, keyOf, takeMadeDevices } from './made-devices.ts';
import { keepsLockedFlags } from './mount-attributes.ts';
import { attach } from './root.ts';

/** What the specification says every container has. */
export const DEFAULT_DEVICES: readonly Required<Pick<Device, 'path' | 'type' | 'major' | 'minor' | 'fileMode'>>[] = [
  { path: '/dev/null', type: 'c', major: 1, minor: 3, fileMode: 0o666 },
  { path: '/dev/zero', type: 'c', major: 1, minor: 5, fileMode: 0o666 },
  { path: '/dev/full', type: 'c', major: 1, minor: 7, fileMode: 0o666 },
  { path: '/dev/random', type: 'c', major: 1, minor: 8, fileMode: 0o666 },
  { path: '/dev/urandom', type: 'c', major: 1, minor: 9, fileMode: 0o666 },
  { path: '/dev/tty', type: 'c', major: 5, minor: 0, fileMode: 0o666 },
];

const LINKS: [link: string, target: string, why: string][] = [
  ['fd', '/proc/self/fd', 'Shells write <(command) as /dev/fd/63.'],
  ['stdin', '/proc/self/fd/0', 'A name for standard input.'],
  ['stdout', '/proc/self/fd/1', 'A name for standard output: programs that want a log file can be given this.'],
  ['stderr', '/proc/self/fd/2', 'A name for standard error.'],
  ['ptmx', 'pts/ptmx', "Opening it makes a new terminal, in the container's own devpts."],
];
const CORE: (typeof LINKS)[number] = ['core', '/proc/kcore', 'Where some programs look for the memory of the kernel, which is masked.'];

/** A user namespace may not make device nodes (they would be a way around permissions): the host's are bound. */
const mustBind = (draft: Draft): boolean => keepsLockedFlags(draft) || !(draft.host.bounding & CAP_MKNOD);

/** Device nodes, default and configured, and the links in /dev. */
export function compileDevices(draft: Draft): void {
  const { config } = draft;
  const asked = config.linux?.devices ?? [];
  if (bringsItsDevices(draft)) return;
  const isFresh = devOf(config)?.type === 'tmpfs';
  const made = takeMadeDevices(draft);
  for (const device of DEFAULT_DEVICES) {
    if (asked.some((d) => keyOf(d.path) === keyOf(device.path))) continue;
    compileDevice(draft, { actor: 'init', chapter: 'devices', from: 'minirun' }, device, device.path === '/dev/null', isFresh);
  }
  asked.forEach((device, i) => {
    // It is a link to the one of the container's own devpts: the host's would make terminals of the host.
    if (keyOf(device.path) === 'dev/ptmx') return;
    const setting: Setting = { actor: 'init', chapter: 'devices', from: `#/linux/devices/${i}` };
    const tree = made.get(i);
    if (tree) bindTree(draft, setting, device, tree);
    else compileDevice(draft, setting, device, true, false);
  });
  compileLinks(draft, isFresh);
}

/** @param isFresh it lies in a file system that was made for this container: nothing can be there before */
function compileDevice(draft: Draft, setting: Setting, device: Device, major: boolean, isFresh: boolean): void {
  if (mustBind(draft) && device.type !== 'p') {
    bindDevice(draft, setting, device);
    return;
  }
  const parts = components(device.path);
  const parent = folderInside(draft, setting, parts.slice(0, -1).join('/'));
  const name = parts.at(-1) as string;
  const mode = (device.fileMode ?? 0o666) & 0o7777;
  add(draft, {
    ...setting,
    call: mknodat(ref(parent), name, deviceType(device) | mode, deviceNumber(device)),
    ignore: ['EEXIST'],
    minor: !major,
    why:
      device.path === '/dev/null'
        ? 'A device file is only a name for a driver in the kernel: type, major and minor number. These few are harmless and every program expects them; disks, memory and the rest are left out.'
        : device.type === 'p'
          ? `${device.path}: a fifo, a pipe with a name.`
          : `${device.path}: driver ${device.major ?? 0}, device ${device.minor ?? 0}.`,
  });
  if (!isFresh) compileSameDevice(draft, setting, parent, name, device);
  if (device.uid || device.gid)
    add(draft, {
      ...setting,
      call: fchownat(ref(parent), name, device.uid ?? 0, device.gid ?? 0, AT.AT_SYMLINK_NOFOLLOW),
      minor: true,
      why: 'Its owner, as configured.',
    });
}

/** What is there already must be that device (config-linux.md, "Devices"); a link is none. */
function compileSameDevice(draft: Draft, setting: Setting, parent: string, name: string, device: Device): void {
  const otherwise = `${device.path} exists in the image and is something else than the device that is asked for; remove it from the image.`;
  const checks =
    device.type === 'p' ? [isOfType('p', otherwise)] : isDevice(device.type, device.major ?? 0, device.minor ?? 0, device.path, otherwise);
  add(draft, {
    ...setting,
    call: statx(ref(parent), name, AT.AT_SYMLINK_NOFOLLOW),
    minor: true,
    expect: checks,
    why: 'If the image had a file of this name, it must be this very device.',
  });
}

function bindDevice(draft: Draft, setting: Setting, device: Device): void {
  const tree = fresh(draft, 'device');
  add(draft, {
    ...setting,
    call: openTree(-100, device.path, OPEN_TREE.OPEN_TREE_CLONE),
    saves: tree,
    minor: true,
    why: "Take the host's device file as a mount, attached nowhere yet.",
  });
  if (device.major !== undefined && device.minor !== undefined) {
    add(draft, {
      ...setting,
      call: statx(ref(tree), '', AT.AT_EMPTY_PATH),
      minor: true,
      expect: isDevice(device.type, device.major, device.minor, device.path),
      why: 'Look whether it really is that device before it goes into the container (CVE-2025-31133).',
    });
  }
  if (kernelAtLeast(draft.host, 5, 12))
    add(draft, {
      ...setting,
      call: mountSetattr(ref(tree), AT.AT_EMPTY_PATH, { set: MOUNT_ATTR.MOUNT_ATTR_NOSUID | MOUNT_ATTR.MOUNT_ATTR_NOEXEC, clear: 0 }),
      minor: true,
      why: 'A device is read and written, never executed.',
    });
  bindTree(draft, setting, device, tree);
}

/** @param tree the result that holds a mount of the device file alone */
function bindTree(draft: Draft, setting: Setting, device: Device, tree: string): void {
  const target = fileInside(draft, setting, device.path, { links: false });
  add(draft, {
    ...setting,
    call: attach(tree, target),
    minor: device.path !== '/dev/null',
    why: `Bind the device file at ${device.path}: in a user namespace nobody may make one, because that would be a way around the permissions of the host's.`,
  });
  closeResult(draft, setting, ref(target));
  closeResult(draft, setting, ref(tree));
}

/** @param isFresh /dev was made for this container */
function compileLinks(draft: Draft, isFresh: boolean): void {
  const setting: Setting = { actor: 'init', chapter: 'devices', from: 'minirun' };
  const dev = folderInside(draft, setting, 'dev');
  if (!isFresh)
    add(draft, {
      ...setting,
      call: unlinkat(ref(dev), 'ptmx', 0),
      ignore: ['ENOENT'],
      minor: true,
      why: "The image's own ptmx, if it has one, would make terminals of the host.",
    });
  const links = draft.host.files['/proc/kcore'] === 'file' ? [...LINKS, CORE] : LINKS;
  for (const [link, target, why] of links) {
    add(draft, { ...setting, call: symlinkat(target, ref(dev), link), ignore: ['EEXIST'], minor: true, why });
  }
}
