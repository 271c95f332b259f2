/** Two config.json, or two answers of `inspect`, without what differs between dockerd and minirund on purpose. */
import type { Config, DeviceRule, Mount } from '../../../src/runc/spec/config.ts';

/** Nothing, in any of its forms, is left out: dockerd writes zeros down, minirund does not. */
function filled(value: unknown): unknown {
  if (Array.isArray(value)) {
    const entries = value.map((entry) => filled(entry));
    return entries.some((entry) => entry !== undefined) ? entries : undefined;
  }
  if (typeof value !== 'object' || value === null)
    return value === null || value === '' || value === 0 || value === false ? undefined : value;
  const entries = Object.entries(value)
    .map(([key, entry]) => [key, filled(entry)] as const)
    .filter(([, entry]) => entry !== undefined);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}

const sorted = (list: readonly string[] | undefined): string[] => [...(list ?? [])].sort();

/** Words of the cgroup mount that minirun has more; where the small init comes from. */
function mountOf({ destination, type, source, options }: Mount): object {
  const own = new Set(
    type === 'cgroup' ? ['rprivate', 'relatime'] : destination === '/sbin/docker-init' ? ['rprivate', 'nosuid', 'nodev'] : [],
  );
  return {
    type,
    source: destination === '/sbin/docker-init' ? 'init' : source,
    options: sorted(options).filter((word) => !own.has(word)),
  };
}

/** The rules that were asked for: those of every container differ in what goes without saying (ptmx, pts). */
const ruleOf = ({ allow, type, major, minor, access }: DeviceRule): string =>
  `${allow} ${type} ${major === -1 ? '*' : (major ?? '*')}:${minor === -1 ? '*' : (minor ?? '*')} ${access}`;
const USUAL = ['1:3', '1:5', '1:7', '1:8', '1:9', '5:0', '5:1', '5:2', '136:*', '10:229', '*:*'];
const isUsual = (rule: string): boolean => USUAL.includes(rule.split(' ')[2] as string) && / (rwm|m)$/.test(rule);

/** Devices that the runtime makes anyhow. */
const ALWAYS = new Set(['/dev/tty', '/dev/ptmx', '/dev/console']);

/**
 * Left out: the version, the hook by which dockerd finds the network namespace, the seccomp profile
 * (present or not counts), masked paths (compared apart), the host's network namespace by its path,
 * capabilities that dockerd 20.10 does not know or the machine does not have, and the sets besides
 * the bounding one, which 20.10 leaves out for users that are not root: exec clears them anyhow.
 */
export function comparable({ process, mounts, linux, hostname, root, annotations }: Config): unknown {
  const unknown = new Set(['CAP_BPF', 'CAP_PERFMON', 'CAP_CHECKPOINT_RESTORE', 'CAP_SYS_RESOURCE']);
  const { capabilities, rlimits, ...rest } = process ?? { cwd: '', user: { uid: 0, gid: 0 } };
  const { resources, namespaces, seccomp, maskedPaths: _, devices, ...more } = linux ?? {};
  const { devices: rules, ...limits } = resources ?? {};
  return filled({
    hostname,
    readonly: root?.readonly,
    annotations,
    process: {
      ...rest,
      capabilities: sorted(capabilities?.bounding?.filter((name) => !unknown.has(name))),
      rlimits: Object.fromEntries((rlimits ?? []).map(({ type, soft, hard }) => [type, `${soft}:${hard}`])),
    },
    mounts: Object.fromEntries((mounts ?? []).map((mount) => [mount.destination, mountOf(mount)])),
    linux: {
      ...more,
      readonlyPaths: sorted(more.readonlyPaths),
      seccomp: seccomp !== undefined,
      namespaces: sorted(namespaces?.map(({ type, path }) => (type === 'network' && path ? '' : type)).filter(Boolean)),
      devices: sorted(devices?.filter(({ path }) => !ALWAYS.has(path)).map((d) => `${d.path} ${d.type} ${d.major}:${d.minor}`)),
      rules: (rules ?? []).map(ruleOf).filter((rule) => !isUsual(rule)),
      limits,
    },
  });
}

/**
 * Config or HostConfig as `inspect` shows it: masked paths are compared apart, and the environment in
 * any order, because the docker command line sends that in an order of its own each time.
 */
export const inspected = ({ MaskedPaths: _, ...config }: Record<string, unknown>): unknown =>
  filled(Array.isArray(config.Env) ? { ...config, Env: sorted(config.Env) } : config);
