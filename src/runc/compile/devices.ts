/** /dev: the few devices that every program expects, the links, and those that the config adds. */
import { AT, OPEN_TREE, S } from '../../libc/flags.ts';
import { fchownat, mknodat, openTree, statx, symlinkat, unlinkat } from '../program/calls.ts';
import { type Expect, ref } from '../program/step.ts';
import type { Device } from '../spec/config.ts';
import { parseMountOptions } from '../spec/mount-options.ts';
import { add, closeResult, type Draft, fresh, type Setting } from './draft.ts';
import { components, fileInside, folderInside } from './inside.ts';
import { keepsLockedFlags } from './mount-attributes.ts';
import { isBind } from './mount-sources.ts';
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
const CAP_MKNOD = 1n << 27n;

/** dev_t as the kernel's mknod takes it (12 bits of major, 20 of minor). */
export const makedev = (major: number, minor: number): number => ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;

const TYPE = { c: S.S_IFCHR, u: S.S_IFCHR, b: S.S_IFBLK, p: S.S_IFIFO } as const;

/** Offsets in struct statx. */
const STX_MODE = 28;
const STX_RDEV_MAJOR = 128;
const STX_RDEV_MINOR = 132;

const isOfType = (type: number, otherwise: string): Expect => ({
  arg: 4,
  offset: STX_MODE,
  size: 2,
  mask: 0o170000n,
  equals: BigInt(type),
  otherwise,
});

/** That what was opened is this device, and not something that was put in its place (CVE-2025-31133). */
export function isDevice(
  type: Device['type'],
  major: number,
  minor: number,
  path: string,
  otherwise = `${path} of this host is not the device ${major}:${minor} that it should be; somebody may have replaced it.`,
): Expect[] {
  return [
    isOfType(TYPE[type], otherwise),
    { arg: 4, offset: STX_RDEV_MAJOR, size: 4, mask: 0xffffffffn, equals: BigInt(major), otherwise },
    { arg: 4, offset: STX_RDEV_MINOR, size: 4, mask: 0xffffffffn, equals: BigInt(minor), otherwise },
  ];
}

/** A user namespace may not make device nodes (they would be a way around permissions): the host's are bound. */
const mustBind = (draft: Draft): boolean => keepsLockedFlags(draft) || !(draft.host.bounding & CAP_MKNOD);

/** Device nodes, default and configured, and the links in /dev. */
export function compileDevices(draft: Draft): void {
  const { config } = draft;
  const asked = config.linux?.devices ?? [];
  const dev = config.mounts?.find((m) => keyOf(m.destination) === 'dev');
  // /dev that is bound from the host brings its own devices.
  if (dev && isBind(dev, parseMountOptions(dev.options ?? []))) return;
  const isFresh = dev?.type === 'tmpfs';
  for (const device of DEFAULT_DEVICES) {
    if (asked.some((d) => keyOf(d.path) === keyOf(device.path))) continue;
    compileDevice(draft, { actor: 'init', chapter: 'devices', from: 'minirun' }, device, device.path === '/dev/null', isFresh);
  }
  asked.forEach((device, i) => {
    // It is a link to the one of the container's own devpts: the host's would make terminals of the host.
    if (keyOf(device.path) === 'dev/ptmx') return;
    compileDevice(draft, { actor: 'init', chapter: 'devices', from: `#/linux/devices/${i}` }, device, true, false);
  });
  compileLinks(draft, isFresh);
}

const keyOf = (path: string): string => components(path).join('/');

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
    call: mknodat(ref(parent), name, TYPE[device.type] | mode, makedev(device.major ?? 0, device.minor ?? 0)),
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
    device.type === 'p'
      ? [isOfType(S.S_IFIFO, otherwise)]
      : isDevice(device.type, device.major ?? 0, device.minor ?? 0, device.path, otherwise);
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
  const target = fileInside(draft, setting, device.path, { links: false });
  add(draft, {
    ...setting,
    call: attach(tree, target),
    minor: device.path !== '/dev/null',
    why: `Bind ${device.path} of the host: in a user namespace nobody may make device files, because that would be a way around the permissions of the host's.`,
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
