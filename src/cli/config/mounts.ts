/** -v, --mount, --tmpfs, --shm-size, --init: what is added to `mounts`. */
import { resolve } from 'node:path';
import type { Config, Mount } from '../../runc/spec/config.ts';
import { applyRootPropagation } from '../../runc/spec/root-propagation.ts';
import type { Facts } from '../facts.ts';
import type { MountRequest } from '../mount-arguments.ts';
import type { RunOptions } from '../run-options.ts';
import { UsageError } from '../usage-error.ts';

/** Where the small init of --init appears in the container. */
export const INIT_PATH = '/sbin/minirun-init';

const clean = (path: string): string =>
  `/${path
    .split('/')
    .filter((p) => p !== '' && p !== '.')
    .join('/')}`;

/** mount_setattr(2), which alone can make whole trees read-only, came with Linux 5.12. */
const hasSetattr = ([major, minor]: Facts['kernel']): boolean => major > 5 || (major === 5 && minor >= 12);

function bind(request: MountRequest, facts: Facts): Mount {
  const options = [request.recursive ? 'rbind' : 'bind', request.propagation ?? 'rprivate', ...request.options];
  if (request.readonly) {
    options.push('ro');
    const whole = request.recursive && request.recursiveReadonly !== 'off';
    if (whole && hasSetattr(facts.kernel)) options.push('rro');
    else if (request.recursiveReadonly === 'force')
      throw new UsageError(`${request.typed}: bind-recursive=readonly needs Linux 5.12 or later`);
  }
  return { destination: clean(request.target), type: 'bind', source: resolve(facts.cwd, request.source), options };
}

function tmpfs(request: MountRequest): Mount {
  // Later words win: what was asked for undoes the careful defaults.
  const options = ['noexec', 'nosuid', 'nodev', ...request.options, ...(request.readonly ? ['ro'] : [])];
  return { destination: clean(request.target), type: 'tmpfs', source: 'tmpfs', options };
}

/** Adds the mounts asked for. One at the place of a default mount replaces it, and all that would lie below it. */
export function applyMounts(config: Config, options: RunOptions, facts: Facts): void {
  let mounts = config.mounts ?? [];
  const shm = mounts.find((m) => m.destination === '/dev/shm');
  if (options.shmSize !== undefined) {
    if (shm?.type !== 'tmpfs')
      throw new UsageError('--shm-size: /dev/shm of this container is not its own (--ipc host, or --config without it)');
    shm.options = [...(shm.options ?? []).filter((o) => !o.startsWith('size=')), `size=${options.shmSize}`];
  }
  const asked = options.mounts.map((m) => (m.kind === 'bind' ? bind(m, facts) : tmpfs(m)));
  const covered = (path: string) =>
    asked.some((m) => m.destination === path || (m.type === 'bind' && path.startsWith(`${m.destination}/`)));
  mounts = mounts.filter((m) => !covered(clean(m.destination)));
  // What lies deeper is mounted later: else /a would cover /a/b.
  asked.sort((a, b) => a.destination.split('/').length - b.destination.split('/').length);
  config.mounts = [...mounts, ...asked];
  if (options.init) {
    config.mounts.push({
      destination: INIT_PATH,
      type: 'bind',
      source: facts.pid1Path,
      options: ['bind', 'rprivate', 'ro', 'nosuid', 'nodev'],
    });
  }
  applyRootPropagation(config, asked);
}
