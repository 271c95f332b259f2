/** --memory, --cpus and the like: what goes into `linux.resources`, and where the cgroup is. */
import type { Config, Resources } from '../../runc/spec/config.ts';
import { CPU_PERIOD } from '../../runc/spec/default-config.ts';
import type { Facts } from '../facts.ts';
import type { RunOptions } from '../run-options.ts';
import { UsageError } from '../usage-error.ts';

/** The options that need a cgroup, in the order of the help. */
function askedFor(o: RunOptions): string[] {
  // biome-ignore format: a table
  const given: [string, unknown][] = [
    ['--memory', o.memory], ['--memory-swap', o.memorySwap], ['--cpus', o.cpus], ['--cpu-shares', o.cpuShares],
    ['--cpuset-cpus', o.cpusetCpus], ['--pids-limit', o.pidsLimit], ['--cgroup-parent', o.cgroupParent],
  ];
  return given.filter(([, value]) => value !== undefined).map(([name]) => name);
}

function checkCpus(list: string, count: number): void {
  const largest = Math.max(...list.split(/[,-]/).map(Number));
  if (largest >= count) throw new UsageError(`--cpuset-cpus ${list}: this machine has CPUs 0 to ${count - 1}`);
  for (const range of list.split(',')) {
    const [first = 0, last = first] = range.split('-').map(Number);
    if (last < first) throw new UsageError(`--cpuset-cpus ${list}: the range ${range} runs backwards`);
  }
}

/** Adds limits and the cgroup's path. */
export function applyResources(config: Config, options: RunOptions, facts: Facts): void {
  config.linux ??= {};
  const linux = config.linux;
  const asked = askedFor(options);
  if (asked.length && !facts.cgroup.writable) {
    const why =
      facts.cgroup.mode === 'none'
        ? 'this machine has no cgroup file system'
        : 'this user may make no cgroups here; run as root, or have one delegated (systemd-run --user --scope -p Delegate=yes on a cgroup v2 machine)';
    throw new UsageError(`${asked.join(', ')}: limits are kept by a cgroup, and ${why}`);
  }
  if (facts.uid !== 0 && !facts.cgroup.writable) {
    // A --config file made for root: its limits cannot be kept, its device rules are not needed.
    delete linux.resources;
    delete linux.cgroupsPath;
  }
  if (options.cgroupParent !== undefined) {
    const parent = options.cgroupParent.replace(/\/+$/, '');
    if (options.cgroupParent === '' || parent.split('/').includes('..'))
      throw new UsageError(`--cgroup-parent ${JSON.stringify(options.cgroupParent)}: write a path without "..", such as /mygroup`);
    linux.cgroupsPath = `${parent}/${facts.id}`;
  }
  if (!asked.length) return;
  linux.resources ??= {};
  const resources: Resources = linux.resources;
  if (options.memory !== undefined) {
    // As in Docker: as much swap as memory, unless something else is said.
    resources.memory = { ...resources.memory, limit: options.memory, swap: options.memorySwap ?? options.memory * 2 };
  } else if (options.memorySwap !== undefined) resources.memory = { ...resources.memory, swap: options.memorySwap };
  if (options.cpus !== undefined) {
    if (options.cpus > facts.cpuCount) throw new UsageError(`--cpus ${options.cpus}: this machine has ${facts.cpuCount}`);
    resources.cpu = { ...resources.cpu, quota: Math.round(options.cpus * CPU_PERIOD), period: CPU_PERIOD };
  }
  if (options.cpuShares !== undefined) resources.cpu = { ...resources.cpu, shares: options.cpuShares };
  if (options.cpusetCpus !== undefined) {
    checkCpus(options.cpusetCpus, facts.cpuCount);
    resources.cpu = { ...resources.cpu, cpus: options.cpusetCpus };
  }
  if (options.pidsLimit !== undefined) resources.pids = { limit: options.pidsLimit === 0 ? -1 : options.pidsLimit };
}
