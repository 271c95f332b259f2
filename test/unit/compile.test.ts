/** Programs as values: exact, fast, no root. */
import { describe, expect, it } from 'vitest';
import { ERRNO } from '../../src/libc/errno.ts';
import { flagNames } from '../../src/libc/flags.ts';
import { compile } from '../../src/runc/compile/compile.ts';
import { type Host, TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import { flatten } from '../../src/runc/program/flatten.ts';
import { decodeProgram, encodeProgram } from '../../src/runc/program/json.ts';
import { serialise } from '../../src/runc/program/serialise.ts';
import { CHAPTERS, type Program, type Step } from '../../src/runc/program/step.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { defaultConfig } from '../../src/runc/spec/default-config.ts';

const config = (change: (c: Config) => void = () => {}): Config => {
  const c = defaultConfig({
    id: 'box',
    rootfs: '/srv/rootfs',
    args: ['sh'],
    terminal: false,
    cgroup: TYPICAL_HOST.cgroup,
    arch: 'x64',
    kernel: [6, 1],
  });
  change(c);
  return c;
};
const program = (change?: (c: Config) => void, host: Partial<Host> = {}): Program =>
  compile(config(change), { ...TYPICAL_HOST, ...host }, { id: 'box', bundle: '/srv' });

const names = (p: Program, actor = 'init'): string[] => p.steps.filter((s) => s.actor === actor).map((s) => s.call.name);
const step = (p: Program, test: (s: Step) => boolean): Step => {
  const found = p.steps.find(test);
  if (!found) throw new Error('no such step');
  return found;
};
const flagsOf = (s: Step, arg: number): string => {
  const a = s.call.args[arg];
  return a?.kind === 'int' ? flagNames(a.family ?? '', BigInt(a.value)) : '';
};
const textOf = (s: Step, arg: number): string => {
  const a = s.call.args[arg];
  return a?.kind === 'text' ? a.parts.map((part) => (typeof part === 'string' ? part : `<${part.of}>`)).join('') : '';
};

describe('compile', () => {
  it('gives every step a why, a manual page, a chapter and a place in the config that exists', () => {
    const c = config();
    for (const s of compile(c, TYPICAL_HOST, { id: 'box', bundle: '/srv' }).steps) {
      expect(s.why.length, s.call.name).toBeGreaterThan(8);
      expect(s.why, s.call.name).toMatch(/[.:,)]$|output$/);
      expect(s.man).toMatch(/^[\w.-]+\(\d\w*\)$/);
      expect(CHAPTERS).toContain(s.chapter);
      if (s.from === 'minirun') continue;
      const value = s.from
        .slice(2)
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key.replaceAll('~1', '/').replaceAll('~0', '~')], c);
      expect(value, s.from).not.toBeUndefined();
    }
  });

  it('makes the mounts private before any other mount', () => {
    const first = step(program(), (s) => s.call.name === 'mount');
    expect(textOf(first, 1)).toBe('/');
    expect(flagsOf(first, 3)).toBe('MS_REC|MS_PRIVATE');
  });

  it('pivots after the last mount inside and unmounts the old root', () => {
    const calls = names(program());
    const pivot = calls.indexOf('pivot_root');
    expect(calls.slice(pivot, pivot + 4)).toEqual(['pivot_root', 'fchdir', 'mount', 'umount2']);
    expect(calls.slice(pivot + 4)).not.toContain('mount');
    expect(calls).not.toContain('chroot');
  });

  it('clones init into the pid namespace and makes the others one by one', () => {
    const p = program();
    expect(
      flagsOf(
        step(p, (s) => s.call.name === 'clone'),
        0,
      ),
    ).toBe('CLONE_PARENT|CLONE_NEWPID|SIGCHLD');
    const unshared = p.steps.filter((s) => s.call.name === 'unshare').map((s) => flagsOf(s, 0));
    expect(unshared).toEqual(['CLONE_NEWIPC', 'CLONE_NEWUTS', 'CLONE_NEWNET', 'CLONE_NEWNS', 'CLONE_NEWCGROUP']);
  });

  it('leaves a shared namespace alone and joins one that has a path', () => {
    const p = program((c) => {
      c.linux!.namespaces = c
        .linux!.namespaces!.filter((n) => n.type !== 'network')
        .map((n) => (n.type === 'ipc' ? { ...n, path: '/proc/9/ns/ipc' } : n));
    });
    expect(p.steps.some((s) => flagsOf(s, 0) === 'CLONE_NEWNET')).toBe(false);
    expect(names(p)).not.toContain('socket');
    const open = step(p, (s) => s.call.name === 'openat' && textOf(s, 1) === '/proc/9/ns/ipc');
    const join = step(p, (s) => s.call.name === 'setns');
    expect(open.actor).toBe('init');
    expect(flagsOf(join, 1)).toBe('CLONE_NEWIPC');
  });

  it('drops the user last, capabilities after it, and executes at the very end', () => {
    const calls = names(program((c) => void (c.process!.user = { uid: 1000, gid: 1000 })));
    const order = ['setgroups', 'setresgid', 'setresuid', 'close_range', 'capset', 'execve'].map((n) => calls.lastIndexOf(n));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order.every((n) => n > 0)).toBe(true);
    expect(calls.at(-1)).toBe('execve');
  });

  it('sets no_new_privs before the filter', () => {
    const p = program((c) => void (c.process!.noNewPrivileges = true));
    const prctl = p.steps.findIndex((s) => s.call.name === 'prctl' && flagsOf(s, 0) === 'PR_SET_NO_NEW_PRIVS');
    expect(prctl).toBeGreaterThan(0);
    expect(prctl).toBeLessThan(p.steps.findIndex((s) => s.call.name === 'seccomp'));
  });

  it('drops asked-for capabilities that the caller lacks, with a warning', () => {
    const p = program(
      (c) => {
        for (const set of ['bounding', 'permitted', 'effective'] as const) c.process!.capabilities![set]!.push('CAP_SYS_RESOURCE');
      },
      { bounding: TYPICAL_HOST.bounding & ~(1n << 24n) },
    );
    expect(p.warnings.join()).toContain('CAP_SYS_RESOURCE cannot be given');
    expect(
      p.steps.some(
        (s) =>
          s.call.name === 'prctl' && flagsOf(s, 0) === 'PR_CAPBSET_DROP' && s.call.args[1]?.kind === 'int' && s.call.args[1].value === 24,
      ),
    ).toBe(true);
  });

  it('resolves every place inside the rootfs with RESOLVE_IN_ROOT', () => {
    const p = program((c) => c.mounts!.push({ destination: '/a/../b/c', type: 'bind', source: '/etc', options: ['rbind', 'ro'] }));
    const opens = p.steps.filter(
      (s) => s.actor === 'init' && s.call.name === 'openat2' && s.call.args[0]?.kind === 'result' && s.call.args[0].of === 'root',
    );
    expect(opens.length).toBeGreaterThan(5);
    for (const s of opens) {
      const how = s.call.args[2];
      const resolve = how?.kind === 'struct' ? how.fields.find((f) => f.name === 'resolve')?.value : undefined;
      expect(resolve?.kind === 'int' && Number(resolve.value) & 0x10, textOf(s, 1)).toBe(0x10);
      expect(textOf(s, 1)).not.toContain('..');
    }
    expect(opens.map((s) => textOf(s, 1))).toContain('b/c');
  });

  it('maps users by newuidmap for an ordinary user with a range, and by itself for one id', () => {
    const userns = (size: number, hostID: number) => (c: Config) => {
      c.linux!.namespaces!.push({ type: 'user' });
      c.linux!.uidMappings = c.linux!.gidMappings = [{ containerID: 0, hostID, size }];
      for (const m of c.mounts!) m.options = m.options?.filter((o) => size > 5 || o !== 'gid=5');
    };
    const ranged = program(userns(65536, 100000), { uid: 1000, gid: 1000, newuidmap: '/usr/bin/newuidmap' });
    expect(names(ranged, 'runtime')).toContain('posix_spawn');
    const single = program(userns(1, 1000), { uid: 1000, gid: 1000 });
    expect(names(single, 'runtime')).not.toContain('posix_spawn');
    expect(single.steps.some((s) => textOf(s, 1) === '/proc/<init>/setgroups')).toBe(true);
    expect(names(single)).not.toContain('setgroups');
    expect(names(single)).not.toContain('mknodat.device');
  });

  it('binds devices where nodes may not be made', () => {
    const p = program((c) => {
      c.linux!.namespaces!.push({ type: 'user' });
      c.linux!.uidMappings = c.linux!.gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
    });
    expect(p.steps.filter((s) => s.call.name === 'open_tree' && textOf(s, 1).startsWith('/dev/')).length).toBeGreaterThanOrEqual(6);
    expect(p.steps.filter((s) => s.call.name === 'mknodat').every((s) => !flagsOf(s, 2).startsWith('S_IFCHR'))).toBe(true);
  });

  it('follows PATH as execvp does', () => {
    const tried = program()
      .steps.filter((s) => s.call.name === 'execve')
      .map((s) => textOf(s, 0));
    expect(tried[0]).toBe('/usr/local/sbin/sh');
    expect(tried.at(-1)).toBe('/bin/sh');
    expect(program((c) => void (c.process!.args = ['/bin/sh'])).steps.filter((s) => s.call.name === 'execve')).toHaveLength(1);
  });

  it('every wait has its signal by another actor, before it in the program', () => {
    const p = program();
    const signals = new Set<string>();
    for (const s of p.steps) {
      if (s.sync?.kind === 'signal') signals.add(`${s.sync.token}`);
      if (s.sync?.kind === 'wait') expect(signals.has(s.sync.token), s.sync.token).toBe(true);
    }
  });
});

