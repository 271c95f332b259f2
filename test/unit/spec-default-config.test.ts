import { expect, test } from 'vitest';
import { adaptToUserNamespace, type DefaultsFor, defaultConfig } from '../../src/runc/spec/default-config.ts';
import { checkConfig } from '../../src/runc/spec/validate.ts';

const root: DefaultsFor = {
  id: '0123456789abcdef',
  rootfs: '/r',
  args: ['sh'],
  terminal: false,
  cgroup: { mode: 'v2', writable: true },
  arch: 'x64',
  kernel: [6, 1],
  rootless: false,
};
const single = { uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }], gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }] };
const types = (o: DefaultsFor) => defaultConfig(o).linux?.namespaces?.map((n) => n.type);
const mountAt = (config: ReturnType<typeof defaultConfig>, destination: string) =>
  config.mounts?.find((m) => m.destination === destination);

test('the defaults are valid by our own rules', () => {
  checkConfig(defaultConfig(root), 'default');
  checkConfig(defaultConfig({ ...root, rootless: true, userNamespace: single, cgroup: { mode: 'hybrid', writable: false } }), 'rootless');
});

test('namespaces, capabilities and paths are those of Docker', () => {
  const config = defaultConfig(root);
  expect(types(root)).toEqual(['pid', 'network', 'ipc', 'uts', 'mount', 'cgroup']);
  expect(config.process?.capabilities?.bounding).toHaveLength(14);
  expect(config.process?.capabilities?.inheritable).toBeUndefined();
  expect(config.hostname).toBe('0123456789ab');
  expect(config.linux?.maskedPaths).toContain('/proc/kcore');
  expect(config.linux?.resources?.devices?.[0]).toEqual({ allow: false, access: 'rwm' });
  expect(config.linux?.seccomp?.defaultAction).toBe('SCMP_ACT_ERRNO');
});

test('no cgroup file system, or an old kernel: no cgroup namespace', () => {
  const none: DefaultsFor = { ...root, cgroup: { mode: 'none', writable: false } };
  expect(types(none)).not.toContain('cgroup');
  expect(mountAt(defaultConfig(none), '/sys/fs/cgroup')).toBeUndefined();
  expect(types({ ...root, kernel: [4, 5] })).not.toContain('cgroup');
});

test('an ordinary user: a user namespace, terminals of no group, no cgroup without delegation', () => {
  const config = defaultConfig({ ...root, rootless: true, userNamespace: single, cgroup: { mode: 'v2', writable: false } });
  adaptToUserNamespace(config, [6, 1]);
  expect(config.linux?.namespaces?.[0]?.type).toBe('user');
  expect(mountAt(config, '/dev/pts')?.options).not.toContain('gid=5');
  expect(config.linux?.cgroupsPath).toBeUndefined();
  expect(config.linux?.resources).toBeUndefined();
  expect(mountAt(config, '/sys')?.type).toBe('sysfs');
});

test('a user namespace on the host network: /sys is bound, because sysfs belongs to the network namespace', () => {
  const config = defaultConfig({ ...root, rootless: true, userNamespace: single });
  (config.linux as { namespaces: { type: string }[] }).namespaces = [{ type: 'user' }, { type: 'mount' }];
  adaptToUserNamespace(config, [6, 1]);
  expect(mountAt(config, '/sys')).toEqual({
    destination: '/sys',
    type: 'bind',
    source: '/sys',
    options: ['rbind', 'rprivate', 'nosuid', 'noexec', 'nodev', 'ro', 'rro'],
  });
  expect(mountAt(config, '/proc')?.type).toBe('bind');
  expect(mountAt(config, '/dev/mqueue')).toBeUndefined();
});

test('two configs share nothing that one could change in the other', () => {
  const first = defaultConfig(root);
  (first.mounts as { options?: string[] }[])[0]?.options?.push('ro');
  expect(defaultConfig(root).mounts?.[0]?.options).not.toContain('ro');
});
