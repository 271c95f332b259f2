/**
 * Cgroups: the kernel's groups of processes, for counting and limiting what they use. A group is a
 * folder; making it is mkdir, its limits are files in it, and a process joins by a write.
 * Sources: cgroups(7); Linux, admin-guide/cgroup-v1/ and admin-guide/cgroup-v2.rst.
 */
import { AT_FDCWD } from '../program/args.ts';
import { mkdirat } from '../program/calls.ts';
import { foldersAbove, offer, switchOn } from './cgroup-controllers.ts';
import { compileDeviceRules } from './cgroup-devices.ts';
import type { Limit } from './cgroup-limit.ts';
import { type Controller, controllersNeeded, homeOf } from './cgroup-needs.ts';
import { type CgroupPaths, chain, hasCgroups, v1Folders } from './cgroup-paths.ts';
import { limitsV1 } from './cgroup-v1.ts';
import { ignoredByV2, limitsV2, unifiedLimits } from './cgroup-v2.ts';
import { add, type Draft, type Setting, writeFile } from './draft.ts';

export { compileCgroupJoin } from './cgroup-join.ts';
export { checkResources } from './cgroup-needs.ts';
export { compileCgroupOwner } from './cgroup-owner.ts';
export { type CgroupPaths, cgroupPaths } from './cgroup-paths.ts';

const RUNTIME: Setting = { actor: 'runtime', chapter: 'cgroup', from: 'minirun' };

/** What a v1 controller's folder is for. */
const PURPOSE: Record<string, string> = {
  memory: 'counts and limits memory',
  cpu: 'shares out CPU time',
  cpuacct: 'counts the CPU time used',
  cpuset: 'says which CPUs and memory nodes may be used',
  pids: 'counts and limits processes',
  devices: 'says which device files may be opened',
  freezer: 'can stop all processes at once',
  blkio: 'counts and limits reads and writes of disks',
  hugetlb: 'limits memory in huge pages',
  net_cls: 'marks the packets that are sent',
  net_prio: 'sets the priority of packets',
  perf_event: 'lets perf(1) measure this container alone',
  rdma: 'limits network cards with remote memory access',
  misc: 'limits what fits nowhere else',
  'name=systemd': "is systemd's own list of what belongs together, without limits",
};
const purpose = (controllers: string[]): string => controllers.map((c) => `${c} ${PURPOSE[c] ?? 'is a controller'}`).join('; ');

function makeFolders(draft: Draft, point: string, folder: string, why: string): void {
  const folders = chain(point, folder);
  const from = draft.config.linux?.cgroupsPath ? '#/linux/cgroupsPath' : 'minirun';
  folders.forEach((path, i) => {
    const last = i === folders.length - 1;
    if (!last && draft.host.cgroup.existing?.includes(path)) return;
    add(draft, {
      ...RUNTIME,
      from,
      call: mkdirat(AT_FDCWD, path, 0o755),
      ignore: ['EEXIST'],
      ...(last ? {} : { minor: true }),
      why: last ? why : 'The folder above, shared by all containers.',
    });
  });
}

/**
 * v1: a new cpuset has no CPUs and no memory nodes, and nothing may join it until it has. Each
 * folder below the last one that has some gets the same ones.
 */
function fillCpusets(draft: Draft, point: string, folder: string): void {
  const facts = draft.host.cgroup.cpuset ?? { from: point, cpus: '0', mems: '0' };
  const { cpu } = draft.config.linux?.resources ?? {};
  for (const path of chain(point, folder)) {
    if (facts.from === path || facts.from.startsWith(`${path}/`)) continue;
    for (const kind of ['cpus', 'mems'] as const) {
      if (path === folder && cpu?.[kind]) continue; // the limit itself follows
      writeFile(
        draft,
        RUNTIME,
        `${path}/cpuset.${kind}`,
        facts[kind],
        `A new cpuset is empty, and a process cannot join one without ${kind === 'cpus' ? 'CPUs' : 'memory nodes'}: it gets all that the folder above has.`,
      );
    }
  }
}

