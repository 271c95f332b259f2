/** Device files: their kind and number, as the kernel takes and shows them. */
import { S } from '../../libc/flags.ts';
import type { Expect } from '../program/step.ts';
import type { Device } from '../spec/config.ts';

/** Making device files; bit 27 of a capability set. */
export const CAP_MKNOD = 1n << 27n;

const TYPE = { c: S.S_IFCHR, u: S.S_IFCHR, b: S.S_IFBLK, p: S.S_IFIFO } as const;

export const deviceType = (device: Pick<Device, 'type'>): number => TYPE[device.type];

/** dev_t as the kernel's mknod takes it (12 bits of major, 20 of minor). */
export const makedev = (major: number, minor: number): number => ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;

export const deviceNumber = (device: Pick<Device, 'major' | 'minor'>): number => makedev(device.major ?? 0, device.minor ?? 0);

/** Offsets in struct statx. */
const STX_MODE = 28;
const STX_RDEV_MAJOR = 128;
const STX_RDEV_MINOR = 132;

export const isOfType = (type: Device['type'], otherwise: string): Expect => ({
  arg: 4,
  offset: STX_MODE,
  size: 2,
  mask: 0o170000n,
  equals: BigInt(TYPE[type]),
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
    isOfType(type, otherwise),
    { arg: 4, offset: STX_RDEV_MAJOR, size: 4, mask: 0xffffffffn, equals: BigInt(major), otherwise },
    { arg: 4, offset: STX_RDEV_MINOR, size: 4, mask: 0xffffffffn, equals: BigInt(minor), otherwise },
  ];
}
