import { expect, test } from 'vitest';
import { type CgroupFiles, cgroupFacts, cpusetAbove } from '../../src/runc/host/cgroup-facts.ts';

const files = (over: Partial<CgroupFiles>): CgroupFiles => ({
  mountinfo: '',
  selfCgroup: '',
  read: () => '',
  mayWrite: () => true,
  uid: 0,
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

test('an ordinary user may use v2 only where the folder above its own cgroup is its own', () => {
  const base = '/sys/fs/cgroup/user.slice/app.slice';
  const asked: string[] = [];
  const make = (allowed: (path: string) => boolean) =>
    cgroupFacts(
      files({
        uid: 1000,
        mountinfo: '30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
        selfCgroup: '0::/user.slice/app.slice/x.scope\n',
        read: (path) => (path === `${base}/cgroup.controllers` ? 'memory pids\n' : ''),
        mayWrite: (path) => {
          asked.push(path);
          return allowed(path);
        },
      }),
    );
  expect(make((path) => path.startsWith(base))).toMatchObject({ writable: true, v2Controllers: ['memory', 'pids'] });
  expect(make((path) => !path.endsWith('subtree_control')).writable).toBe(false);
  expect(make(() => false).writable).toBe(false);
  expect(new Set(asked)).toEqual(new Set([base, `${base}/cgroup.procs`, `${base}/cgroup.subtree_control`]));
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