function compileV1(draft: Draft, paths: CgroupPaths): void {
  const points = draft.host.cgroup.v1;
  let first = true;
  for (const [folder, controllers] of v1Folders(paths)) {
    const why = first
      ? `A cgroup is a group of processes whose use the kernel counts and limits together; making one is making a folder. In version 1 each kind of resource has a tree of its own, so the container gets a folder in each of them. Here: ${purpose(controllers)}.`
      : `The container's folder in the next tree: ${purpose(controllers)}.`;
    first = false;
    const point = points[controllers[0] as string] as string;
    makeFolders(draft, point, folder, why);
    if (controllers.includes('cpuset')) fillCpusets(draft, point, folder);
  }
}

/** v2: a folder has the controllers that the folder above has switched on for its children. */
function compileV2(draft: Draft, folder: string): void {
  const { config, host } = draft;
  const point = host.cgroup.v2 as string;
  makeFolders(
    draft,
    point,
    folder,
    'A cgroup is a group of processes whose use the kernel counts and limits together; making one is making a folder. In version 2 there is one tree for all resources.',
  );
  const resources = config.linux?.resources;
  const needed = [...controllersNeeded(resources).keys()].filter((c) => homeOf(c, host) === 'v2') as string[];
  for (const key of Object.keys(resources?.unified ?? {})) {
    const controller = key.split('.')[0] as string;
    if (controller !== 'cgroup' && !needed.includes(controller)) needed.push(controller);
  }
  const above = foldersAbove(draft, folder);
  switchOn(draft, above, needed);
  // On a hybrid machine this tree has what is left over, and nobody has asked for it.
  if (host.cgroup.mode === 'v2') offer(draft, above, needed);
}

/**
 * The writes of all limits, each with the absolute path of its file.
 * @param also controllers that are looked at although the limits can do without them
 */
export function compileResources(draft: Draft, paths: CgroupPaths, also: Controller[] = []): { path: string; limit: Limit }[] {
  const { config, host } = draft;
  const resources = config.linux?.resources;
  if (!resources) return [];
  const limits: { path: string; limit: Limit }[] = [];
  const push = (folder: string | undefined, limit: Limit) => {
    if (folder !== undefined) limits.push({ path: `${folder}/${limit.file}`, limit });
  };
  for (const controller of new Set([...controllersNeeded(resources).keys(), ...also])) {
    const home = homeOf(controller, host);
    if (home === 'v1') for (const l of limitsV1(controller, resources)) push(paths.v1[l.controller], l);
    else if (home === 'v2') for (const l of limitsV2(controller, resources)) push(paths.v2, l);
  }
  for (const l of unifiedLimits(resources.unified ?? {})) push(paths.v2, l);
  if (homeOf('memory', host) === 'v2') draft.warnings.push(...ignoredByV2(resources));
  if (resources.blockIO?.leafWeight || resources.blockIO?.weightDevice?.some((d) => d.leafWeight))
    draft.warnings.push('blockIO.leafWeight has no effect: it belonged to a disk scheduler that Linux 5.0 dropped.');
  return limits;
}

/**
 * The runtime's steps before init exists: folders, limits, device rules. None when there are no
 * paths, or when systemd makes them: it needs to know init first (see cgroup-scope.ts). Limits come
 * first and the process after, so that nothing ever runs without them.
 * The caller has asked checkResources before.
 */
export function compileCgroup(draft: Draft, paths: CgroupPaths): void {
  const wanted = draft.config.linux?.cgroupsPath;
  if (wanted && !hasCgroups(paths))
    draft.warnings.push(
      `the container gets no cgroups at ${wanted}: ${draft.host.cgroup.mode === 'none' ? 'none are mounted here' : 'this user may not make them there (permission denied)'}; it runs without, is not counted, and cannot be paused`,
    );
  if (!paths.unit) compileCgroupFolders(draft, paths);
}

/** Folders, limits and device rules. */
export function compileCgroupFolders(draft: Draft, paths: CgroupPaths): void {
  if (!hasCgroups(paths)) return;
  compileV1(draft, paths);
  if (paths.v2 !== undefined) compileV2(draft, paths.v2);
  for (const { path, limit } of compileResources(draft, paths))
    writeFile(draft, { ...RUNTIME, from: limit.from }, path, limit.value, limit.why, limit.ignore ? { ignore: limit.ignore } : {});
  compileDeviceRules(draft, paths);
}
