/** Mounting the file system that a volume is. */
import { execFile } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { promisify } from 'node:util';
import { MNT, MS } from '../../libc/flags.ts';
import { mount, unmount } from '../../libc/mount.ts';
import { parseMountOptions } from '../../runc/spec/mount-options.ts';
import { serverError } from '../http/api-error.ts';
import type { LocalMount } from './driver-options.ts';

/** Another machine has their files: mount(2) may wait for minutes, so another process makes the call. */
const REMOTE = /^(nfs\d?|cifs|smb3|ceph|9p|glusterfs|fuse.*)$/;

/** What a bind takes only in a second call; mount(2), "Remounting an existing mount". */
const OF_THE_MOUNT = MS.MS_RDONLY | MS.MS_NOSUID | MS.MS_NODEV | MS.MS_NOEXEC | MS.MS_NOATIME | MS.MS_NODIRATIME | MS.MS_RELATIME;

const addressOf = async (host: string): Promise<string> => (await lookup(host)).address;

/** The kernel resolves no names: `addr=HOST`, and the host of a share, become addresses. */
async function withAddresses({ type, device, options }: LocalMount): Promise<LocalMount> {
  if (!/^(nfs\d?|cifs)$/.test(type)) return { type, device, options };
  const at = options.findIndex((option) => option.startsWith('addr='));
  const host = options[at]?.slice('addr='.length);
  if (host !== undefined) return { type, device, options: isIPv4(host) ? options : options.with(at, `addr=${await addressOf(host)}`) };
  const [, server, share] = (type === 'cifs' && /^\/\/([^/:]+)(\/.*)?$/.exec(device)) || [];
  if (server === undefined || isIPv4(server)) return { type, device, options };
  return { type, device: `//${await addressOf(server)}${share ?? ''}`, options };
}

/** A password in an error would be in the logs, and on every client's terminal. */
const hidden = (text: string): string => text.replace(/(pass(?:word)?\d?)=[^,\s]*/g, '$1=********');

/**
 * Mounts it.
 * @param target a folder of the daemon
 * @throws 500 with what mount(2) said
 */
export async function mountLocal(wanted: LocalMount, target: string): Promise<void> {
  try {
    const { type, device, options } = await withAddresses(wanted);
    if (REMOTE.test(type)) {
      await promisify(execFile)('mount', ['-i', '-t', type, '-o', options.join(',') || 'defaults', '--', device, target]);
      return;
    }
    const { bind, flags, propagation, data } = parseMountOptions(options);
    mount({
      type: bind ? '' : type,
      source: device,
      target,
      flags: bind ? flags & (MS.MS_BIND | MS.MS_REC) : flags,
      data: bind ? '' : data,
    });
    try {
      const restrictions = flags & OF_THE_MOUNT;
      if (bind && restrictions) mount({ type: '', source: device, target, flags: MS.MS_REMOUNT | MS.MS_BIND | restrictions, data: '' });
      for (const change of propagation) mount({ type: '', source: '', target, flags: change, data: '' });
    } catch (error) {
      unmountLocal(target);
      throw error;
    }
  } catch (error) {
    const text = hidden((error as { stderr?: string }).stderr?.trim() || (error as Error).message);
    throw serverError(`error while mounting volume '${target}': failed to mount local volume: ${text}`);
  }
}

/** Containers that still have it in their own mount namespaces keep it. */
export const unmountLocal = (target: string): boolean => unmount(target, MNT.MNT_DETACH);
