/**
 * Where systemd puts a container: the unit that stands for it, and that unit's cgroup.
 * Sources: systemd.slice(5), systemd.scope(5); runc's docs/systemd.md for the form of cgroupsPath.
 */
import { posix } from 'node:path';
import { inHierarchy } from '../host/cgroup-facts.ts';
import type { Host, SystemdFacts } from '../host/facts.ts';
import type { Config } from '../spec/config.ts';

/** A unit of systemd's that a container's cgroups belong to. */
export interface Unit {
  /** `runc-ID.scope` */
  name: string;
  /** `system.slice`: the unit above it. */
  slice: string;
  /** The container's name in the unit's description. */
  of: string;
  /** It belongs to the user's own systemd. */
  user: boolean;
  /** systemd's program that stops it. */
  systemctl: string;
}

/**
 * `a-b.slice` lies in `a.slice`: its path is `/a.slice/a-b.slice`; that of `-.slice` is `/`.
 * Undefined when it is no name of a slice.
 */
export function slicePath(slice: string): string | undefined {
  if (!/^[^/]+\.slice$/.test(slice)) return undefined;
  const parts = slice.slice(0, -'.slice'.length).split('-');
  if (slice === '-.slice') return '/';
  if (parts.includes('')) return undefined;
  return `/${parts.map((_, i) => `${parts.slice(0, i + 1).join('-')}.slice`).join('/')}`;
}

/** systemd's facts, where it is to make the cgroups and can. */
export const systemdOf = (host: Host): SystemdFacts | undefined =>
  host.cgroup.systemd === undefined || host.cgroup.systemd === 'missing' ? undefined : host.cgroup.systemd;

/** The parts of a cgroupsPath for systemd. Undefined when it has not the form SLICE:PREFIX:NAME. */
function partsOf(config: Config, id: string): { slice: string; prefix: string; name: string } | undefined {
  const path = config.linux?.cgroupsPath;
  if (!path) return { slice: '', prefix: 'runc', name: id };
  const [slice = '', prefix = '', name, ...more] = path.split(':');
  return name === undefined || more.length ? undefined : { slice, prefix, name };
}

/** The unit of a container, and its folders. Undefined when systemd is not asked, or the config's path is none. */
export function systemdPlaces(config: Config, host: Host, id: string): { v1: Record<string, string>; v2?: string; unit: Unit } | undefined {
  const systemd = systemdOf(host);
  const parts = partsOf(config, id);
  if (!systemd || !parts) return undefined;
  const slice = parts.slice || (systemd.user ? 'user.slice' : 'system.slice');
  const above = slicePath(slice);
  if (above === undefined) return undefined;
  const name = parts.name.endsWith('.slice') ? parts.name : `${parts.prefix}-${parts.name}.scope`;
  const { cgroup } = host;
  const place = (point: string, below: string): string => inHierarchy(point, posix.join('/', below, above, name));
  const v1 = Object.fromEntries(
    Object.entries(cgroup.v1).map(([controller, point]) => [controller, place(point, systemd.below[controller] ?? '/')]),
  );
  return {
    v1,
    ...(cgroup.v2 === undefined ? {} : { v2: place(cgroup.v2, systemd.user ? systemd.controlGroup : (systemd.below[''] ?? '/')) }),
    unit: { name, slice, of: parts.name, user: systemd.user, systemctl: systemd.systemctl },
  };
}

/** What stands against a start through systemd, one sentence each. */
export function systemdProblems(config: Config, host: Host): string[] {
  if (host.cgroup.systemd === undefined) return [];
  if (host.cgroup.systemd === 'missing')
    return [
      'systemd not running on this host, cannot use systemd cgroups manager; leave out --systemd-cgroup (in an engine: choose the cgroupfs manager)',
    ];
  const path = config.linux?.cgroupsPath;
  const parts = partsOf(config, 'container');
  if (!parts)
    return [
      `#/linux/cgroupsPath: expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(path)} instead`,
    ];
  if (parts.slice && slicePath(parts.slice) === undefined)
    return [`#/linux/cgroupsPath: invalid slice name: ${parts.slice}; it is NAME.slice or, inside another one, ABOVE-NAME.slice`];
  if (!/^[A-Za-z0-9:_.\\@-]+$/.test(`${parts.prefix}-${parts.name}`) || parts.name === '')
    return [
      `#/linux/cgroupsPath: ${JSON.stringify(path)} gives no name that a systemd unit can have: letters, digits and : _ . \\ @ - only`,
    ];
  if (host.cgroup.systemd.user && host.cgroup.mode !== 'v2') return ['cannot use rootless systemd cgroups manager on cgroup v1'];
  return [];
}
