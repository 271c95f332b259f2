/** Which controllers a config's limits need, where this machine has them, and what is wrong with the limits. */
import { posix } from 'node:path';
import type { Host } from '../host/facts.ts';
import type { Config, Resources } from '../spec/config.ts';
import { HUGE_PAGE_SIZE } from './cgroup-values.ts';
import { checkDeviceRules, deviceRules, v1Writes } from './device-rules.ts';
import { annotationProperties } from './systemd-annotations.ts';
import { systemdProblems } from './systemd-unit.ts';

/** A controller by its v2 name; net_cls and net_prio exist in v1 only. */
export type Controller = 'memory' | 'cpu' | 'cpuset' | 'pids' | 'io' | 'hugetlb' | 'rdma' | 'net_cls' | 'net_prio';

const V1_NAME: Partial<Record<Controller, string>> = { io: 'blkio' };
export const v1Name = (controller: Controller): string => V1_NAME[controller] ?? controller;

const given = (value: object | undefined): boolean =>
  value !== undefined && Object.values(value).some((v) => v !== undefined && !(Array.isArray(v) && v.length === 0));

/** The controllers that the limits need, with the place in config.json. Device rules are no limit: see device-rules.ts. */
export function controllersNeeded(resources: Resources | undefined): Map<Controller, string> {
  const needs = new Map<Controller, string>();
  if (!resources) return needs;
  const { memory, cpu, pids, blockIO, hugepageLimits, network, rdma } = resources;
  if (given(memory)) needs.set('memory', 'memory');
  const { cpus, mems, ...time } = cpu ?? {};
  if (given(time)) needs.set('cpu', 'cpu');
  if (cpus || mems) needs.set('cpuset', cpus ? 'cpu/cpus' : 'cpu/mems');
  // No limit needs no controller: where there is one, a new group has none.
  if (pids?.limit !== undefined && pids.limit > 0) needs.set('pids', 'pids');
  if (given(blockIO)) needs.set('io', 'blockIO');
  if (hugepageLimits?.length) needs.set('hugetlb', 'hugepageLimits');
  if (network?.classID) needs.set('net_cls', 'network/classID');
  if (network?.priorities?.length) needs.set('net_prio', 'network/priorities');
  if (given(rdma)) needs.set('rdma', 'rdma');
  return needs;
}

/** Where this machine has a controller; a controller is in one tree only. */
export function homeOf(controller: Controller, host: Host): 'v1' | 'v2' | undefined {
  const { v1, v2, unwritable = [] } = host.cgroup;
  const name = v1Name(controller);
  if (v1[name]) return unwritable.includes(name) ? undefined : 'v1';
  return v2 !== undefined && !unwritable.includes('') && host.cgroup.v2Controllers.includes(controller) ? 'v2' : undefined;
}

/** The controller of a file of the unified map: `memory.high` → `memory`. */
const unifiedController = (key: string): string => key.split('.')[0] ?? '';

/** Needed controllers (and `unified`'s) → where they are. */
export function controllerHomes(config: Config, host: Host): Map<string, 'v1' | 'v2' | undefined> {
  const resources = config.linux?.resources;
  const homes = new Map<string, 'v1' | 'v2' | undefined>();
  for (const controller of controllersNeeded(resources).keys()) homes.set(controller, homeOf(controller, host));
  for (const key of Object.keys(resources?.unified ?? {})) homes.set(unifiedController(key), 'v2');
  return homes;
}

const at = (place: string): string => `#/linux/resources/${place}`;

function missingControllers(config: Config, host: Host): string[] {
  const { cgroup } = host;
  const sentences: string[] = [];
  for (const [controller, place] of controllersNeeded(config.linux?.resources)) {
    if (homeOf(controller, host)) continue;
    const name = v1Name(controller);
    const names = name === controller ? name : `${controller} (${name} in cgroup v1)`;
    if (cgroup.mode === 'none')
      sentences.push(
        `${at(place)} sets a limit, but no cgroup hierarchy is mounted here: mount one (mount -t cgroup2 none /sys/fs/cgroup) or leave the limit out`,
      );
    else if (cgroup.mode === 'v2' && (controller === 'net_cls' || controller === 'net_prio'))
      sentences.push(
        `${at(place)} needs the controller ${controller}, which exists in cgroup v1 only; on this machine (cgroup v2) mark packets with nftables or eBPF instead`,
      );
    else if (host.uid !== 0)
      sentences.push(
        `${at(place)} needs the cgroup controller ${names}, which was not handed to this user; with systemd: systemctl edit user@.service, [Service] Delegate=cpu cpuset io memory pids, then log in again`,
      );
    else
      sentences.push(
        `${at(place)} needs the cgroup controller ${names}, which this machine does not offer (cat /proc/cgroups shows what its kernel has); leave the limit out, or mount or boot with that controller`,
      );
  }
  return sentences;
}

