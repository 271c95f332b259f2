/**
 * The options of the cgroup2 file system (cgroups(7): nsdelegate, memory_recursiveprot, …) are the
 * whole machine's: the kernel takes those of whoever mounts it last. criu mounts it for itself,
 * without any, and so switches them off. They are put back as they were.
 */
import { readFileSync } from 'node:fs';
import { call, closeFd } from '../../libc/fd.ts';
import { addressOf, cstring } from '../../libc/ffi.ts';

const FSOPEN_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_CMD_CREATE = 6;

/** The options from the text of /proc/PID/mountinfo; undefined where cgroup2 is not mounted. */
export function cgroup2Options(mountinfo: string): string[] | undefined {
  const words = / - cgroup2 \S+ (\S+)$/m.exec(mountinfo)?.[1]?.split(',');
  return words?.filter((word) => word !== 'rw' && word !== 'ro').sort();
}

const now = (): string[] | undefined => cgroup2Options(readFileSync('/proc/self/mountinfo', 'utf8'));

/** Makes a context of the file system, which applies the options, and lets go of it unmounted (fsopen(2)). */
function apply(options: string[]): boolean {
  const type = cstring('cgroup2');
  const names = options.map(cstring);
  const context = call('fsopen', addressOf(type), FSOPEN_CLOEXEC);
  if (context < 0) return false;
  try {
    return (
      names.every((name) => call('fsconfig', context, FSCONFIG_SET_FLAG, addressOf(name), 0, 0) >= 0) &&
      call('fsconfig', context, FSCONFIG_CMD_CREATE, 0, 0, 0) >= 0
    );
  } finally {
    closeFd(context);
  }
}

/** Lets criu work, and then looks whether the options are still the same. */
export function keepingCgroup2Options<T>(work: () => T, warn: (sentence: string) => void): T {
  const before = now();
  try {
    return work();
  } finally {
    if (before?.length && before.join() !== now()?.join() && !apply(before))
      warn(
        `criu has changed the options of cgroup2, which were ${before.join(',')}; mount -o remount,${before.join(',')} brings them back`,
      );
  }
}
