import { describe, expect, test } from 'vitest';
import { CLONE } from '../../src/libc/flags.ts';
import { cgroupPaths, checkResources, compileCgroup, compileCgroupJoin } from '../../src/runc/compile/cgroup.ts';
import { cgroupOwner } from '../../src/runc/compile/cgroup-owner.ts';
import { chain } from '../../src/runc/compile/cgroup-paths.ts';
import { compile } from '../../src/runc/compile/compile.ts';
import { type Draft, newDraft } from '../../src/runc/compile/draft.ts';
import { compileExec } from '../../src/runc/compile/exec.ts';
import { type CgroupFacts, type Host, TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import { flatten } from '../../src/runc/program/flatten.ts';
import { type Arg, cloneFlags, type Step } from '../../src/runc/program/step.ts';
import { TOKENS } from '../../src/runc/program/tokens.ts';
import type { Config, Process, Resources } from '../../src/runc/spec/config.ts';

const V1: CgroupFacts = {
  mode: 'hybrid',
  v1: {
    cpu: '/cg/cpu,cpuacct',
    cpuacct: '/cg/cpu,cpuacct',
    memory: '/cg/memory',
    cpuset: '/cg/cpuset',
    pids: '/cg/pids',
    blkio: '/cg/blkio',
    devices: '/cg/devices',
  },
  v2: '/cg/unified',
  v2Controllers: ['hugetlb'],
  own: { cpu: '/us', cpuacct: '/us', memory: '/us', cpuset: '/', pids: '/us', blkio: '/us', devices: '/us', '': '/us' },
  cpuset: { from: '/cg/cpuset', cpus: '0-3', mems: '0' },
  writable: true,
};
const v1Host: Host = { ...TYPICAL_HOST, cgroup: V1 };
const v2Host = TYPICAL_HOST;
const config = (resources?: Resources, cgroupsPath?: string): Config => ({
  ociVersion: '1.2.0',
  linux: { ...(resources ? { resources } : {}), ...(cgroupsPath ? { cgroupsPath } : {}) },
});

const show = (arg: Arg | undefined): string =>
  arg?.kind === 'text' ? arg.parts.map(String).join('') : arg?.kind === 'data' ? Buffer.from(arg.hex, 'hex').toString() : '';

/** `mkdir PATH` and `PATH = VALUE` for each pair of openat and write. */
function story(draft: Draft): string[] {
  const lines: string[] = [];
  let open = '';
  for (const s of draft.steps) {
    if (s.call.name === 'mkdirat') lines.push(`mkdir ${show(s.call.args[1])}`);
    else if (s.call.name === 'openat') open = show(s.call.args[1]);
    else if (s.call.name === 'write') lines.push(`${open} = ${show(s.call.args[1])}`);
    else if (s.call.name === 'bpf') lines.push('bpf');
  }
  return lines;
}

function compiled(c: Config, host: Host): { lines: string[]; steps: Step[]; draft: Draft } {
  const draft = newDraft(c, host);
  compileCgroup(draft, cgroupPaths(c, host, 'box'));
  return { lines: story(draft), steps: draft.steps, draft };
}
const limitLines = (resources: Resources, host: Host): string[] =>
  compiled(config(resources), host).lines.filter(
    (l) => / = /.test(l) && !/devices\.|subtree_control|cpuset\.(cpus|mems) = (0-3|0)$/.test(l),
  );

describe('where the cgroups are', () => {
  test('without a cgroupsPath', () => {
    expect(cgroupPaths(config(), v2Host, 'box')).toEqual({ v1: {}, v2: '/sys/fs/cgroup/minirun/box' });
    expect(cgroupPaths(config(), v1Host, 'box').v1).toMatchObject({ memory: '/cg/memory/minirun/box', cpu: '/cg/cpu,cpuacct/minirun/box' });
    const user: Host = { ...v2Host, uid: 1000, cgroup: { ...v2Host.cgroup, own: { '': '/app.slice/x.scope' } } };
    expect(cgroupPaths(config(), user, 'box').v2).toBe('/sys/fs/cgroup/app.slice/minirun/box');
    expect(cgroupPaths({ ...config(), annotations: { 'minirun.id': 'noted' } }, v2Host).v2).toBe('/sys/fs/cgroup/minirun/noted');
  });
  test('absolute and relative, and never outside of the hierarchy', () => {
    expect(cgroupPaths(config(undefined, '/a/b'), v2Host).v2).toBe('/sys/fs/cgroup/a/b');
    const deep: Host = { ...v2Host, cgroup: { ...v2Host.cgroup, own: { '': '/s/me' } } };
    expect(cgroupPaths(config(undefined, 'a/b'), deep).v2).toBe('/sys/fs/cgroup/s/a/b');
    expect(cgroupPaths(config(undefined, 'a/b'), v1Host).v1.memory).toBe('/cg/memory/us/a/b');
    expect(cgroupPaths(config(undefined, '/../../../etc/x'), v2Host).v2).toBe('/sys/fs/cgroup/etc/x');
    expect(cgroupPaths(config(undefined, '../../../etc/x'), deep).v2).toBe('/sys/fs/cgroup/s/etc/x');
  });
  test('hybrid: the v2 folder only for what is only there', () => {
    expect(cgroupPaths(config(), v1Host).v2).toBeUndefined();
    expect(cgroupPaths(config({ hugepageLimits: [{ pageSize: '2MB', limit: 0 }] }), v1Host, 'box').v2).toBe('/cg/unified/minirun/box');
  });
  test('hybrid: a config that names its cgroups has them in every hierarchy', () => {
    expect(cgroupPaths(config(undefined, '/docker/x'), v1Host)).toMatchObject({
      v1: { memory: '/cg/memory/docker/x' },
      v2: '/cg/unified/docker/x',
    });
  });
  test('an ordinary user: the hierarchies that were handed to it', () => {
    const some: Host = { ...v1Host, uid: 1000, cgroup: { ...V1, unwritable: ['cpu', 'cpuacct', 'cpuset', 'blkio', 'devices', ''] } };
    expect(cgroupPaths(config(undefined, 'x'), some)).toEqual({ v1: { memory: '/cg/memory/us/x', pids: '/cg/pids/us/x' } });
    expect(checkResources(config({ cpu: { shares: 5 } }), some)[0]).toContain('cgroup controller cpu, which was not handed to this user');
    expect(checkResources(config({ pids: { limit: 5 } }), some)).toEqual([]);
  });
  test('none where we may not', () => {
    const host = { ...v2Host, cgroup: { ...v2Host.cgroup, writable: false } };
    expect(cgroupPaths(config(), host)).toEqual({ v1: {} });
    expect(compiled(config(), host).steps).toEqual([]);
  });
  test('the folders on the way', () => expect(chain('/cg/u', '/cg/u/a/b')).toEqual(['/cg/u/a', '/cg/u/a/b']));
});

describe('the steps', () => {
  test('v1: a folder a hierarchy, cpusets filled from above, device rules', () => {
    const { lines } = compiled(config(), v1Host);
    expect(lines.filter((l) => l.startsWith('mkdir'))).toHaveLength(12); // six hierarchies, two levels
    expect(lines).toEqual(
      expect.arrayContaining([
        'mkdir /cg/cpu,cpuacct/minirun',
        'mkdir /cg/cpu,cpuacct/minirun/box',
        '/cg/cpuset/minirun/cpuset.cpus = 0-3',
        '/cg/cpuset/minirun/cpuset.mems = 0',
        '/cg/cpuset/minirun/box/cpuset.cpus = 0-3',
        '/cg/cpuset/minirun/box/cpuset.mems = 0',
        '/cg/devices/minirun/box/devices.deny = a',
        '/cg/devices/minirun/box/devices.allow = c 1:3 rwm',
      ]),
    );
    const there = compiled(config(), { ...v1Host, cgroup: { ...V1, cpuset: { from: '/cg/cpuset/minirun', cpus: '1', mems: '0' } } }).lines;
    expect(there).not.toContain('/cg/cpuset/minirun/cpuset.cpus = 1');
    expect(there).toContain('/cg/cpuset/minirun/box/cpuset.cpus = 1');
  });
  test('v2: controllers are switched on from the top down, the needed ones strictly', () => {
    const { lines, steps } = compiled(config({ cpu: { quota: 50000 }, pids: { limit: 9 } }), v2Host);
    expect(lines).toEqual([
      'mkdir /sys/fs/cgroup/minirun',
      'mkdir /sys/fs/cgroup/minirun/box',
      '/sys/fs/cgroup/cgroup.subtree_control = +cpu +pids +memory',
      '/sys/fs/cgroup/minirun/cgroup.subtree_control = +cpu +pids +memory',
      ...['/sys/fs/cgroup', '/sys/fs/cgroup/minirun'].flatMap((path) => [
        `${path}/cgroup.subtree_control = +cpuset +io +memory +hugetlb`,
        `${path}/cgroup.subtree_control = +memory`,
      ]),
      '/sys/fs/cgroup/minirun/box/cpu.max = 50000 100000',
      '/sys/fs/cgroup/minirun/box/pids.max = 9',
      'bpf',
      'bpf',
    ]);
    const ignores = steps
      .filter((s) => s.call.name === 'write' && show(s.call.args[1]).startsWith('+'))
      .map((s) => (s.ignore ?? []).includes('EBUSY'));
    expect(ignores).toEqual([false, false, true, true, true, true]);
  });
  test('an ordinary user begins at the folder above its own, and sets no device rules', () => {
    const user: Host = {
      ...v2Host,
      uid: 1000,
      cgroup: {
        ...v2Host.cgroup,
        own: { '': '/app.slice/x.scope' },
        v2Controllers: ['memory', 'pids'],
        delegated: '/sys/fs/cgroup/app.slice',
      },
    };
    const { lines } = compiled(config({ memory: { limit: 5 } }), user);
    expect(lines.filter((l) => l.endsWith('= +memory'))).toEqual([
      '/sys/fs/cgroup/app.slice/cgroup.subtree_control = +memory',
      '/sys/fs/cgroup/app.slice/minirun/cgroup.subtree_control = +memory',
    ]);
    expect(lines).not.toContain('bpf');
    expect(compiled(config(), { ...v2Host, inUserNamespace: true }).lines).not.toContain('bpf');
  });
  test('without permission: none, with a warning where they are named', () => {
    const user: Host = { ...v2Host, uid: 1000, cgroup: { ...v2Host.cgroup, writable: false } };
    expect(compiled(config(), user).draft).toMatchObject({ steps: [], warnings: [] });
    expect(compiled(config(undefined, '/a'), user).draft.warnings[0]).toContain('no cgroups at /a: this user may not make them');
  });
  test("v2: a container that may write to its cgroups owns them, by its user's number on the host", () => {
    const own = (flags: string[], maps?: { containerID: number; hostID: number; size: number }[], uid = 0): Config => ({
      ociVersion: '1.2.0',
      process: { user: { uid, gid: 0 }, args: ['x'], cwd: '/' },
      mounts: [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: flags }],
      linux: {
        namespaces: [{ type: 'mount' }, { type: 'cgroup' }, ...(maps ? [{ type: 'user' as const }] : [])],
        ...(maps ? { uidMappings: maps } : {}),
      },
    });
    const mapped = [{ containerID: 0, hostID: 100000, size: 65536 }];
    expect([cgroupOwner(own([], mapped)), cgroupOwner(own([], mapped, 7)), cgroupOwner(own([], undefined, 1000))]).toEqual([
      100000, 100007, 1000,
    ]);
    expect([cgroupOwner(own(['ro'], mapped)), cgroupOwner(own([])), cgroupOwner(own([], mapped, 70000)), cgroupOwner(config())]).toEqual(
      Array(4).fill(undefined),
    );
    const { steps } = compile(own([], mapped), v2Host, { id: 'box', bundle: '/' });
    const given = steps.filter((s) => s.call.name === 'fchownat');
    expect(given.map((s) => show(s.call.args[1]))).toEqual(
      expect.arrayContaining(['/sys/fs/cgroup/minirun/box', '/sys/fs/cgroup/minirun/box/cgroup.procs']),
    );
    // Init opens the file as its owner, root of the host, before it is given away.
    const ready = steps.findIndex((s) => s.actor === 'runtime' && s.sync?.token === TOKENS.ready);
    expect(steps.indexOf(given[0] as Step)).toBeGreaterThan(ready);
    expect(ready).toBeGreaterThan(steps.findIndex((s) => s.actor === 'init' && s.chapter === 'cgroup'));
    expect(compile(own([], mapped), v1Host, { id: 'box', bundle: '/' }).steps.some((s) => s.call.name === 'fchownat')).toBe(false);
  });
  test('everything allowed: no device rules', () => {
    const all = config({ devices: [{ allow: true, access: 'rwm' }] });
    expect(compiled(all, v2Host).lines).not.toContain('bpf');
    expect(compiled(all, v1Host).lines.filter((l) => l.includes('devices.'))).toEqual([]);
  });
  test('init joins by itself, each hierarchy once', () => {
    const c = config({ hugepageLimits: [{ pageSize: '2MB', limit: 0 }] });
    const draft = newDraft(c, v1Host);
    compileCgroupJoin(draft, cgroupPaths(c, v1Host, 'box'));
    expect(story(draft)).toEqual([
      ...['cpu,cpuacct', 'memory', 'cpuset', 'pids', 'blkio', 'devices'].map((h) => `/cg/${h}/minirun/box/tasks = 0`),
      '/cg/unified/minirun/box/cgroup.procs = 0',
    ]);
    expect(new Set(draft.steps.map((s) => s.actor))).toEqual(new Set(['init']));
  });
  test('each step says why, from where, and in which manual page', () => {
    for (const host of [v1Host, v2Host]) {
      for (const s of compiled(config({ memory: { limit: 5, swap: 9 }, cpu: { shares: 2, cpus: '0' }, blockIO: { weight: 10 } }), host)
        .steps) {
        expect(s.why.length).toBeGreaterThan(20);
        expect(s.man).toMatch(/^\w+\([23]\)$/);
        expect(s.from).toMatch(/^(minirun|#\/linux\/)/);
        expect(s.ignore?.length ?? 0).toBeLessThanOrEqual(4);
      }
    }
  });
});

describe('limits as files', () => {
  const b = '/cg/blkio/minirun/box/blkio';
  test('v1', () => {
    const m = '/cg/memory/minirun/box/memory';
    expect(
      limitLines({ memory: { limit: 100, swap: 300, reservation: 50, swappiness: 0, disableOOMKiller: true, kernelTCP: 7 } }, v1Host),
    ).toEqual([
      `${m}.limit_in_bytes = 100`,
      `${m}.memsw.limit_in_bytes = 300`,
      `${m}.soft_limit_in_bytes = 50`,
      `${m}.kmem.tcp.limit_in_bytes = 7`,
      `${m}.swappiness = 0`,
      `${m}.oom_control = 1`,
    ]);
    expect(limitLines({ memory: { limit: -1 } }, v1Host)).toEqual([`${m}.limit_in_bytes = -1`, `${m}.memsw.limit_in_bytes = -1`]);
    const c = '/cg/cpu,cpuacct/minirun/box/cpu';
    expect(limitLines({ cpu: { shares: 512, quota: 1000, period: 2000, burst: 5, idle: 1 } }, v1Host)).toEqual([
      `${c}.shares = 512`,
      `${c}.cfs_period_us = 2000`,
      `${c}.cfs_quota_us = 1000`,
      `${c}.cfs_burst_us = 5`,
      `${c}.idle = 1`,
    ]);
    expect(limitLines({ cpu: { cpus: '1', mems: '0' } }, v1Host)).toContain('/cg/cpuset/minirun/box/cpuset.cpus = 1');
    expect(limitLines({ pids: { limit: 64 } }, v1Host)).toEqual(['/cg/pids/minirun/box/pids.max = 64']);
    expect(limitLines({ pids: { limit: -1 } }, v1Host)).toEqual([]);
    expect(
      limitLines(
        {
          blockIO: {
            weight: 10,
            throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 9 }],
            throttleWriteIOPSDevice: [{ major: 8, minor: 1, rate: 3 }],
          },
        },
        v1Host,
      ),
    ).toEqual([
      `${b}.weight = 10`,
      `${b}.bfq.weight = 10`,
      `${b}.throttle.read_bps_device = 8:0 9`,
      `${b}.throttle.write_iops_device = 8:1 3`,
    ]);
    expect(limitLines({ hugepageLimits: [{ pageSize: '2MB', limit: 4 }] }, v1Host)).toEqual([
      '/cg/unified/minirun/box/hugetlb.2MB.max = 4',
      '/cg/unified/minirun/box/hugetlb.2MB.rsvd.max = 4',
    ]);
  });
  test('v2', () => {
    const f = '/sys/fs/cgroup/minirun/box';
    expect(limitLines({ memory: { limit: 100, swap: 300, reservation: 50 } }, v2Host)).toEqual([
      `${f}/memory.swap.max = 200`,
      `${f}/memory.max = 100`,
      `${f}/memory.low = 50`,
    ]);
    expect(limitLines({ cpu: { shares: 1024, quota: -1, burst: 5, cpus: '0-1' } }, v2Host)).toEqual([
      `${f}/cpu.weight = 100`,
      `${f}/cpu.max = max 100000`,
      `${f}/cpu.max.burst = 5`,
      `${f}/cpuset.cpus = 0-1`,
    ]);
    expect(limitLines({ cpu: { shares: 1024, idle: 1 } }, v2Host)).toEqual([`${f}/cpu.idle = 1`]);
    expect(
      limitLines(
        {
          blockIO: {
            weight: 1000,
            throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 9 }],
            throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 0 }],
          },
        },
        v2Host,
      ),
    ).toEqual([`${f}/io.bfq.weight = 1000`, `${f}/io.weight = 10000`, `${f}/io.max = 8:0 rbps=9`, `${f}/io.max = 8:0 wiops=max`]);
    expect(limitLines({ unified: { 'memory.high': '5', 'io.max': '8:0 rbps=1\n8:16 rbps=2\n' } }, v2Host)).toEqual([
      `${f}/memory.high = 5`,
      `${f}/io.max = 8:0 rbps=1`,
      `${f}/io.max = 8:16 rbps=2`,
    ]);
  });
  test('what v2 cannot do is said', () => {
    expect(compiled(config({ memory: { limit: 5, swappiness: 1, disableOOMKiller: true } }), v2Host).draft.warnings).toEqual([
      expect.stringContaining('swappiness'),
      expect.stringContaining('disableOOMKiller'),
    ]);
  });
});