function badUnified(unified: Record<string, string>, host: Host): string[] {
  const sentences: string[] = [];
  for (const key of Object.keys(unified)) {
    const place = at(`unified/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    const controller = unifiedController(key);
    if (key.includes('/') || key.includes('\0') || !/^[a-z_]+\.[^.]/.test(key))
      sentences.push(`${place}: ${JSON.stringify(key)} is no file name of the form CONTROLLER.PARAMETER, such as memory.high`);
    else if (host.cgroup.v2 === undefined)
      sentences.push(`${place}: invalid configuration: unified limits are for cgroup v2, and this machine has v1 only`);
    else if (controller !== 'cgroup' && !host.cgroup.v2Controllers.includes(controller))
      sentences.push(`${place}: invalid configuration: the cgroup v2 controller ${controller} is not available here`);
  }
  return sentences;
}

const SHARES = [2, 262144] as const;
const PERIOD = [1000, 1_000_000] as const;

function badValues(r: Resources, host: Host): string[] {
  const sentences: string[] = [];
  const range = (value: number | undefined, [low, high]: readonly [number, number], place: string, what: string) => {
    if (value !== undefined && (value < low || value > high || !Number.isInteger(value)))
      sentences.push(`${at(place)}: ${what} is a whole number from ${low} to ${high}, not ${value}`);
  };
  const { memory, cpu, blockIO } = r;
  if (memory) {
    const { limit, swap } = memory;
    if (swap !== undefined && swap > 0 && !(limit !== undefined && limit !== 0))
      sentences.push(`${at('memory/swap')}: the swap limit is memory and swap together, so it needs ${at('memory/limit')} too`);
    else if (swap !== undefined && limit !== undefined && swap > 0 && swap < limit)
      sentences.push(`${at('memory/swap')}: ${swap} is memory and swap together, so it cannot be less than the memory limit, ${limit}`);
    if (memory.swappiness !== undefined && memory.swappiness !== -1) range(memory.swappiness, [0, 100], 'memory/swappiness', 'swappiness');
  }
  if (cpu) {
    if (cpu.shares) range(cpu.shares, SHARES, 'cpu/shares', 'a share');
    if (cpu.period) range(cpu.period, PERIOD, 'cpu/period', 'a period in microseconds');
    if (cpu.quota !== undefined && cpu.quota > 0 && cpu.quota < PERIOD[0])
      sentences.push(`${at('cpu/quota')}: the kernel takes a quota of at least ${PERIOD[0]} microseconds, not ${cpu.quota}`);
    range(cpu.idle, [0, 1], 'cpu/idle', 'idle');
    for (const key of ['cpus', 'mems'] as const)
      if (cpu[key] && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(cpu[key]))
        sentences.push(`${at(`cpu/${key}`)}: ${JSON.stringify(cpu[key])} is no list such as 0-2,4`);
    if (homeOf('cpu', host) === 'v2' && (cpu.realtimeRuntime || cpu.realtimePeriod))
      sentences.push(`${at('cpu/realtimeRuntime')}: cgroup v2 cannot limit realtime processes; leave it out`);
  }
  if (blockIO?.weight) range(blockIO.weight, [10, 1000], 'blockIO/weight', 'a weight');
  r.hugepageLimits?.forEach((h, i) => {
    if (!HUGE_PAGE_SIZE.test(h.pageSize))
      sentences.push(`${at(`hugepageLimits/${i}/pageSize`)}: ${JSON.stringify(h.pageSize)} is no page size such as 2MB or 1GB`);
  });
  r.network?.priorities?.forEach((p, i) => {
    if (!/^[^\s/]{1,15}$/.test(p.name))
      sentences.push(`${at(`network/priorities/${i}/name`)}: ${JSON.stringify(p.name)} is no name of a network interface`);
  });
  for (const name of Object.keys(r.rdma ?? {}))
    if (!/^[^\s/]+$/.test(name)) sentences.push(`${at('rdma')}: ${JSON.stringify(name)} is no device name`);
  return sentences;
}

function badDevices(config: Config, host: Host): string[] {
  const sentences = checkDeviceRules(config);
  if (sentences.length || !host.cgroup.v1.devices) return sentences;
  try {
    v1Writes(deviceRules(config.linux?.resources?.devices));
    return [];
  } catch (error) {
    return [`${at('devices')}: ${(error as Error).message}`];
  }
}

/**
 * What stands against the limits of a config on this machine, one sentence each: values that the
 * kernel would refuse, controllers that are missing, a user who may not make cgroups. To be asked
 * before anything is made; empty when all is well.
 */
export function checkResources(config: Config, host: Host): string[] {
  const resources = config.linux?.resources;
  const path = config.linux?.cgroupsPath;
  // Ending a container kills what is in its cgroup: it must not be the one that holds the whole machine.
  const badPath =
    path && (posix.join('/', path) === '/' || path.includes('\0'))
      ? [`#/linux/cgroupsPath: ${JSON.stringify(path)} is no folder of the container's own; give one such as /minirun/web`]
      : [];
  const systemd = [...systemdProblems(config, host), ...(host.cgroup.systemd ? annotationProperties(config.annotations).problems : [])];
  if (systemd.length) return systemd;
  if (!resources) return badPath;
  const sentences = [...badPath, ...badValues(resources, host), ...badDevices(config, host)];
  const asked = [...controllersNeeded(resources).values(), ...(Object.keys(resources.unified ?? {}).length ? ['unified'] : [])];
  if (asked.length && host.cgroup.mode !== 'none' && !host.cgroup.writable && !host.cgroup.systemd)
    sentences.push(
      host.uid === 0
        ? `limits are asked for (${asked.map(at).join(', ')}), but the cgroup file system is read-only here; usual cause: we are in a container ourselves. Run it with its cgroups writable, or leave the limits out`
        : `limits are asked for (${asked.map(at).join(', ')}), but this user may not make cgroups: run as root, or have systemd hand one over: systemd-run --user --scope -p Delegate=yes minirun …`,
    );
  else sentences.push(...missingControllers(config, host), ...badUnified(resources.unified ?? {}, host));
  return sentences;
}
