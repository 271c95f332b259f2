/** Where a mount goes: a place inside the rootfs that is not part of the kernel's own file systems. */
import { fstatfs } from '../program/calls.ts';
import { type Expect, ref } from '../program/step.ts';
import { REPLACEABLE_IN_PROC } from '../spec/mount-destination.ts';
import { add, type Draft, type Setting } from './draft.ts';

const PROC_SUPER_MAGIC = 0x9fa0n;

/** struct statfs begins with the type of the file system. */
const fileSystemType = (equals: bigint, otherwise: string): Expect => ({
  arg: 1,
  offset: 0,
  size: 8,
  mask: 0xffffffffn,
  equals,
  otherwise,
});

/** What fstatfs(2) must say of a descriptor that should be in a procfs. */
export const isProcfs = (otherwise: string): Expect[] => [fileSystemType(PROC_SUPER_MAGIC, otherwise)];

/**
 * A destination may lead into /proc by a link of the image, or by one that somebody puts there now.
 * A mount over /proc/self/attr or /proc/sys would let the container decide what this program reads
 * and writes there (CVE-2019-16884, CVE-2025-52881).
 */
export function compileNotInProc(draft: Draft, setting: Setting, target: string, destination: string): void {
  add(draft, {
    ...setting,
    call: fstatfs(ref(target)),
    minor: true,
    expect: [
      {
        ...fileSystemType(
          PROC_SUPER_MAGIC,
          `${destination} leads into /proc, where nothing may be mounted: a link in the image points there.`,
        ),
        not: true,
      },
    ],
    why: 'Make sure that no link has led into /proc: a mount there would deceive whoever reads or writes the settings of a process (CVE-2019-16884).',
  });
}

/** @param key the destination's components, joined with `/` */
export const isReplaceable = (key: string): boolean => key.startsWith('proc/') && REPLACEABLE_IN_PROC.has(key.slice(5));