describe('checkResources', () => {
  const check = (resources: Resources, host: Host = v2Host) => checkResources(config(resources), host);
  test('good ones', () => {
    expect(
      check({
        memory: { limit: 100, swap: -1 },
        cpu: { shares: 2, quota: -1, cpus: '0,2-3' },
        pids: { limit: -1 },
        unified: { 'memory.high': '1', 'cgroup.max.depth': '3' },
      }),
    ).toEqual([]);
    expect(checkResources({ ociVersion: '1.2.0' }, v2Host)).toEqual([]);
  });
  test.each<[Resources, RegExp]>([
    [{ memory: { swap: 5 } }, /memory\/swap.*needs #\/linux\/resources\/memory\/limit/],
    [{ memory: { limit: 5, swap: 4 } }, /cannot be less than the memory limit/],
    [{ memory: { limit: 5, swappiness: 101 } }, /0 to 100, not 101/],
    [{ cpu: { shares: 1 } }, /2 to 262144, not 1/],
    [{ cpu: { period: 10 } }, /cpu\/period/],
    [{ cpu: { quota: 999 } }, /at least 1000/],
    [{ cpu: { cpus: '0-' } }, /cpu\/cpus.*"0-"/],
    [{ cpu: { realtimeRuntime: 5 } }, /realtime/],
    [{ blockIO: { weight: 5 } }, /10 to 1000/],
    [{ hugepageLimits: [{ pageSize: '../x', limit: 1 }] }, /hugepageLimits\/0\/pageSize/],
    [{ network: { classID: 5 } }, /net_cls, which exists in cgroup v1 only/],
    [{ rdma: { mlx: { hcaHandles: 1 } } }, /controller rdma/],
    [{ unified: { '../memory.max': '1' } }, /unified\/..~1memory.max: .*no file name/],
    [{ unified: { '..': '1' } }, /no file name/],
    [{ unified: { 'misc.max': '1' } }, /controller misc is not available/],
    [{ devices: [{ allow: true, type: 'c', access: 'z' }] }, /devices\/0\/access/],
  ])('%j', (resources, sentence) => {
    expect(check(resources)).toEqual([expect.stringMatching(sentence)]);
  });
  test('no right to make cgroups, or none there', () => {
    const readOnly = { ...v2Host, cgroup: { ...v2Host.cgroup, writable: false } };
    expect(check({ pids: { limit: 5 } }, readOnly)).toEqual([expect.stringMatching(/read-only/)]);
    expect(check({ pids: { limit: 5 } }, { ...readOnly, uid: 1000 })).toEqual([expect.stringMatching(/Delegate=yes/)]);
    expect(check({}, readOnly)).toEqual([]);
    const none: Host = { ...v2Host, cgroup: { mode: 'none', v1: {}, v2Controllers: [], own: {}, writable: false } };
    expect(check({ pids: { limit: 5 } }, none)).toEqual([expect.stringMatching(/no cgroup hierarchy is mounted/)]);
  });
  test("the whole machine's cgroup is refused", () => {
    for (const path of ['/', '/..', '.'])
      expect(checkResources(config(undefined, path), v2Host)).toEqual([expect.stringMatching(/cgroupsPath/)]);
  });
  test('v1 device rules that cannot be expressed', () => {
    const devices = [
      { allow: true, type: 'c' as const, major: 10 },
      { allow: false, type: 'c' as const, major: 10, minor: 229 },
    ];
    expect(check({ devices }, v1Host)).toEqual([expect.stringMatching(/takes back a part/)]);
    expect(check({ devices }, v2Host)).toEqual([]);
  });
});

describe('init that may be born in a cgroup', () => {
  const plain = { id: 'box', bundle: '/b', preserveFds: 0 };
  const whole: Config = {
    ...config(),
    root: { path: 'rootfs' },
    process: { cwd: '/', args: ['true'], user: { uid: 0, gid: 0 } },
    linux: { cgroupsPath: '/minirun/box', namespaces: [{ type: 'pid' }, { type: 'mount' }] },
  };
  const named = (host: Host, cloneInto: boolean) => {
    const { steps } = compile(whole, host, { ...plain, cloneInto });
    return { steps, birth: steps.find(({ call }) => call.name === 'clone3'), flat: flatten(compile(whole, host, { ...plain, cloneInto })) };
  };
  const opened = (steps: readonly Step[], file: RegExp) =>
    steps.filter(({ call }) => call.name === 'openat' && file.test(show(call.args[1])));

  test('is, in version 2’s folder alone, and lets go of the descriptor first of all', () => {
    for (const host of [v1Host, v2Host]) {
      const { steps, birth, flat } = named(host, true);
      expect(birth).toMatchObject({ actor: 'starter', becomes: 'init', saves: 'init' });
      expect(cloneFlags(birth?.call as Step['call'])).toMatchObject({ value: 0x200000000 + CLONE.CLONE_PARENT + CLONE.CLONE_NEWPID });
      expect(opened(steps, /cgroup\.procs$/)).toEqual([]);
      const folder = opened(steps, /minirun\/box$/).find(({ actor }) => actor === 'starter');
      expect(folder?.saves).toBeDefined();
      const closed = steps.findIndex(
        ({ actor, call }) =>
          actor === 'init' && call.name === 'close' && call.args[0]?.kind === 'result' && call.args[0].of === folder?.saves,
      );
      const before = steps
        .slice(0, closed)
        .filter(({ actor, call }) => actor === 'init' && !['openat', 'write', 'close'].includes(call.name));
      expect(before).toEqual([]);
      expect(flat.steps[steps.indexOf(birth as Step)]).toMatchObject({ op: 'clone', nr: 435, becomes: 2 });
    }
    expect(opened(named(v1Host, true).steps, /tasks$/)).toHaveLength(6);
  });

  test('joins it where that is not to be, or where it has no cgroup of version 2', () => {
    expect(named(v2Host, false).birth).toBe(undefined);
    expect(opened(named(v2Host, false).steps, /cgroup\.procs$/)).toHaveLength(1);
    const rootless: Host = { ...v2Host, uid: 1000, gid: 1000 };
    expect(named(rootless, true).birth).toBe(undefined);
    const { v2: _, ...v1Only } = V1;
    expect(named({ ...v1Host, cgroup: { ...v1Only, mode: 'v1' } }, true).birth).toBe(undefined);
  });

  test('so may the process of an exec, which joins the cgroup namespace by itself then', () => {
    const exec = (host: Host, cloneInto: boolean) =>
      compileExec(whole, whole.process as Process, host, { id: 'box', pid: 7, namespaces: ['cgroup', 'pid'], cloneInto }).steps;
    const joins = (steps: readonly Step[]) =>
      steps
        .filter(({ call }) => call.name === 'setns')
        .map(({ actor, call }) => [actor, call.args[0]?.kind === 'result' && call.args[0].of]);
    const born = exec(v1Host, true);
    expect(born.filter(({ call }) => call.name === 'clone3')).toHaveLength(1);
    expect(opened(born, /cgroup\.procs$/)).toEqual([]);
    expect(joins(born)).toEqual([
      ['starter', 'pid'],
      ['init', 'cgroup'],
    ]);
    // A limit of processes could be reached: it holds for who is born, and not for who comes.
    for (const steps of [exec(v1Host, false), exec({ ...v2Host, cgroup: { ...v2Host.cgroup, v2Controllers: ['pids'] } }, true)]) {
      expect(steps.some(({ call }) => call.name === 'clone3')).toBe(false);
      expect(opened(steps, /cgroup\.procs$/)).toHaveLength(1);
      expect(joins(steps)).toEqual([
        ['starter', 'cgroup'],
        ['starter', 'pid'],
      ]);
    }
  });
});
