/** `--ulimit` and the daemon's `--default-ulimit`: getrlimit(2). */
import type { Rlimit } from '../../../runc/spec/config.ts';
import type { MachineFacts } from '../../host/facts.ts';
import { badRequest } from '../../http/api-error.ts';
import type { DaemonOptions } from '../../options.ts';
import type { HostConfig } from '../config.ts';

// biome-ignore format: a table
const NAMES = [
  'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss', 'rtprio', 'rttime',
  'sigpending', 'stack',
];

type Ulimit = NonNullable<HostConfig['Ulimits']>[number];

/** -1 is "no limit": 2^64-1 in config.json. */
const UNLIMITED = 2 ** 64;
const value = (limit: number | undefined): number => (limit === -1 ? UNLIMITED : (limit ?? 0));

/** @throws 400 for a name that is none, or a soft limit above the hard one */
export function checkUlimits(ulimits: readonly Ulimit[]): void {
  for (const { Name, Soft, Hard } of ulimits) {
    if (!NAMES.includes(Name.toLowerCase())) throw badRequest(`invalid ulimit type: ${Name}`);
    for (const limit of [Soft, Hard]) {
      if ((limit ?? 0) < -1) throw badRequest(`invalid ulimit ${Name}: ${limit} is neither a limit nor -1, which stands for none`);
    }
    if (value(Soft) > value(Hard)) throw badRequest(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
  }
}

/** The daemon's defaults, and the container's own in their place; each name once, as it was said last. */
function asked(hostConfig: HostConfig, defaults: DaemonOptions['defaultUlimits']): Ulimit[] {
  const all = [...defaults, ...(hostConfig.Ulimits ?? [])];
  return [...new Map(all.map((ulimit) => [ulimit.Name.toLowerCase(), ulimit])).values()];
}

/** The limits of a container's processes; none above what this daemon may give. */
export const rlimitsFor = (
  hostConfig: HostConfig,
  defaults: DaemonOptions['defaultUlimits'],
  { hardLimits }: Pick<MachineFacts, 'hardLimits'>,
): Rlimit[] =>
  asked(hostConfig, defaults).map(({ Name, Soft, Hard }) => {
    const type = `RLIMIT_${Name.toUpperCase()}`;
    const most = hardLimits[type] ?? Number.POSITIVE_INFINITY;
    return { type, soft: Math.min(value(Soft), most), hard: Math.min(value(Hard), most) };
  });

/** A sentence for each limit that this daemon cannot raise as far as it was asked. */
export const rlimitWarnings = (hostConfig: HostConfig, { hardLimits }: Pick<MachineFacts, 'hardLimits'>): string[] =>
  (hostConfig.Ulimits ?? []).flatMap(({ Name, Hard }) => {
    const most = hardLimits[`RLIMIT_${Name.toUpperCase()}`];
    if (most === undefined || value(Hard) <= most) return [];
    const limit = Hard === -1 ? 'unlimited' : Hard;
    return [`The ulimit ${Name}=${limit} is above the daemon's own hard limit, which it may not raise. Limited to ${most}.`];
  });
