/** Cgroups of this machine's own kernel: the compiled steps are performed, and what they made is used and removed. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { freeze, isFrozen, thaw } from '../../src/runc/cgroup/freezer.ts';
import { killAll } from '../../src/runc/cgroup/kill.ts';
import { oomKills } from '../../src/runc/cgroup/oom.ts';
import { cgroupsTaken, foldersOf, processesOf } from '../../src/runc/cgroup/processes.ts';
import { removeCgroups } from '../../src/runc/cgroup/remove.ts';
import { type CgroupPaths, cgroupPaths, checkResources, compileCgroup, compileCgroupJoin } from '../../src/runc/compile/cgroup.ts';
import { newDraft } from '../../src/runc/compile/draft.ts';
import { probeHost } from '../../src/runc/host/probe.ts';
import { flatten } from '../../src/runc/program/flatten.ts';
import { load, perform } from '../../src/runc/program/memory.ts';
import type { Config, Resources } from '../../src/runc/spec/config.ts';

const SIGKILL = 9;
const usable = process.platform === 'linux' && process.getuid?.() === 0 && probeHost({ ociVersion: '1.2.0' }).cgroup.writable;
if (!usable) console.log('skipped: making cgroups needs root and a writable cgroup file system');

let made: CgroupPaths | undefined;
let serial = 0;

/** Performs the runtime's steps. */
function make(resources: Resources = {}): CgroupPaths {
  const config: Config = { ociVersion: '1.2.0', linux: { resources, cgroupsPath: `/minirun-test-${process.pid}-${++serial}` } };
  const host = probeHost(config);
  expect(checkResources(config, host)).toEqual([]);
  const paths = cgroupPaths(config, host, 'box');
  made = paths;
  const draft = newDraft(config, host);
  compileCgroup(draft, paths);
  const program = { version: 1 as const, arch: host.arch, steps: draft.steps, warnings: [] };
  const flat = flatten(program);
  const memory = load(flat);
  flat.steps.forEach((step, i) => {
    const result = perform(step, memory);
    if (result < 0 && !step.ignore.includes(-result)) throw new Error(`${JSON.stringify(program.steps[i]?.call)}: errno ${-result}`);
    if (step.save >= 0) memory.results[step.save] = result;
  });
  return paths;
}

/** The files that init writes 0 to, as compiled. */
function joinFiles(paths: CgroupPaths): string[] {
  const draft = newDraft({ ociVersion: '1.2.0' }, probeHost({ ociVersion: '1.2.0' }));
  compileCgroupJoin(draft, paths);
  return draft.steps.flatMap((s) => (s.call.name === 'openat' && s.call.args[1]?.kind === 'text' ? [String(s.call.args[1].parts[0])] : []));
}

/** A shell that joins as init does, and then runs a command. */
const joining = (paths: CgroupPaths, command: string): string[] => [
  '-c',
  `for f in ${joinFiles(paths).join(' ')}; do echo 0 > $f || exit 99; done; ${command}`,
];

