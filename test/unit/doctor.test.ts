import { describe, expect, it } from 'vitest';
import { diagnose, report } from '../../src/cli/doctor.ts';
import type { Finding } from '../../src/cli/doctor-finding.ts';
import { type Machine, thisMachine } from '../../src/cli/doctor-machine.ts';
import { TYPICAL_HOST } from '../../src/runc/host/facts.ts';

const FILES: Record<string, string> = {
  '/proc/self/status': 'Name:\tnode\nCapBnd:\t000001ffffffffff\n',
  '/proc/sys/kernel/cap_last_cap': '40\n',
  '/proc/sys/kernel/seccomp/actions_avail': 'kill_process errno allow\n',
  '/proc/filesystems': 'nodev\toverlay\n',
  '/etc/subuid': 'alice:100000:65536\n',
  '/etc/subgid': 'alice:100000:65536\n',
};

/** A machine on which everything is well, but for what is given. */
function machine(but: Partial<Machine> = {}, files: Record<string, string> = {}): Machine {
  return {
    platform: 'linux',
    arch: 'x64',
    release: '6.1.0-38-amd64',
    node: '20.20.0',
    uid: 1000,
    user: 'alice',
    // A v1 devices controller: with v2 only root may set device rules.
    cgroup: { ...TYPICAL_HOST.cgroup, mode: 'hybrid', v1: { devices: '/sys/fs/cgroup/devices', freezer: '/sys/fs/cgroup/freezer' } },
    read: (path) => ({ ...FILES, ...files })[path] ?? '',
    hasNamespace: () => true,
    find: (program) => `/usr/bin/${program}`,
    run: () => undefined,
    privileged: () => true,
    syscall: () => -22,
    koffiTrouble: () => undefined,
    libseccomp: () => true,
    nativeBuilt: () => true,
    ffiBuilt: () => true,
    memfdTrouble: () => undefined,
    ...but,
  };
}

function finding(m: Machine, name: string): Finding {
  const found = diagnose(m)
    .chapters.flatMap((c) => c.findings)
    .find((f) => f.name === name);
  if (!found) throw new Error(`no finding is called ${name}`);
  return found;
}

const notOk = (m: Machine) =>
  diagnose(m)
    .chapters.flatMap((c) => c.findings)
    .filter((f) => f.level !== 'ok')
    .map((f) => f.name);

