/** /dev: the few devices that every program expects, the links, and those that the config adds. */
import { AT, OPEN_TREE, S } from '../../libc/flags.ts';
import { fchownat, mknodat, openTree, statx, symlinkat } from '../program/calls.ts';
import { type Expect, ref } from '../program/step.ts';
import type { Device } from '../spec/config.ts';
import { add, closeResult, type Draft, fresh, hasNamespace, type Setting } from './draft.ts';
import { components, fileInside, folderInside } from './inside.ts';
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
];

/** dev_t as the kernel's mknod takes it (12 bits of major, 20 of minor). */
export const makedev = (major: number, minor: number): number => ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;

const TYPE = { c: S.S_IFCHR, u: S.S_IFCHR, b: S.S_IFBLK, p: S.S_IFIFO } as const;

/** Offsets in struct statx. */
const STX_MODE = 28;
const STX_RDEV_MAJOR = 128;
const STX_RDEV_MINOR = 132;

/** That what was opened is this device, and not something that was put in its place (CVE-2025-31133). */
export function isDevice(type: 'c' | 'b', major: number, minor: number, path: string): Expect[] {
  const otherwise = `${path} of this host is not the device ${major}:${minor} that it should be; somebody may have replaced it.`;
  return [
    { arg: 4, offset: STX_MODE, size: 2, mask: 0o170000n, equals: BigInt(type === 'b' ? S.S_IFBLK : S.S_IFCHR), otherwise },
    { arg: 4, offset: STX_RDEV_MAJOR, size: 4, mask: 0xffffffffn, equals: BigInt(major), otherwise },
    { arg: 4, offset: STX_RDEV_MINOR, size: 4, mask: 0xffffffffn, equals: BigInt(minor), otherwise },
  ];
}

/** A user namespace may not make device nodes (they would be a way around permissions): the host's are bound. */
const mustBind = (draft: Draft): boolean => hasNamespace(draft.config, 'user') || draft.host.uid !== 0;

/** Device nodes, default and configured, and the links in /dev. */
export function compileDevices(draft: Draft): void {
  const { config } = draft;
  const asked = config.linux?.devices ?? [];
  const dev = config.mounts?.find((m) => components(m.destination).join('/') === 'dev');
  // /dev that is bound from the host brings its own devices.
  if (dev && (dev.type === 'bind' || dev.options?.some((o) => o === 'bind' || o === 'rbind'))) return;
  for (const device of DEFAULT_DEVICES) {
    if (asked.some((d) => d.path === device.path)) continue;
    compileDevice(draft, { actor: 'init', chapter: 'devices', from: 'minirun' }, device, device.path === '/dev/null');
  }
  asked.forEach((device, i) => {
    compileDevice(draft, { actor: 'init', chapter: 'devices', from: `#/linux/devices/${i}` }, device, true);
  });
  compileLinks(draft);
}

function compileDevice(draft: Draft, setting: Setting, device: Device, major: boolean): void {
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
        : `${device.path}: driver ${device.major ?? 0}, device ${device.minor ?? 0}.`,
  });
  if (device.uid || device.gid)
    add(draft, {
      ...setting,
      call: fchownat(ref(parent), name, device.uid ?? 0, device.gid ?? 0, AT.AT_SYMLINK_NOFOLLOW),
      minor: true,
      why: 'Its owner, as configured.',
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
      expect: isDevice(device.type === 'b' ? 'b' : 'c', device.major, device.minor, device.path),
      why: 'Look whether it really is that device before it goes into the container (CVE-2025-31133).',
    });
  }
  const target = fileInside(draft, setting, device.path);
  add(draft, {
    ...setting,
    call: attach(tree, target),
    minor: device.path !== '/dev/null',
    why: `Bind ${device.path} of the host: in a user namespace nobody may make device files, because that would be a way around the permissions of the host's.`,
  });
  closeResult(draft, setting, ref(target));
  closeResult(draft, setting, ref(tree));
}

function compileLinks(draft: Draft): void {
  const setting: Setting = { actor: 'init', chapter: 'devices', from: 'minirun' };
  const dev = folderInside(draft, setting, 'dev');
  const hasPts = draft.config.mounts?.some((m) => m.type === 'devpts');
  const links = hasPts
    ? [...LINKS, ['ptmx', 'pts/ptmx', "Opening it makes a new terminal, in the container's own devpts."] as const]
    : LINKS;
  for (const [link, target, why] of links) {
    add(draft, { ...setting, call: symlinkat(target, ref(dev), link), ignore: ['EEXIST'], minor: true, why });
  }
}