describe('flatten and serialise', () => {
  it('lays out every program, and survives JSON', () => {
    const p = program();
    const flat = flatten(p);
    expect(flat.steps).toHaveLength(p.steps.length);
    expect(flatten(decodeProgram(encodeProgram(p)))).toEqual(flat);
    const bytes = serialise(flat, 'quiet', 1, new Set());
    expect(bytes.readUInt32LE(8)).toBe(p.steps.length);
    for (const s of flat.steps) for (const n of s.ignore) expect(Object.values(ERRNO)).toContain(n);
  });

  it('translates open flags for arm64', () => {
    const onArm = flatten(program(undefined, { arch: 'arm64' }));
    const onX64 = flatten(program());
    const p = program();
    const i = p.steps.findIndex((s) => s.call.name === 'openat' && flagsOf(s, 2).includes('O_DIRECTORY'));
    expect(onX64.steps[i]?.args[2]?.value).not.toBe(onArm.steps[i]?.args[2]?.value);
    expect(Number(onArm.steps[i]?.args[2]?.value) & 0o40000).toBe(0o40000);
  });

  it('refuses a reference to a result that nothing saved', () => {
    const p = program();
    p.steps.unshift({
      actor: 'runtime',
      chapter: 'cgroup',
      call: { name: 'close', args: [{ kind: 'result', of: 'nothing' }] },
      why: '',
      man: '',
      from: '',
    });
    expect(() => flatten(p)).toThrow(/"nothing" before any step has saved it/);
  });

  it('refuses a text with a NUL byte', () => {
    expect(() => program((c) => void (c.process!.args = ['/bin/a\0b']))).toThrow(/NUL/);
  });
});
