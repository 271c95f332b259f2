/** --network, --pid, --ipc, --uts, --userns. Each changes one entry of `linux.namespaces`. */
import type { Config, IdMapping, Namespace, NamespaceType } from '../../runc/spec/config.ts';
import type { Facts, IdRange } from '../facts.ts';
import type { NamespaceChoice } from '../limit-arguments.ts';
import type { RunOptions } from '../run-options.ts';
import { UsageError } from '../usage-error.ts';

export interface IdMaps {
  uidMappings: IdMapping[];
  gidMappings: IdMapping[];
}

/**
 * Where the ids of `--userns private` begin when /etc/subuid says nothing to root: above the
 * ranges that useradd hands out (up to 600100000) and those of systemd-nspawn (up to 1879048191).
 */
const UNUSED_RANGE: IdRange = { start: 2013265920, size: 65536 };

/** root of the container = `own`, and 1 and up = the range, as far as there is one. */
function map(own: number, range: IdRange | undefined): IdMapping[] {
  const root = { containerID: 0, hostID: own, size: 1 };
  return range ? [root, { containerID: 1, hostID: range.start, size: range.size }] : [root];
}

/**
 * The id maps of the container's own user namespace, or undefined where it uses the ids of this
 * machine. An ordinary user always gets one: without it, it may make no other namespace.
 */
export function idMapsFor(options: Pick<RunOptions, 'userns'>, facts: Facts): IdMaps | undefined {
  const { uid, gid, subUids, subGids } = facts;
  if (uid !== 0) {
    if (options.userns?.kind === 'host')
      throw new UsageError('--userns host needs root: an ordinary user may make namespaces only inside a user namespace');
    // Both or none: with one id only, no range of groups is of use.
    const ranges = subUids && subGids;
    return { uidMappings: map(uid, ranges ? subUids : undefined), gidMappings: map(gid, ranges ? subGids : undefined) };
  }
  if (options.userns?.kind !== 'private') return undefined;
  const whole = ({ start, size }: IdRange): IdMapping[] => [{ containerID: 0, hostID: start, size }];
  return { uidMappings: whole(subUids ?? UNUSED_RANGE), gidMappings: whole(subGids ?? UNUSED_RANGE) };
}

const FILE: Record<'network' | 'pid' | 'ipc' | 'uts', string> = { network: 'net', pid: 'pid', ipc: 'ipc', uts: 'uts' };

/** Changes the config's namespaces to what was chosen. */
export function applyNamespaces(config: Config, options: RunOptions, facts: Facts): void {
  config.linux ??= {};
  const linux = config.linux;
  let namespaces: Namespace[] = linux.namespaces ?? [];
  const replace = (type: NamespaceType, entry: Namespace | undefined) => {
    const at = namespaces.findIndex((n) => n.type === type);
    if (!entry) namespaces = namespaces.filter((n) => n.type !== type);
    else if (at < 0) namespaces.push(entry);
    else namespaces[at] = entry;
  };
  const joined: string[] = [];
  for (const type of ['network', 'pid', 'ipc', 'uts'] as const) {
    const choice: NamespaceChoice | undefined = options[type];
    if (!choice) continue;
    if (choice.kind === 'private') replace(type, { type });
    else if (choice.kind === 'host') replace(type, undefined);
    else {
      const container = facts.containers[choice.container];
      if (!container) throw new UsageError(`--${type} container:${choice.container}: no such running container`);
      joined.push(choice.container);
      replace(type, { type, path: `/proc/${container.pid}/ns/${FILE[type]}` });
    }
  }
  // A namespace can be joined only by who has power over the user namespace that owns it.
  const owners = new Set(
    joined.filter((name) => facts.uid !== 0 && facts.containers[name]?.userNamespace).map((name) => facts.containers[name]?.pid),
  );
  if (owners.size > 1)
    throw new UsageError(
      'an ordinary user can share the namespaces of one other container only: each container has its own user namespace',
    );
  for (const pid of owners) {
    namespaces = [{ type: 'user', path: `/proc/${pid}/ns/user` }, ...namespaces.filter((n) => n.type !== 'user')];
    delete linux.uidMappings;
    delete linux.gidMappings;
  }
  linux.namespaces = namespaces;

  if (!namespaces.some((n) => n.type === 'uts')) {
    delete config.hostname;
    delete config.domainname;
  } else {
    if (options.hostname !== undefined) config.hostname = options.hostname;
    if (options.domainname !== undefined) config.domainname = options.domainname;
    if (namespaces.some((n) => n.type === 'uts' && n.path) && options.hostname === undefined) delete config.hostname;
  }
  if (options.ipc?.kind === 'host') {
    const shm = config.mounts?.find((m) => m.destination === '/dev/shm');
    if (shm) Object.assign(shm, { type: 'bind', source: '/dev/shm', options: ['rbind', 'rprivate', 'nosuid', 'noexec', 'nodev'] });
  }
}

/** Adds a user namespace to a config that has none (a --config file made for root). */
export function addUserNamespace(config: Config, maps: IdMaps): void {
  config.linux ??= {};
  const linux = config.linux;
  if (linux.namespaces?.some((n) => n.type === 'user')) return;
  linux.namespaces = [{ type: 'user' }, ...(linux.namespaces ?? [])];
  Object.assign(linux, maps);
}
