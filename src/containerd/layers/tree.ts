/**
 * The file tree that mounts make, open. A bind is its source. Anything else is mounted without a
 * place, fsmount(2): only the descriptor leads there, so nothing stays mounted when the process is
 * killed, and no other process sees it.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { call, closeFd } from '../../libc/fd.ts';
import { addressOf, cstring, must } from '../../libc/ffi.ts';
import { invalidArgument, notImplemented } from '../errors.ts';
import type { Mount } from '../snapshots/mount.ts';

export interface OpenTree {
  /** Of the tree's root folder. */
  fd: number;
  close(): void;
}

const CLOEXEC = 1;
const SET_FLAG = 0;
const SET_STRING = 1;
const CREATE = 6;
/** Options that say how to mount, not what: nothing here writes, executes or opens a device. */
const OF_THE_MOUNT = new Set([
  'ro',
  'rw',
  'nodev',
  'nosuid',
  'noexec',
  'noatime',
  'nodiratime',
  'relatime',
  'rbind',
  'bind',
  'private',
  'rprivate',
]);

/** @throws invalid argument for no mounts, not implemented for several */
export function openTree(mounts: readonly Mount[]): OpenTree {
  const [mount] = mounts;
  if (!mount) throw invalidArgument('no mounts');
  if (mounts.length > 1 || mount.target) throw notImplemented('more than one mount for a file tree');
  if (mount.type === 'bind' || mount.options.includes('bind') || mount.options.includes('rbind')) {
    const fd = openSync(mount.source, constants.O_RDONLY | constants.O_DIRECTORY);
    return { fd, close: () => closeSync(fd) };
  }
  const fd = mountNowhere(mount);
  return { fd, close: () => closeFd(fd) };
}

function mountNowhere(mount: Mount): number {
  const name = cstring(mount.type);
  const context = must(`fsopen ${mount.type}`, call('fsopen', addressOf(name), CLOEXEC));
  try {
    const set = (kind: number, key: string, value?: string): void => {
      const [k, v] = [cstring(key), value === undefined ? undefined : cstring(value)];
      must(
        `${mount.type}: set ${key}${value === undefined ? '' : `=${value}`}`,
        call('fsconfig', context, kind, addressOf(k), v ? addressOf(v) : 0, 0),
      );
    };
    set(SET_STRING, 'source', mount.source);
    for (const option of mount.options) {
      if (OF_THE_MOUNT.has(option)) continue;
      const equals = option.indexOf('=');
      if (equals < 0) set(SET_FLAG, option);
      else set(SET_STRING, option.slice(0, equals), option.slice(equals + 1));
    }
    must(`mount ${mount.type} with ${mount.options.join(',')}`, call('fsconfig', context, CREATE, 0, 0, 0));
    return must(`fsmount ${mount.type}`, call('fsmount', context, CLOEXEC, 0));
  } finally {
    closeFd(context);
  }
}
