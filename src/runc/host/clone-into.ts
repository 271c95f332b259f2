/** Whether a process can be born in a cgroup here: clone3(2) with CLONE_INTO_CGROUP, since Linux 5.7. */
import { release } from 'node:os';
import { syscall } from '../../libc/ffi.ts';
import { syscallNumber } from '../../libc/syscalls.ts';
import { kernelVersion } from './probe.ts';

const EINVAL = 22;
let known: boolean | undefined;

/** A filter around this process (an engine's, older than the call) may forbid it: then it says so to an empty call, too. */
export function mayCloneInto(): boolean {
  known ??= look();
  return known;
}

function look(): boolean {
  const [major, minor] = kernelVersion(release());
  if (process.platform !== 'linux' || major < 5 || (major === 5 && minor < 7)) return false;
  return syscall(syscallNumber('clone3', process.arch === 'arm64' ? 'arm64' : 'x64'), [0, 0]) === -EINVAL;
}
