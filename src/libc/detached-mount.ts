/**
 * A mount without a place: fsopen(2), fsmount(2). Only the descriptor leads there, so nothing is
 * mounted any more when it is closed, or its process is killed, and no other process sees it.
 */
import { closeSync, constants, mkdtempSync, openSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ERRNO, SyscallError } from './errno.ts';
import { hostArch } from './fd.ts';
import { lastErrno, loadLibc } from './ffi.ts';
import { MNT } from './flags.ts';
import { mount, shortenedLowers, unmount } from './mount.ts';
import { syscallNumber } from './syscalls.ts';

const CLOEXEC = 1;
const FSCONFIG = { SET_FLAG: 0, SET_STRING: 1, CREATE: 6 } as const;
/** fsconfig(2) takes strings of at most 255 bytes, mount(2) a page for all of them. */
const LONGEST_VALUE = 255;

type Call = (...args: (number | Buffer | null)[]) => number;
let text1: Call | undefined;
let text3: Call | undefined;
let plain: Call | undefined;

function checked(doing: string, result: number): number {
  if (result < 0) throw new SyscallError(doing, lastErrno());
  return result;
}

const bytes = (text: string): Buffer => Buffer.from(`${text}\0`);

function fsopen(type: string): number {
  text1 ??= loadLibc().func('long syscall(long, const void *, int)') as unknown as Call;
  return checked(`fsopen ${type}`, text1(syscallNumber('fsopen', hostArch()), bytes(type), CLOEXEC));
}

function fsconfig(context: number, command: number, key?: string, value?: string): void {
  text3 ??= loadLibc().func('long syscall(long, int, int, const void *, const void *, int)') as unknown as Call;
  const result = text3(
    syscallNumber('fsconfig', hostArch()),
    context,
    command,
    key === undefined ? null : bytes(key),
    value === undefined ? null : bytes(value),
    0,
  );
  checked(`fsconfig ${key ?? 'create'}${value === undefined ? '' : `=${value}`}`, result);
}

/**
 * Mounts a file system nowhere.
 * @param options those of the file system: `name` or `name=value`
 * @returns a descriptor of its root folder; the caller closes it
 * @throws SyscallError
 */
export function detachedMount(type: string, source: string, options: readonly string[]): number {
  if (options.some((option) => option.length - option.indexOf('=') > LONGEST_VALUE && !option.startsWith('lowerdir='))) {
    return mountedAndDetached(type, source, options);
  }
  const context = fsopen(type);
  try {
    fsconfig(context, FSCONFIG.SET_STRING, 'source', source);
    for (const option of options) {
      const equals = option.indexOf('=');
      const value = option.slice(equals + 1);
      if (equals < 0) fsconfig(context, FSCONFIG.SET_FLAG, option);
      else if (value.length <= LONGEST_VALUE) fsconfig(context, FSCONFIG.SET_STRING, option.slice(0, equals), value);
      // One after another, from Linux 6.7.
      else
        for (const lower of value.split(/(?<!\\):/))
          fsconfig(context, FSCONFIG.SET_STRING, 'lowerdir+', lower.replace(/\\([\\:,])/g, '$1'));
    }
    fsconfig(context, FSCONFIG.CREATE);
    plain ??= loadLibc().func('long syscall(long, int, unsigned int, unsigned int)') as unknown as Call;
    return checked(`fsmount ${type}`, plain(syscallNumber('fsmount', hostArch()), context, CLOEXEC, 0));
  } catch (error) {
    const code = (error as SyscallError).errno;
    if (code !== ERRNO.EINVAL || !options.some((option) => option.startsWith('lowerdir='))) throw error;
    return mountedAndDetached(type, source, options);
  } finally {
    closeSync(context);
  }
}

/** What older kernels can: it has a place for as long as it takes to open it. */
function mountedAndDetached(type: string, source: string, options: readonly string[]): number {
  const place = mkdtempSync(join(tmpdir(), 'minirun-mount-'));
  const before = process.cwd();
  try {
    const data = options.join(',');
    const shorter = shortenedLowers(data);
    if (shorter) process.chdir(shorter.folder);
    try {
      mount({ type, source, target: place, flags: 0, data: shorter?.data ?? data });
    } finally {
      if (shorter) process.chdir(before);
    }
    try {
      return openSync(place, constants.O_RDONLY | constants.O_DIRECTORY);
    } finally {
      unmount(place, MNT.MNT_DETACH);
    }
  } finally {
    rmdirSync(place);
  }
}
