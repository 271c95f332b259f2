/** What the config asks of the kernel for the process: labels, policies, listeners, devices, as steps. */
import { describe, expect, test } from 'vitest';
import { showStep } from '../../src/explain/decode.ts';
import { compile } from '../../src/runc/compile/compile.ts';
import { compileExec } from '../../src/runc/compile/exec.ts';
import { resctrlLeftovers } from '../../src/runc/compile/intel-rdt.ts';
import { unsupported } from '../../src/runc/compile/unsupported.ts';
import { type Host, TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import { flatten } from '../../src/runc/program/flatten.ts';
import { decodeProgram, encodeProgram } from '../../src/runc/program/json.ts';
import type { Program, Step } from '../../src/runc/program/step.ts';
import type { Config, Linux, Process } from '../../src/runc/spec/config.ts';
import { defaultConfig } from '../../src/runc/spec/default-config.ts';

const config = (process: Partial<Process>, linux: Partial<Linux> = {}): Config => {
  const { cgroup } = TYPICAL_HOST;
  const c = defaultConfig({ id: 'box', rootfs: '/srv/rootfs', args: ['sh'], terminal: false, cgroup, arch: 'x64', kernel: [6, 1] });
  delete c.linux?.seccomp;
  return { ...c, process: { ...(c.process as Process), ...process }, linux: { ...c.linux, ...linux } };
};
const made = (c: Config, host: Partial<Host> = {}): Program =>
  compile(c, { ...TYPICAL_HOST, ...host }, { id: 'box', bundle: '/srv', gated: true });
const missing = (c: Config, host: Partial<Host> = {}) => unsupported(c, { ...TYPICAL_HOST, ...host });

/** The steps that come from this place, as text. */
const shown = (p: Program, from: string): string[] => p.steps.flatMap((s, i) => (s.from.startsWith(from) ? [showStep(p, i)] : []));
const at = (p: Program, test: (s: Step) => boolean): number => {
  const index = p.steps.findIndex(test);
  if (index < 0) throw new Error('no such step');
  return index;
};
/** It can be executed, and sent to another process. */
const complete = (p: Program) => {
  flatten(p);
  flatten(decodeProgram(encodeProgram(p)));
};

describe('AppArmor', () => {
  const c = config({ apparmorProfile: 'docker-default' });
  test('the profile is written to the own attribute, through a procfs that was checked, while init is still free', () => {
    const p = made(c, { apparmor: true });
    complete(p);
    expect(shown(p, '#/process/apparmorProfile')).toEqual([
      'openat2(AT_FDCWD, "/proc", {flags=O_DIRECTORY|O_CLOEXEC|O_PATH, resolve=RESOLVE_NO_SYMLINKS}, 24)',
      expect.stringMatching(/^fstatfs/),
      expect.stringMatching(/thread-self\/attr\/apparmor\/exec".*O_WRONLY.*RESOLVE_NO_XDEV\|RESOLVE_NO_MAGICLINKS\|RESOLVE_BENEATH/),
      expect.stringMatching(/^write\(<attribute\.\d+>, "exec docker-default", 19\)$/),
      expect.stringMatching(/^close/),
      expect.stringMatching(/^close/),
    ]);
    const checked = p.steps[at(p, (s) => s.from === '#/process/apparmorProfile' && s.call.name === 'fstatfs')];
    expect(checked?.expect?.[0]).toMatchObject({ equals: 0x9fa0n });
    expect(at(p, (s) => s.from === '#/process/apparmorProfile')).toBeLessThan(at(p, (s) => s.call.name === 'accept4'));
    expect(at(p, (s) => s.call.name === 'pivot_root')).toBeLessThan(at(p, (s) => s.from === '#/process/apparmorProfile'));
  });
  test('where it is off, a profile is refused, and none is none', () => {
    expect(missing(c)).toEqual([expect.stringMatching(/#\/process\/apparmorProfile: .*apparmor not supported/)]);
    expect(missing(c, { apparmor: true })).toEqual([]);
    expect(missing(config({ apparmorProfile: 'unconfined' }))).toEqual([]);
    expect(shown(made(config({ apparmorProfile: 'unconfined' })), '#/process/apparmorProfile')).toEqual([]);
    expect(shown(made(config({ apparmorProfile: 'unconfined' }), { apparmor: true }), '#/process/apparmorProfile')).not.toEqual([]);
  });
  test('exec', () => {
    const host = { ...TYPICAL_HOST, apparmor: true };
    const p = compileExec(config({}), c.process as Process, host, { id: 'box', pid: 7, namespaces: ['mount'] });
    expect(shown(p, '#/process/apparmorProfile')).toHaveLength(6);
  });
});

test('exec enters the root of a container that has the mounts of the host, and stays in it', () => {
  const c = config({});
  const of = (chrooted: boolean) =>
    compileExec(c, c.process as Process, TYPICAL_HOST, { id: 'box', pid: 7, namespaces: ['pid'], chrooted }).steps.map(
      (s) => `${s.actor} ${s.call.name}`,
    );
  expect(of(false)).not.toContain('init chroot');
  const steps = of(true);
  const at = steps.indexOf('init chroot');
  expect(steps.slice(at - 2, at + 2)).toEqual(['init openat', 'init fchdir', 'init chroot', 'init close']);
  expect(at).toBeLessThan(steps.indexOf('init execve'));
});

describe('SELinux', () => {
  const c = config(
    { selinuxLabel: 'system_u:system_r:container_t:s0:c4,c7' },
    { mountLabel: 'system_u:object_r:container_file_t:s0:c4,c7' },
  );
  test('keyring, process and new file systems get their labels', () => {
    const p = made(c, { selinux: true });
    complete(p);
    const text = shown(p, '#/process/selinuxLabel').join('\n');
    expect(text).toMatch(/attr\/keycreate/);
    expect(text).toMatch(/attr\/exec/);
    expect(at(p, (s) => s.from === '#/process/selinuxLabel')).toBeLessThan(at(p, (s) => s.call.name === 'keyctl'));
    const mounts = p.steps.flatMap((s, i) => (s.call.name === 'mount' ? [showStep(p, i)] : []));
    expect(mounts.filter((m) => /"tmpfs", "|"devpts"/.test(m))).not.toEqual([]);
    for (const mount of mounts.filter((m) => m.includes('"devpts", ')))
      expect(mount).toContain('context=\\"system_u:object_r:container_file_t:s0:c4,c7\\"');
    for (const mount of mounts.filter((m) => m.startsWith('mount("proc"'))) expect(mount).not.toContain('context=');
  });
  test('where it is off, a process label is refused and a mount label left out', () => {
    expect(missing(c)).toEqual([expect.stringMatching(/selinux label is specified in config, but selinux is disabled or not supported/)]);
    const p = made(c);
    expect(p.warnings).toEqual([expect.stringMatching(/mountLabel/)]);
    expect(p.steps.some((_, i) => showStep(p, i).includes('context='))).toBe(false);
  });
});

describe('capabilities', () => {
  test('a config that names none gets none; a further command gets those of the container', () => {
    const none = config({});
    delete none.process?.capabilities;
    const p = made(none);
    const final = p.steps.findLast((s) => s.call.name === 'capset') as Step;
    expect(JSON.stringify(final.call.args[1])).not.toMatch(/"value":[1-9]/);
    expect(shown(p, '#/process/capabilities/bounding')).toHaveLength(41);
    const kill = config({ capabilities: { bounding: ['CAP_KILL'], permitted: ['CAP_KILL'], effective: ['CAP_KILL'] } });
    const exec = compileExec(kill, none.process as Process, TYPICAL_HOST, { id: 'box', pid: 7, namespaces: [] });
    expect(shown(exec, '#/process/capabilities').at(-1)).toContain('effective=permitted=CAP_KILL');
  });
  const sets = (change: object) => made(config({ capabilities: { bounding: ['CAP_KILL'], ...change } }));
  test('what nobody knows is left out with a warning', () => {
    expect(sets({ bounding: ['CAP_KILL', 'CAP_NOPE'] }).warnings).toEqual(['ignoring unknown or unavailable capabilities: CAP_NOPE']);
    const old = made(config({ capabilities: { bounding: ['CAP_BPF'] } }), { lastCapability: 37 });
    expect(old.warnings).toEqual(['ignoring unknown or unavailable capabilities: CAP_BPF']);
    expect(sets({}).warnings).toEqual([]);
  });
  test('an ambient one that the kernel would refuse is left out', () => {
    const p = sets({ permitted: ['CAP_KILL'], inheritable: ['CAP_CHOWN'], ambient: ['CAP_KILL'] });
    expect(p.warnings).toEqual([expect.stringMatching(/can't raise ambient capability CAP_KILL: /)]);
    expect(shown(p, '#/process/capabilities/ambient')).toEqual([]);
    expect(sets({ permitted: ['CAP_KILL'], inheritable: ['CAP_KILL'], ambient: ['CAP_KILL'] }).warnings).toEqual([]);
  });
});

describe('scheduling', () => {
  test('memory policy', () => {
    const policy = (mode: string, nodes?: string, flags?: string[]) =>
      shown(made(config({}, { memoryPolicy: { mode, ...(nodes ? { nodes } : {}), ...(flags ? { flags } : {}) } })), '#/linux/memoryPolicy');
    expect(policy('MPOL_DEFAULT')).toEqual(['set_mempolicy(MPOL_DEFAULT, NULL, 0)']);
    expect(policy('MPOL_BIND', '0-1,65', ['MPOL_F_STATIC_NODES'])).toEqual(['set_mempolicy(MPOL_BIND|MPOL_F_STATIC_NODES, [0-1,65], 129)']);
  });
  test('a container is not confined to the processors of its runtime', () => {
    const p = made(config({}));
    expect(shown(p, 'minirun').filter((s) => s.startsWith('sched_setaffinity'))).toEqual(['sched_setaffinity(0, 1024, [all processors])']);
  });
  test.each([
    [{ initial: '0', final: '1-2' }, ['starter sched_setaffinity(0, 8, [0])', 'init sched_setaffinity(0, 8, [1-2])']],
    [{ initial: '0' }, ['starter sched_setaffinity(0, 8, [0])']],
    [{ final: '64' }, ['init sched_setaffinity(0, 16, [64])']],
    [undefined, ['init sched_setaffinity(0, 1024, [all processors])']],
  ])('exec with %o', (execCPUAffinity, expected) => {
    const process = { ...(config({}).process as Process), ...(execCPUAffinity ? { execCPUAffinity } : {}) };
    const p = compileExec(config({}), process, TYPICAL_HOST, { id: 'box', pid: 7, namespaces: ['pid'] });
    const calls = p.steps.flatMap((s, i) => (s.call.name === 'sched_setaffinity' ? [`${s.actor} ${showStep(p, i)}`] : []));
    expect(calls).toEqual(expected);
    // A process that enters a cpuset gets all of its processors: the last word comes after that.
    const joined = at(p, (s) => s.chapter === 'cgroup' && s.call.name === 'write');
    if (calls.length && calls.at(-1)?.startsWith('init'))
      expect(joined).toBeLessThan(at(p, (s) => s.actor === 'init' && s.call.name === 'sched_setaffinity'));
  });
  test("the container's processors for exec hold where the process has none", () => {
    const c = config({ execCPUAffinity: { final: '1' } });
    const plain = config({}).process as Process;
    const p = compileExec(c, plain, TYPICAL_HOST, { id: 'box', pid: 7, namespaces: [] });
    expect(p.steps.some((_, i) => showStep(p, i) === 'sched_setaffinity(0, 8, [1])')).toBe(true);
  });
  test('personality flags, of which there are none yet, are left out', () => {
    expect(made(config({}, { personality: { domain: 'LINUX32', flags: ['X'] } })).warnings).toEqual([
      expect.stringMatching(/ignoring unsupported personality flags: X/),
    ]);
  });
});

test("exec joins the container's time namespace before the command is born", () => {
  const p = compileExec(config({}), config({}).process as Process, TYPICAL_HOST, {
    id: 'box',
    pid: 7,
    namespaces: ['time', 'pid', 'mount'],
  });
  const joins = p.steps.flatMap((s, i) => (s.actor === 'starter' && s.call.name === 'setns' ? [showStep(p, i)] : []));
  expect(joins).toEqual(['setns(<time>, CLONE_NEWTIME)', 'setns(<mnt>, CLONE_NEWNS)', 'setns(<pid>, CLONE_NEWPID)']);
});

describe('a seccomp agent', () => {
  const seccomp = {
    defaultAction: 'SCMP_ACT_ALLOW',
    listenerPath: '/run/agent',
    syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }],
  };
  const host = { seccompFilter: new Uint8Array(8) };
  const calls = (change: object = {}) => {
    const p = made(config({}, { seccomp: { ...seccomp, ...change } }), host);
    complete(p);
    return {
      p,
      agent: shown(p, '#/linux/seccomp/listenerPath'),
      filter: showStep(
        p,
        at(p, (s) => s.call.name === 'seccomp'),
      ),
    };
  };
  test('gets the listener by one call right after the filter, with the number that the host gives to init', () => {
    const { p, agent, filter } = calls();
    expect(p.agent).toBe('/run/agent');
    expect(filter).toContain('SECCOMP_FILTER_FLAG_NEW_LISTENER');
    expect(agent).toEqual([
      'readlinkat(AT_FDCWD, "/proc/self", buf[16], 16)',
      expect.stringMatching(/^sendmsg\(5, .*seccompFd.*<own number>.*fd=<listener>/),
      'close(5)',
    ]);
    const index = at(p, (s) => s.call.name === 'seccomp');
    expect(p.steps[index + 1]?.call.name).toBe('sendmsg');
    expect(at(p, (s) => s.call.name === 'accept4')).toBeLessThan(index);
    expect(at(p, (s) => s.call.name === 'readlinkat')).toBeLessThan(at(p, (s) => s.call.name === 'pivot_root'));
  });
  test('that decides about sendmsg gets it by sendmmsg; about close, when the command is executed', () => {
    const { agent } = calls({ syscalls: [{ names: ['sendmsg', 'close'], action: 'SCMP_ACT_NOTIFY' }] });
    expect(agent.map((call) => call.split('(')[0])).toEqual(['readlinkat', 'sendmmsg']);
  });
  test('init says nothing more when it decides about what init reports with', () => {
    const muted = (names: string[]) =>
      calls({ syscalls: [{ names, action: 'SCMP_ACT_NOTIFY' }] }).p.steps.find((s) => s.call.name === 'seccomp')?.mutes === true;
    expect(muted(['read'])).toBe(true);
    expect(muted(['mkdir'])).toBe(false);
  });
  test('flags: SPEC_ALLOW where none are given; WAIT_KILLABLE_RECV with a listener only', () => {
    const flag = 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV';
    expect(calls().filter).toContain('SECCOMP_FILTER_FLAG_SPEC_ALLOW|SECCOMP_FILTER_FLAG_NEW_LISTENER');
    expect(calls({ flags: [] }).filter).toContain('(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,');
    expect(calls({ flags: [flag] }).filter).toContain(`SECCOMP_FILTER_FLAG_NEW_LISTENER|${flag}`);
    expect(calls({ flags: [flag], syscalls: [] }).filter).toContain('(SECCOMP_SET_MODE_FILTER, 0,');
    expect(missing(config({}, { seccomp: { ...seccomp, flags: [flag] } }), { kernel: [5, 18] })).toEqual([expect.stringMatching(/5\.19/)]);
    expect(calls({ syscalls: [] }).agent).toEqual([]);
  });
});

describe('intelRdt', () => {
  const resctrl = { root: '/sys/fs/resctrl', info: ['L3', 'MB', 'L3_MON'] };
  const rdt = (intelRdt: object) => config({}, { intelRdt });
  test('a class of its own: made, described, joined; it goes with the container', () => {
    const c = rdt({ l3CacheSchema: 'L3:0=f', memBwSchema: 'MB:0=20', schemata: ['L2:0=1'], enableMonitoring: true });
    const text = shown(made(c, { resctrl }), '#/linux/intelRdt').join('\n');
    expect(text).toContain('mkdirat(AT_FDCWD, "/sys/fs/resctrl/box", 0755)');
    expect(text).toContain(String.raw`"L3:0=f\nMB:0=20\nL2:0=1\n"`);
    expect(text).toMatch(/box\/schemata[\s\S]*"\/sys\/fs\/resctrl\/box\/tasks"[\s\S]*mon_groups\/box"[\s\S]*mon_groups\/box\/tasks"/);
    expect(resctrlLeftovers(c, { ...TYPICAL_HOST, resctrl }, 'box')).toEqual(['/sys/fs/resctrl/box']);
  });
  test('a class with a name: only joined where it is there, and left there', () => {
    const c = rdt({ closID: 'gold', l3CacheSchema: 'L3:0=0f;1=f' });
    const there = { resctrl: { ...resctrl, schemata: '    MB:0=100;1=100\n    L3:0=00f;1=00f\n' } };
    expect(missing(c, there)).toEqual([]);
    const text = shown(made(c, there), '#/linux/intelRdt').join('\n');
    expect(text).toContain('gold/tasks');
    expect(text).not.toMatch(/mkdirat|schemata/);
    expect(resctrlLeftovers(c, { ...TYPICAL_HOST, ...there }, 'box')).toEqual([]);
    expect(resctrlLeftovers(rdt({ closID: '/', enableMonitoring: true }), { ...TYPICAL_HOST, resctrl }, 'box')).toEqual([
      '/sys/fs/resctrl/mon_groups/box',
    ]);
  });
  test('exec joins', () => {
    const c = rdt({ l3CacheSchema: 'L3:0=f', enableMonitoring: true });
    const p = compileExec(c, c.process as Process, { ...TYPICAL_HOST, resctrl }, { id: 'box', pid: 7, namespaces: [] });
    expect(shown(p, '#/linux/intelRdt').filter((s) => s.startsWith('mkdirat'))).toEqual([]);
    expect(shown(p, '#/linux/intelRdt').filter((s) => s.includes('tasks'))).toHaveLength(2);
  });
  test.each([
    [{}, undefined, /Intel RDT is not enabled/],
    [{ l3CacheSchema: 'L3:0=f' }, { info: ['MB'] }, /Intel RDT\/CAT is not enabled/],
    [{ memBwSchema: 'MB:0=9' }, { info: ['L3'] }, /Intel RDT\/MBA is not enabled/],
    [{ enableMonitoring: true }, { info: ['L3'] }, /L3_MON/],
    [{ closID: 'gold' }, {}, /must be pre-created/],
    [{ closID: 'gold', schemata: ['L3:0=f0'] }, { schemata: 'L3:0=0f\n' }, /not L3:0=f0/],
  ])('%o on %o is refused', (intelRdt, facts, message) => {
    expect(missing(rdt(intelRdt), facts ? { resctrl: { ...resctrl, ...facts } } : {})[0]).toMatch(message);
  });
});

describe('netDevices', () => {
  const facts = { index: 7, addresses: [{ family: 2, prefixLength: 24, address: '0a000002' }] };
  const devices = (netDevices: object) => config({}, { netDevices: netDevices as NonNullable<Linux['netDevices']> });
  test('the runtime gives away, init takes over, and neither is early', () => {
    const p = made(devices({ eth0: { name: 'wan' } }), { netDevices: { eth0: facts } });
    complete(p);
    const steps = p.steps.flatMap((s, i) => (s.from.startsWith('#/linux/netDevices') ? [`${s.actor}: ${showStep(p, i)}`] : []));
    const text = steps.join('\n');
    expect(text).toMatch(
      /init: tell runtime: connected[\s\S]*runtime: wait for init: connected[\s\S]*runtime: sendto[\s\S]*runtime: tell init: moved/,
    );
    expect(text).toContain('net_ns_pid=<init>, nla_len_3=8');
    expect(text).toMatch(/init: sendmsg\(.*RTM_NEWADDR.*<link wan>\+20.*10\.0\.0\.2\/24/);
    expect(text.indexOf('RTM_NEWADDR')).toBeLessThan(text.lastIndexOf('wan, IFF_UP'));
    expect(at(p, (s) => s.call.name === 'unshare' && s.from !== 'minirun')).toBeLessThan(at(p, (s) => s.sync?.token === 'connected'));
  });
  test('a name with a number from the kernel: the interface is found by a number that is ours', () => {
    const p = made(devices({ eth0: { name: 'wan%d' } }), { netDevices: { eth0: facts } });
    complete(p);
    const text = shown(p, '#/linux/netDevices').join('\n');
    expect(text).toContain('new_ifindex=16777223');
    expect(text).toContain('index=16777223');
    expect(text).not.toContain('RTM_GETLINK');
  });
  test('refused: what is not there, what an ordinary user cannot do', () => {
    expect(missing(devices({ eth0: {} }))[0]).toMatch(/link not found for interface eth0/);
    expect(missing(devices({ eth0: {} }), { uid: 1000, netDevices: { eth0: facts } })[0]).toMatch(/not supported for rootless/);
    expect(missing(devices({ eth0: { name: 'e%d' } }), { kernel: [5, 10], netDevices: { eth0: facts } })[0]).toMatch(/5\.13/);
    expect(missing(devices({ eth0: {} }), { netDevices: { eth0: facts } })).toEqual([]);
  });
});

describe('streams that were made for the container', () => {
  const given = (uid: number, nullStreams: number[]): string[] => {
    const p = compile(config({ user: { uid, gid: 0 } }), TYPICAL_HOST, { id: 'box', bundle: '/srv', ownStreams: true, nullStreams });
    return shown(p, '#/process/user').filter((step) => step.startsWith('fchownat('));
  };
  test('become those of its user', () => {
    expect(given(1000, []).map((step) => /^fchownat\((\d)/.exec(step)?.[1])).toEqual(['0', '1', '2']);
    expect(given(0, [])).toEqual([]);
  });
  test('but not the null device, which may be the host’s own', () => {
    expect(given(1000, [0, 2]).map((step) => /^fchownat\((\d)/.exec(step)?.[1])).toEqual(['1']);
  });
});
