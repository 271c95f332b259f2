import { describe, expect, test } from 'vitest';
import { type CgroupFiles, cgroupAccess, cgroupFacts, cpusetAbove } from '../../src/runc/host/cgroup-facts.ts';

const files = (over: Partial<CgroupFiles>): CgroupFiles => ({
  mountinfo: '',
  selfCgroup: '',
  read: () => '',
  mayWrite: () => true,
  ...over,
});

test('v2 alone', () => {
  const facts = cgroupFacts(
    files({
      mountinfo: '30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n',
      selfCgroup: '0::/user.slice/session-3.scope\n',
      read: (path) => (path === '/sys/fs/cgroup/cgroup.controllers' ? 'cpuset cpu io memory pids\n' : ''),
    }),
  );
  expect(facts).toEqual({
    mode: 'v2',
    v1: {},
    v2: '/sys/fs/cgroup',
    v2Controllers: ['cpuset', 'cpu', 'io', 'memory', 'pids'],
    own: { '': '/user.slice/session-3.scope' },
    writable: true,
  });
});

test('hybrid, with controllers mounted together and a named hierarchy; folder names do not matter', () => {
  const facts = cgroupFacts(
    files({
      mountinfo: [
        '32 31 0:29 / /cg/odd\\040name rw,relatime shared:1 - cgroup cgroup rw,cpu,cpuacct',
        '33 31 0:30 / /cg/memory rw - cgroup cgroup rw,pids,clone_children,release_agent=/x',
        '34 31 0:31 / /cg/s rw - cgroup cgroup rw,xattr,name=systemd',
        '35 31 0:32 / /cg/u rw - cgroup2 cgroup2 rw',
        '36 31 0:30 / /elsewhere/pids rw - cgroup cgroup rw,pids',
        '27 1 254:0 / / rw - ext4 /dev/vda rw',
      ].join('\n'),
      selfCgroup: '3:name=systemd:/init.scope\n2:cpu,cpuacct:/a:b\n1:pids:/\n0::/init.scope\n',
    }),
  );
  expect(facts.mode).toBe('hybrid');
  expect(facts.v1).toEqual({ cpu: '/cg/odd name', cpuacct: '/cg/odd name', pids: '/cg/memory', 'name=systemd': '/cg/s' });
  expect(facts.v2).toBe('/cg/u');
  expect(facts.own).toEqual({ 'name=systemd': '/init.scope', cpu: '/a:b', cpuacct: '/a:b', pids: '/', '': '/init.scope' });
});

test('inside a container whose cgroup mount shows only its own folder, paths are relative to that', () => {
  const facts = cgroupFacts(
    files({
      mountinfo: '32 31 0:29 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids',
      selfCgroup: '1:pids:/docker/abc/x\n',
    }),
  );
  expect(facts.own.pids).toBe('/x');
  expect(facts.mode).toBe('v1');
});

test('no cgroup mount at all', () => {
  expect(cgroupFacts(files({ selfCgroup: '0::/\n' }))).toMatchObject({ mode: 'none', writable: false });
});

describe('what an ordinary user may do', () => {
  const base = '/sys/fs/cgroup/user.slice/app.slice';
  const facts = cgroupFacts(
    files({ mountinfo: '30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n', selfCgroup: '0::/user.slice/app.slice/x.scope\n' }),
  );
  const exists = (path: string) => !path.includes('minirun');
  const read = (path: string) => (path === `${base}/cgroup.controllers` ? 'memory pids\n' : 'all of them');
  const access = (mayWrite: (path: string) => boolean, v2 = `${base}/minirun/box`) =>
    cgroupAccess(facts, { v1: {}, v2 }, { exists, read, mayWrite });

  test('v2: where the folder above its own cgroup was handed to it', () => {
    expect(access((path) => path.startsWith(base))).toMatchObject({
      writable: true,
      unwritable: [],
      delegated: base,
      v2Controllers: ['memory', 'pids'],
    });
    for (const missing of ['cgroup.subtree_control', 'cgroup.procs', 'app.slice'])
      expect(
        access((path) => path.startsWith(base) && !path.endsWith(missing)),
        missing,
      ).toMatchObject({ writable: false, unwritable: [''] });
  });
  test('v2: controllers may be switched on from the top of what was handed to it', () => {
    const user = '/sys/fs/cgroup/user.slice';
    expect(access((path) => path.startsWith(user)).delegated).toBe(user);
  });
  test('v2: a process is moved only below a folder that is its own', () => {
    const other = '/sys/fs/cgroup/machine.slice/mine';
    expect(access((path) => path.startsWith(other), `${other}/minirun/box`).writable).toBe(false);
    expect(access((path) => path.startsWith(other) || path === '/sys/fs/cgroup/cgroup.procs', `${other}/minirun/box`).writable).toBe(true);
  });
  test('v1: the controllers that were handed to it', () => {
    const v1 = { memory: '/cg/memory/me/minirun/box', cpu: '/cg/cpu/me/minirun/box' };
    const look = { exists, read, mayWrite: (path: string) => path === '/cg/memory/me' };
    expect(cgroupAccess(facts, { v1 }, look)).toMatchObject({ writable: true, unwritable: ['cpu'] });
    expect(cgroupAccess(facts, { v1 }, { ...look, mayWrite: () => false }).writable).toBe(false);
  });
});

test('the deepest cpuset above that has CPUs', () => {
  const tree: Record<string, string> = {
    '/cs/cpuset.cpus': '0-3\n',
    '/cs/cpuset.mems': '0\n',
    '/cs/a/cpuset.cpus': '\n',
    '/cs/a/cpuset.mems': '\n',
  };
  const read = (path: string) => tree[path] ?? '';
  expect(cpusetAbove('/cs/a/b/c', '/cs', read)).toEqual({ from: '/cs', cpus: '0-3', mems: '0' });
  tree['/cs/a/cpuset.cpus'] = '1\n';
  tree['/cs/a/cpuset.mems'] = '0\n';
  expect(cpusetAbove('/cs/a/b/c', '/cs', read)).toEqual({ from: '/cs/a', cpus: '1', mems: '0' });
  expect(cpusetAbove(undefined, '/cs', read)).toBeUndefined();
});