describe('doctor', () => {
  it('has nothing to say about a machine on which all is well', () => {
    // close_range answers EINVAL where it lacks the flag: here it works.
    const well = machine({ syscall: (name) => (name === 'close_range' ? 0 : -22) });
    expect(notOk(well)).toEqual([]);
    expect(diagnose(well).works).toBe(true);
  });

  it('says of each fault what does not work', () => {
    const faulty = machine(
      { find: () => undefined, libseccomp: () => false, privileged: () => false, syscall: () => -38 },
      { '/etc/subuid': '' },
    );
    for (const f of diagnose(faulty).chapters.flatMap((c) => c.findings)) if (f.level !== 'ok') expect(f.without, f.name).toMatch(/\w{3}/);
    expect(notOk(faulty)).toEqual(expect.arrayContaining(['C compiler', 'libseccomp', 'openat2', 'newuidmap', '/etc/subuid', 'strace']));
  });

  it('knows when no container can run', () => {
    const nothing = { run: () => 'Operation not permitted' };
    expect(diagnose(machine(nothing)).works).toBe(false);
    expect(diagnose(machine({ koffiTrouble: () => 'Cannot find module' })).works).toBe(false);
    expect(diagnose(machine({ syscall: (name) => (name === 'openat2' ? -38 : 0) })).works).toBe(false);
    expect(diagnose(machine({ arch: 'riscv64' })).works).toBe(false);
    expect(diagnose(machine({ node: '18.19.0' })).works).toBe(false);
  });

  it('lets root use the ffi engine alone, and an ordinary user not', () => {
    const noNative = { nativeBuilt: () => false };
    expect(diagnose(machine({ ...noNative, uid: 0, user: 'root' })).works).toBe(true);
    expect(diagnose(machine(noNative)).works).toBe(false);
  });

  it('needs user namespaces for an ordinary user only', () => {
    const run: Machine['run'] = (_, ...args) => (args.includes('--user') ? 'Operation not permitted' : undefined);
    expect(diagnose(machine({ run })).works).toBe(false);
    expect(diagnose(machine({ run, uid: 0, user: 'root' })).works).toBe(true);
  });

  it('names the setting that forbids user namespaces', () => {
    const debian = machine({}, { '/proc/sys/kernel/unprivileged_userns_clone': '0\n' });
    expect(finding(debian, 'kernel.unprivileged_userns_clone').mend).toContain('kernel.unprivileged_userns_clone=1');
    const ubuntu = machine({}, { '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n' });
    expect(finding(ubuntu, 'kernel.apparmor_restrict_unprivileged_userns').level).toBe('warning');
    const none = machine({}, { '/proc/sys/user/max_user_namespaces': '0\n' });
    expect(finding(none, 'user.max_user_namespaces').level).toBe('missing');
  });

  it('tells v1 controllers from those of v2, and what lacks', () => {
    const hybrid = machine({
      cgroup: {
        mode: 'hybrid',
        v1: { memory: '/sys/fs/cgroup/memory' },
        v2: '/sys/fs/cgroup/unified',
        v2Controllers: ['hugetlb'],
        own: {},
        writable: false,
      },
    });
    expect(finding(hybrid, 'controller memory').found).toBe('v1 at /sys/fs/cgroup/memory');
    expect(finding(hybrid, 'controller hugetlb').found).toBe('v2');
    expect(finding(hybrid, 'controller cpu')).toMatchObject({ level: 'warning', without: 'no --cpus, --cpu-shares' });
    expect(finding(hybrid, 'permission').mend).toContain('sudo');
    expect(finding(machine({ cgroup: { mode: 'none', v1: {}, v2Controllers: [], own: {}, writable: false } }), 'hierarchy').level).toBe(
      'missing',
    );
  });

  it('names the capabilities that the bounding set lacks', () => {
    const lacking = machine({}, { '/proc/self/status': 'CapBnd:\t000001fffeffffff\n' });
    expect(finding(lacking, 'capabilities').found).toBe('the bounding set lacks CAP_SYS_RESOURCE');
    const poor = machine({}, { '/proc/self/status': 'CapBnd:\t000001fff7ffffff\n' });
    expect(finding(poor, 'capabilities').without).toContain('CAP_MKNOD');
  });

  it('knows why a memfd cannot be executed', () => {
    const forbidden = machine({ memfdTrouble: () => 'EACCES' }, { '/proc/sys/vm/memfd_noexec': '2\n' });
    expect(finding(forbidden, 'executing a memfd').mend).toContain('memfd_noexec');
  });

  it('tells how v2 limits devices', () => {
    expect(finding(machine({ cgroup: TYPICAL_HOST.cgroup, uid: 0 }), 'device rules').level).toBe('ok');
    expect(finding(machine({ cgroup: TYPICAL_HOST.cgroup }), 'device rules').level).toBe('warning');
    expect(finding(machine({ cgroup: TYPICAL_HOST.cgroup, uid: 0, syscall: () => -38 }), 'device rules').level).toBe('missing');
  });

  it('says one thing on a system that is not Linux', () => {
    const mac = diagnose(machine({ platform: 'darwin' }));
    expect(mac.works).toBe(false);
    expect(mac.chapters.flatMap((c) => c.findings)).toHaveLength(1);
  });

  it('prints a line for each finding, with colours only when asked', () => {
    const diagnosis = diagnose(machine({ find: () => undefined }));
    const plain = report(diagnosis, false);
    expect(plain).not.toContain('\x1b');
    expect(report(diagnosis, true)).toContain('\x1b[33mwarning\x1b[0m');
    for (const f of diagnosis.chapters.flatMap((c) => c.findings)) expect(plain).toContain(f.name);
    expect(plain).toMatch(/mend: as root: apt-get install strace/);
  });

  it.runIf(process.platform === 'linux')('looks at this machine without failing (only on Linux)', () => {
    const diagnosis = diagnose(thisMachine());
    expect(diagnosis.chapters.map((c) => c.title)).toEqual(['Engines', 'Namespaces', 'Cgroups', 'Kernel', 'User and helpers']);
    expect(report(diagnosis, false)).toContain(process.versions.node);
  });
});
