import { describe, expect, test } from 'vitest';
import { seccompAvailable } from '../../src/libc/seccomp.ts';
import { TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import { features } from '../../src/runc/spec/features.ts';
import { parseConfig } from '../../src/runc/spec/validate.ts';

const available = process.platform === 'linux' && seccompAvailable();
if (!available) console.log('skipped: what seccomp can do is known where libseccomp.so.2 is');

/** A config with this in it. */
const config = (part: Record<string, unknown>): string =>
  JSON.stringify({
    ociVersion: '1.3.0',
    root: { path: 'rootfs' },
    process: { user: { uid: 0, gid: 0 }, args: ['sh'], cwd: '/', ...(part.process as object) },
    linux: { namespaces: [{ type: 'mount' }], ...(part.linux as object) },
    mounts: part.mounts ?? [],
  });

describe('what features says is accepted in a config', () => {
  const f = features(TYPICAL_HOST);
  test('both ends of the versions', () => {
    for (const version of [f.ociVersionMin, f.ociVersionMax]) parseConfig(config({}).replace('1.3.0', version), 'c');
  });
  test('namespaces, hooks, mount options', () => {
    const mappings = [{ containerID: 0, hostID: 0, size: 1 }];
    parseConfig(
      config({ linux: { namespaces: f.linux.namespaces.map((type) => ({ type })), uidMappings: mappings, gidMappings: mappings } }),
      'c',
    );
    expect(f.hooks).toEqual(['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop']);
    expect(f.mountOptions).toEqual(expect.arrayContaining(['ro', 'rro', 'rbind', 'rslave', 'idmap', 'tmpcopyup']));
    expect(f.mountOptions).toEqual([...f.mountOptions].sort());
  });
  test('memory policies', () => {
    for (const mode of f.linux.memoryPolicy.modes) {
      const nodes = mode === 'MPOL_DEFAULT' || mode === 'MPOL_LOCAL' ? {} : { nodes: '0' };
      parseConfig(config({ linux: { memoryPolicy: { mode, flags: f.linux.memoryPolicy.flags, ...nodes } } }), 'c');
    }
  });
  test('what the specification has as its own example', () => {
    expect(f.linux.capabilities).toHaveLength(41);
    expect(f.linux).toMatchObject({
      cgroup: { v1: true, v2: true },
      apparmor: { enabled: true },
      intelRdt: { enabled: true, schemata: true, monitoring: true },
      netDevices: { enabled: true },
    });
  });
});

describe.skipIf(!available)('seccomp', () => {
  test('every word is accepted', () => {
    const { seccomp } = features(TYPICAL_HOST).linux;
    expect(seccomp.actions).toContain('SCMP_ACT_NOTIFY');
    for (const action of seccomp.actions ?? [])
      parseConfig(
        config({
          linux: {
            seccomp: {
              defaultAction: 'SCMP_ACT_ALLOW',
              listenerPath: '/a',
              architectures: seccomp.archs,
              flags: seccomp.knownFlags,
              syscalls: (seccomp.operators ?? []).map((op) => ({ names: ['mkdir'], action, args: [{ index: 0, value: 0, op }] })),
            },
          },
        }),
        'c',
      );
    expect(seccomp.archs).toEqual(expect.arrayContaining(['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64']));
    expect(features(TYPICAL_HOST).annotations['io.github.seccomp.libseccomp.version']).toMatch(/^2\.\d+\.\d+$/);
  });
  test('flags that the kernel is too old for', () => {
    const flag = 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV';
    expect(features({ kernel: [5, 10] }).linux.seccomp.supportedFlags).not.toContain(flag);
    expect(features({ kernel: [5, 19] }).linux.seccomp.supportedFlags).toContain(flag);
    expect(features({ kernel: [5, 10] }).linux.seccomp.knownFlags).toContain(flag);
  });
});
