/**
 * New limits for a container that runs, as a program of the runtime's steps: the same writes as at
 * its start, but only for what changes, and in an order in which no value contradicts another one
 * that is in force at that moment.
 * Source: Linux, admin-guide/cgroup-v1/memory.rst (section 6), scheduler/sched-bwc.rst; admin-guide/cgroup-v2.rst.
 */
import type { Host } from '../host/facts.ts';
import type { Program } from '../program/step.ts';
import type { Config, Resources } from '../spec/config.ts';
import { mergedResources } from '../spec/resources.ts';
import { compileResources } from './cgroup.ts';
import { foldersAbove, switchOn } from './cgroup-controllers.ts';
import type { Limit } from './cgroup-limit.ts';
import { type Controller, checkResources, controllersNeeded, homeOf } from './cgroup-needs.ts';
import type { CgroupPaths } from './cgroup-paths.ts';
import { compileUnitProperties } from './cgroup-scope.ts';
import { newDraft, type Setting, writeFile } from './draft.ts';

/** The files whose present texts decide about the update: read by the caller. Missing ones are ''. */
export function presentFiles(paths: CgroupPaths): string[] {
  const files: string[] = [];
  const { memory, cpu } = paths.v1;
  if (memory) files.push(`${memory}/memory.limit_in_bytes`, `${memory}/memory.usage_in_bytes`);
  if (cpu) files.push(`${cpu}/cpu.cfs_period_us`, `${cpu}/cpu.cfs_burst_us`, `${cpu}/cpu.rt_period_us`);
  if (paths.v2) for (const name of ['memory.current', 'cpu.max', 'cpu.max.burst', 'cgroup.controllers']) files.push(`${paths.v2}/${name}`);
  return files;
}

export interface UpdateRequest {
  /** The container's config, with the limits that it has now. */
  config: Config;
  host: Host;
  paths: CgroupPaths;
  /** Only what changes: see changesOnly in spec/resources.ts. Device rules are left as they are. */
  change: Resources;
  /** Texts of the {@link presentFiles}. */
  present: Record<string, string>;
}

/**
 * The program, and all limits together as they are afterwards: what is to be saved.
 * @throws Error with one sentence when a value is wrong, its controller is missing, or memory.checkBeforeUpdate speaks against it
 */
export function compileUpdate({ config, host, paths, change, present }: UpdateRequest): { program: Program; resources: Resources } {
  const { devices: _, ...wanted } = change;
  const resources = mergedResources(config.linux?.resources, wanted);
  const onV2 = homeOf('memory', host) === 'v2';
  const { memory } = resources;
  // Where swap is counted alone, what was once given as a sum says nothing of a later limit.
  if (
    onV2 &&
    memory &&
    wanted.memory?.limit &&
    !wanted.memory.swap &&
    (memory.swap ?? 0) > 0 &&
    (memory.swap as number) < (memory.limit ?? 0)
  )
    delete memory.swap;
  const problem = checkResources({ ...config, linux: { ...config.linux, resources } }, host)[0];
  if (problem) throw new Error(problem);
  checkUsage(resources, wanted, present, paths);

  const draft = newDraft({ ...config, linux: { ...config.linux, resources: together(wanted, resources) } }, host);
  if (paths.unit) compileUnitProperties(draft, paths.unit, together(wanted, resources));
  if (paths.v2) {
    const there = (present[`${paths.v2}/cgroup.controllers`] ?? '').split(/\s+/);
    const missing = [...controllersNeeded(wanted).keys()].filter((c) => homeOf(c, host) === 'v2' && !there.includes(c));
    switchOn(draft, foldersAbove(draft, paths.v2), missing);
  }
  // At a start no limit is no write; here it lifts one.
  const lifted: Controller[] = (wanted.pids?.limit ?? 0) < 0 ? ['pids'] : [];
  const setting: Setting = { actor: 'runtime', chapter: 'cgroup', from: 'minirun' };
  for (const { path, limit } of inOrder(compileResources(draft, paths, lifted), wanted, present))
    writeFile(draft, { ...setting, from: limit.from }, path, limit.value, limit.why, limit.ignore ? { ignore: limit.ignore } : {});
  return { program: { version: 1, arch: host.arch, steps: draft.steps, warnings: draft.warnings }, resources };
}

