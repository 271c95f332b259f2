/** `--tmpfs PATH:OPTIONS`: tmpfs(5). */
import type { Mount } from '../../../runc/spec/config.ts';
import { badRequest } from '../../http/api-error.ts';

/** Words that undo each other; what is said last counts. */
// biome-ignore format: a table
const KEY: Record<string, string> = {
  ro: 'ro', rw: 'ro', suid: 'suid', nosuid: 'suid', dev: 'dev', nodev: 'dev', exec: 'exec', noexec: 'exec', sync: 'sync', async: 'sync',
  dirsync: 'dirsync', remount: 'remount', mand: 'mand', nomand: 'mand', atime: 'atime', noatime: 'atime', diratime: 'diratime',
  nodiratime: 'diratime', relatime: 'relatime', norelatime: 'relatime', strictatime: 'strictatime', nostrictatime: 'strictatime',
  bind: 'propagation', rbind: 'propagation', unbindable: 'propagation', runbindable: 'propagation', private: 'propagation',
  rprivate: 'propagation', shared: 'propagation', rshared: 'propagation', slave: 'propagation', rslave: 'propagation',
};
const VALUES = new Set(['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol']);

/** Each thing once, as it was said last. @throws 400 `invalid tmpfs option` */
function merged(options: readonly string[]): string[] {
  const last = new Map<string, string>();
  for (const option of options) {
    if (option === 'defaults') continue;
    const [name = ''] = option.split('=', 1);
    const key = KEY[option] ?? (option.includes('=') && VALUES.has(name) ? name : undefined);
    if (key === undefined) throw badRequest(`invalid tmpfs option ${JSON.stringify(name)}`);
    last.delete(key);
    last.set(key, option);
  }
  return [...last.values()];
}

/** What Docker takes for granted: nothing there is executed, and nothing there is a device. */
export const CAREFUL = ['noexec', 'nosuid', 'nodev', 'rprivate'];

/**
 * A mount for a tmpfs.
 * @param options as typed: `size=64m,exec`
 */
export const tmpfsMount = (destination: string, options: string): Mount => ({
  destination,
  type: 'tmpfs',
  source: 'tmpfs',
  options: merged([...CAREFUL, ...options.split(',').filter(Boolean)]),
});