/** Starts such a shell; the command says `joined` when it has come so far. */
async function start(paths: CgroupPaths, command: string) {
  const child = spawn('sh', joining(paths, command), { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

const read = (path: string): string => readFileSync(path, 'utf8').trim();

describe.skipIf(!usable)('on this kernel', () => {
  afterEach(() => {
    if (!made) return;
    killAll(made, SIGKILL);
    expect(removeCgroups(made)).toEqual([]);
    made = undefined;
  });

  test('limits are set where the kernel reads them', () => {
    const disk = statSync('/').dev;
    const [major, minor] = [disk >> 8, disk & 255];
    const hasDisk = existsSync(`/sys/dev/block/${major}:${minor}`);
    const paths = make({
      memory: { limit: 64 << 20, swap: 128 << 20 },
      cpu: { shares: 512, quota: 20000, period: 50000, cpus: '0' },
      pids: { limit: 33 },
      ...(hasDisk ? { blockIO: { throttleReadBpsDevice: [{ major, minor, rate: 1 << 20 }] } } : {}),
    });
    const get = (v1: string, v1File: string, v2File: string): string =>
      read(paths.v1[v1] === undefined ? `${paths.v2}/${v2File}` : `${paths.v1[v1]}/${v1File}`);
    expect(get('memory', 'memory.limit_in_bytes', 'memory.max')).toBe(String(64 << 20));
    expect(get('pids', 'pids.max', 'pids.max')).toBe('33');
    expect(get('cpuset', 'cpuset.cpus', 'cpuset.cpus')).toBe('0');
    if (paths.v1.cpu === undefined) expect(read(`${paths.v2}/cpu.max`)).toBe('20000 50000');
    else
      expect([
        read(`${paths.v1.cpu}/cpu.shares`),
        read(`${paths.v1.cpu}/cpu.cfs_quota_us`),
        read(`${paths.v1.cpu}/cpu.cfs_period_us`),
      ]).toEqual(['512', '20000', '50000']);
    if (paths.v1.devices !== undefined)
      expect(read(`${paths.v1.devices}/devices.list`).split('\n')).toEqual(expect.arrayContaining(['c 1:3 rwm', 'c *:* m']));
    if (hasDisk) expect(get('blkio', 'blkio.throttle.read_bps_device', 'io.max')).toContain(String(1 << 20));
  });

  test('a process joins, is found, frozen, and killed with its children and sub-cgroups', async () => {
    const paths = make();
    expect(cgroupsTaken(paths)).toBeUndefined();
    const child = await start(paths, 'sleep 100 & sleep 100 & echo joined; wait');
    const ended = once(child, 'exit');
    const own = foldersOf(paths).map((folder) => `${folder}/`);
    expect(own.every((folder) => read(`${folder}cgroup.procs`).split('\n').includes(String(child.pid)))).toBe(true);
    expect(processesOf(paths)).toHaveLength(3);
    expect(cgroupsTaken(paths)).toMatch(/not empty: 3 process/);
    for (const folder of own) mkdirSync(`${folder}deeper`);

    freeze(paths);
    expect(isFrozen(paths)).toBe(true);
    thaw(paths);
    expect(isFrozen(paths)).toBe(false);

    freeze(paths);
    killAll(paths, SIGKILL);
    await ended;
    expect(processesOf(paths)).toEqual([]);
    expect(removeCgroups(paths)).toEqual([]);
    expect(foldersOf(paths).filter((folder) => existsSync(folder))).toEqual([]);
  });

  test('other signals go to each process once', async () => {
    const paths = make();
    const child = await start(paths, 'trap "exit 7" TERM; sleep 100 & echo joined; wait');
    const ended = once(child, 'exit');
    killAll(paths, 15);
    expect(await ended).toEqual([7, null]);
  });

  test('removing waits for processes that are ending, and names folders that stay', async () => {
    const paths = make();
    const child = await start(paths, 'echo joined; sleep 0.2');
    const ended = once(child, 'exit');
    if (Object.keys(paths.v1).length) expect(removeCgroups({ v1: { x: Object.values(paths.v1)[0] as string } })).toEqual([]);
    else expect(removeCgroups(paths)).toEqual([]);
    await ended;
  });

  test('being killed for lack of memory is counted', () => {
    const paths = make({ memory: { limit: 16 << 20, swap: 16 << 20 } });
    expect(oomKills(paths)).toBe(0);
    // tail keeps the last line, and /dev/zero has no end of line
    const eater = spawnSync('sh', joining(paths, 'exec tail /dev/zero'));
    expect(eater.signal).toBe('SIGKILL');
    expect(oomKills(paths)).toBeGreaterThan(0);
  });

  test('device rules are in force', () => {
    const paths = make({ devices: [{ allow: false, access: 'rwm' }] });
    const inside = (command: string) => spawnSync('sh', joining(paths, command), { encoding: 'utf8' });
    expect(inside(': < /dev/null').status).toBe(0);
    if (existsSync('/dev/kmsg')) expect(inside(': < /dev/kmsg').stderr).toMatch(/Operation not permitted/);
  });

  test('a cgroup that holds this process is never killed', () => {
    const folder = make();
    expect(() => killAll({ v1: { any: `/proc/self/no-such` } }, SIGKILL)).not.toThrow();
    const host = probeHost({ ociVersion: '1.2.0' });
    const [controller, point] = Object.entries(host.cgroup.v1)[0] ?? ['', host.cgroup.v2 as string];
    const ours = `${point}${host.cgroup.own[controller] === '/' ? '' : host.cgroup.own[controller]}`;
    expect(() => killAll({ v1: { [controller]: ours } }, 0)).toThrow(/holds minirun itself/);
    expect(folder).toBeDefined();
  });
});