/** What a change means only together with what is there: a file that takes two values needs both. */
function together(change: Resources, all: Resources): Resources {
  const { memory, cpu } = change;
  return {
    ...change,
    ...(memory?.swap && !memory.limit && all.memory?.limit ? { memory: { ...memory, limit: all.memory.limit } } : {}),
    ...(cpu && (cpu.quota || cpu.period)
      ? { cpu: { ...cpu, ...(all.cpu?.quota ? { quota: all.cpu.quota } : {}), ...(all.cpu?.period ? { period: all.cpu.period } : {}) } }
      : {}),
  };
}

/** memory.checkBeforeUpdate: rather no change than one that has the kernel kill. Version 1 refuses by itself. */
function checkUsage(all: Resources, change: Resources, present: Record<string, string>, paths: CgroupPaths): void {
  if (!all.memory?.checkBeforeUpdate) return;
  const text = present[`${paths.v1.memory}/memory.usage_in_bytes`] || present[`${paths.v2}/memory.current`];
  if (!text) return;
  const usage = Number(text);
  for (const [key, name] of [
    ['swap', 'memory+swap'],
    ['limit', 'memory'],
  ] as const) {
    const limit = change.memory?.[key] ?? 0;
    if (limit > 0 && limit <= usage)
      throw new Error(
        `rejecting ${name} limit ${limit} <= usage ${usage}: the config has memory.checkBeforeUpdate, because the kernel would kill processes to get below the limit; choose a higher one`,
      );
  }
}

type Write = { path: string; limit: Limit };

/**
 * The writes in an order that the kernel accepts at every moment:
 * - v1 keeps memory <= memory and swap: when both grow, the sum goes first;
 * - a quota may not be a larger part of its period than the folder above allows: a period that
 *   shrinks goes after its quota;
 * - a burst may not be larger than its quota: one that shrinks goes first.
 */
function inOrder(writes: Write[], change: Resources, present: Record<string, string>): Write[] {
  const at = (file: string) => writes.findIndex((w) => w.limit.file === file);
  const newValue = (file: string) => Number(writes[at(file)]?.limit.value);
  const oldValue = (file: string) => Number(Object.entries(present).find(([path]) => path.endsWith(`/${file}`))?.[1] || Number.NaN);
  const moveBefore = (file: string, other: string) => {
    const [from, to] = [at(file), at(other)];
    if (from > to && to >= 0) writes.splice(to, 0, ...writes.splice(from, 1));
  };
  const sum = 'memory.memsw.limit_in_bytes';
  if (newValue(sum) === -1 || oldValue('memory.limit_in_bytes') < newValue(sum)) moveBefore(sum, 'memory.limit_in_bytes');
  if (newValue('cpu.cfs_period_us') < oldValue('cpu.cfs_period_us')) moveBefore('cpu.cfs_quota_us', 'cpu.cfs_period_us');
  if (newValue('cpu.rt_period_us') < oldValue('cpu.rt_period_us')) moveBefore('cpu.rt_runtime_us', 'cpu.rt_period_us');
  for (const [burst, quota, period] of [
    ['cpu.cfs_burst_us', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'],
    ['cpu.max.burst', 'cpu.max', 'cpu.max'],
  ] as const)
    if (newValue(burst) < oldValue(burst)) {
      moveBefore(burst, quota);
      moveBefore(burst, period);
    }
  // What was taken in only because a file wants two values is not written where each has its own.
  return writes.filter(({ limit }) => {
    if (limit.file === 'memory.limit_in_bytes' || limit.file === 'memory.max') return change.memory?.limit !== undefined;
    if (limit.file === 'cpu.cfs_quota_us') return change.cpu?.quota !== undefined;
    if (limit.file === 'cpu.cfs_period_us') return change.cpu?.period !== undefined;
    return true;
  });
}
