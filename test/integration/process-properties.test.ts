/** What config.json asks of the kernel for the process, as the process sees it. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import type { Config, Linux, Process } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { type Answer, BUSYBOX, scratch, skipReason } from './support/minirun.ts';
import { bundleConfig, runtimeIn, writeBundle } from './support/runtime.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`process-properties: skipped, ${reason}`);
const noIp = reason ?? skipReason({ program: 'ip' });
if (!reason && noIp) console.log(`process-properties: netDevices skipped, ${noIp}`);
const oneCpu = reason ?? (cpus().length > 1 ? undefined : 'needs two processors');
if (!reason && oneCpu) console.log(`process-properties: execCPUAffinity skipped, ${oneCpu}`);

describe.skipIf(reason)('the process of a container', () => {
  const folder = scratch('process');
  const runtime = runtimeIn(join(folder, 'state'));

  function bundleOf(
    id: string,
    script: string,
    process: Partial<Process> = {},
    linux: Partial<Linux> = {},
    more: (c: Config) => void = () => {},
  ) {
    const config = bundleConfig(['sh', '-c', script], (c) => {
      Object.assign(c.process as Process, process);
      c.linux = { ...c.linux, ...linux };
      more(c);
    });
    return writeBundle(join(folder, id), id, config);
  }
  function run(script: string, process: Partial<Process> = {}, linux: Partial<Linux> = {}, more?: (c: Config) => void): Answer {
    const id = newId();
    const bundle = bundleOf(id, script, process, linux, more);
    try {
      return runtime(['run', '--bundle', bundle, id]);
    } finally {
      runtime(['delete', '--force', id]);
      expect(tracesOf(id)).toEqual([]);
      rmSync(bundle, { recursive: true, force: true });
    }
  }

  it('has its umask, groups and domain name', () => {
    const user = { uid: 1000, gid: 1001, umask: 0o27, additionalGids: [5, 1002] };
    const { out, err } = run('umask; id -u; id -g; id -G; cat /proc/sys/kernel/domainname', { user }, {}, (c) => {
      c.domainname = 'example.org';
    });
    expect(err).toBe('');
    expect(out).toBe('0027\n1000\n1001\n1001 5 1002\nexample.org\n');
  });

  it('has the I/O priority and the scheduling policy that it was given, and its execution domain', () => {
    const { out, err } = run(
      'ionice -p $$; uname -m; cut -d" " -f19,40,41 /proc/self/stat',
      { ioPriority: { class: 'IOPRIO_CLASS_IDLE' }, scheduler: { policy: 'SCHED_BATCH', nice: 7 } },
      { personality: { domain: 'LINUX32' } },
    );
    expect(err).toBe('');
    expect(out).toBe(`idle\n${process.arch === 'arm64' ? 'armv8l' : 'i686'}\n7 0 3\n`);
  });

  it('may be scheduled by deadline', () => {
    const { out, err, code } = run('cut -d" " -f41 /proc/self/stat', {
      // Its children are not: a process under SCHED_DEADLINE cannot fork without SCHED_FLAG_RESET_ON_FORK.
      scheduler: {
        policy: 'SCHED_DEADLINE',
        flags: ['SCHED_FLAG_RESET_ON_FORK'],
        runtime: 10_000_000,
        deadline: 100_000_000,
        period: 100_000_000,
      },
      args: ['cat', '/proc/self/stat'],
    });
    if (code !== 0) {
      // Real-time group scheduling of cgroup v1 may leave no time for it; the error says so.
      expect(err).toMatch(/sched_setattr.*(EPERM|EBUSY)/);
      console.log(`process-properties: SCHED_DEADLINE is not possible here: ${err.trim()}`);
    } else expect(out.split(' ')[40]).toBe('6');
  });

  it('gets its memory by a policy', () => {
    const { out, err } = run(
      'grep -c "bind:0\\|bind=static:0" /proc/self/numa_maps',
      {},
      {
        memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] },
      },
    );
    expect(err).toBe('');
    expect(Number(out)).toBeGreaterThan(0);
  });

  it('is refused where the machine has no AppArmor, SELinux or RDT', () => {
    const { err, code } = run('true', {}, { intelRdt: { closID: 'x' } });
    if (!readFileSync('/proc/mounts', 'utf8').includes(' resctrl ')) {
      expect(code).toBe(1);
      expect(err).toMatch(/intelRdt is specified in config, but Intel RDT is not enabled/);
    }
    const label = run('true', { selinuxLabel: 'system_u:system_r:container_t:s0' });
    if (!readFileSync('/proc/filesystems', 'utf8').includes('selinuxfs')) expect(label.err).toMatch(/selinux is disabled or not supported/);
  });

  it('has no capabilities when the config names none', () => {
    const { out } = run('grep Cap /proc/self/status', {}, {}, (c) => {
      delete c.process?.capabilities;
    });
    expect(out.match(/:\t0000000000000000$/gm)).toHaveLength(5);
  });

  it('loses capabilities that nobody knows, with a warning', () => {
    const capabilities = { bounding: ['CAP_KILL', 'CAP_NEWEST'], permitted: ['CAP_KILL'], effective: ['CAP_KILL'] };
    const { out, err } = run('grep CapEff /proc/self/status', { capabilities });
    expect(out).toMatch(/0000000000000020\n$/);
    expect(err).toMatch(/ignoring unknown or unavailable capabilities: CAP_NEWEST/);
  });

  it('has the clocks of its time namespace, and so have further commands', () => {
    const id = newId();
    const timeOffsets = { monotonic: { secs: 7881, nanosecs: 2718281 }, boottime: { secs: 1337, nanosecs: 3141519 } };
    const script = 'cat /proc/self/timens_offsets; sleep 1000';
    const bundle = bundleOf(id, script, {}, {}, (c) => {
      c.linux = { ...c.linux, timeOffsets, namespaces: [...(c.linux?.namespaces ?? []), { type: 'time' }] };
    });
    const expected = /^monotonic +7881 +2718281\nboottime +1337 +3141519\n$/;
    try {
      const created = runtime(['create', '--bundle', bundle, id]);
      expect(created).toMatchObject({ code: 0, err: '' });
      runtime(['start', id]);
      expect(runtime(['exec', id, 'cat', '/proc/self/timens_offsets']).out).toMatch(expected);
    } finally {
      runtime(['delete', '--force', id]);
    }
  });

  it('is not confined to the processor of its runtime', () => {
    const id = newId();
    const bundle = bundleOf(id, 'grep Cpus_allowed_list /proc/self/status');
    const confined = runtimeIn(join(folder, 'state'), ['taskset', '-c', '0', ...['bin/minirun-runc']]);
    const { out } = confined(['run', '--bundle', bundle, id]);
    expect(out.trim().split(/\s+/)[1]).toBe(readFileSync('/proc/self/status', 'utf8').match(/^Cpus_allowed_list:\s*(.*)$/m)?.[1]);
    runtime(['delete', '--force', id]);
  });

  it.skipIf(oneCpu)('runs further commands on the processors that they were given', () => {
    const id = newId();
    const bundle = bundleOf(id, 'sleep 1000', { execCPUAffinity: { initial: '0', final: '1' } });
    try {
      expect(runtime(['create', '--bundle', bundle, id]).err).toBe('');
      runtime(['start', id]);
      const allowed = (...args: string[]) =>
        runtime(['exec', ...args])
          .out.trim()
          .split(/\s+/)[1];
      expect(allowed(id, 'grep', 'Cpus_allowed_list', '/proc/self/status')).toBe('1');
      const file = join(bundle, 'process.json');
      const process = { user: { uid: 0, gid: 0 }, cwd: '/', env: ['PATH=/bin'], args: ['grep', 'Cpus_allowed_list', '/proc/self/status'] };
      spawnSync('tee', [file], { input: JSON.stringify({ ...process, execCPUAffinity: { initial: '0' } }) });
      // Before Linux 6.2 a process that enters a cpuset gets all of its processors.
      expect(['0', readFileSync('/proc/self/status', 'utf8').match(/^Cpus_allowed_list:\s*(.*)$/m)?.[1]]).toContain(
        allowed('--process', file, id),
      );
    } finally {
      runtime(['delete', '--force', id]);
    }
  });
});

describe.skipIf(noIp)('netDevices', () => {
  const folder = scratch('devices');
  const suffix = newId().slice(0, 6);
  /** A network namespace of the test's own plays the host. */
  const host = `mr${suffix}`;
  const ip = (...args: string[]) => {
    const done = spawnSync('ip', args, { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`ip ${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  };
  beforeAll(() => {
    ip('netns', 'add', host);
  });
  afterAll(() => {
    spawnSync('ip', ['netns', 'del', host]);
  });
  const runtime = runtimeIn(join(folder, 'state'), ['nsenter', `--net=/run/netns/${host}`, 'bin/minirun-runc']);

  function withVeth<T>(act: (name: string) => T): T {
    const name = `a${newId().slice(0, 6)}`;
    ip('-n', host, 'link', 'add', name, 'type', 'veth', 'peer', 'name', `${name}p`);
    ip('-n', host, 'link', 'set', name, 'address', '02:00:00:00:00:07', 'mtu', '1400', 'up');
    ip('-n', host, 'addr', 'add', '10.99.7.2/24', 'dev', name);
    ip('-n', host, 'addr', 'add', 'fd00:99::7/64', 'dev', name, 'nodad');
    ip('-n', host, 'addr', 'add', '169.254.7.7/16', 'scope', 'link', 'dev', name);
    try {
      return act(name);
    } finally {
      spawnSync('ip', ['-n', host, 'link', 'del', `${name}p`]);
    }
  }
  function run(devices: NonNullable<Linux['netDevices']>, change: (c: Config) => void = () => {}): Answer {
    const id = newId();
    const bundle = writeBundle(
      join(folder, id),
      id,
      bundleConfig(['ip', 'addr'], (c) => {
        c.linux = { ...c.linux, netDevices: devices };
        change(c);
      }),
    );
    try {
      return runtime(['run', '--bundle', bundle, id]);
    } finally {
      runtime(['delete', '--force', id]);
    }
  }

  it('move with their address, MTU and permanent addresses of global scope, under a new name', () =>
    withVeth((name) => {
      const { out, err } = run({ [name]: { name: 'wan0' } });
      expect(err).toBe('');
      expect(out).toMatch(/wan0@.*[<,]UP[,>].* mtu 1400/);
      expect(out).toContain('02:00:00:00:00:07');
      expect(out).toContain('inet 10.99.7.2/24 scope global wan0');
      expect(out).toContain('inet6 fd00:99::7/64 scope global');
      expect(out).not.toContain('169.254.7.7');
      expect(out).not.toContain(name);
    }));

  it('keep their name where no other is given; the kernel fills in a number', () =>
    withVeth((name) => {
      const kept = run({ [name]: {} });
      expect(kept.out).toContain(`scope global ${name}`);
    }));

  it('may be named by the kernel', () =>
    withVeth((name) => {
      const { out, err } = run({ [name]: { name: 'wan%d' } });
      expect(err).toBe('');
      expect(out).toContain('inet 10.99.7.2/24 scope global wan0');
    }));

  it('move into a network namespace that exists, where their number may be taken; a taken name is refused', () =>
    withVeth((name) => {
      const other = `${host}b`;
      ip('netns', 'add', other);
      try {
        // A device of the same number is there already.
        const index = /^(\d+):/.exec(ip('-n', host, 'link', 'show', name))?.[1] as string;
        ip('-n', other, 'link', 'add', 'old', 'index', index, 'type', 'veth', 'peer', 'name', 'oldp');
        const join = (c: Config) => {
          c.linux = {
            ...c.linux,
            namespaces: (c.linux?.namespaces ?? []).map((n) => (n.type === 'network' ? { ...n, path: `/run/netns/${other}` } : n)),
          };
        };
        const taken = run({ [name]: { name: 'old' } }, join);
        expect(taken.code).toBe(1);
        expect(taken.err).toMatch(/has an interface of the name old already/);
        ip('-n', host, 'addr', 'show', 'dev', name);
        ip('-n', host, 'link', 'set', name, 'up');
        const moved = run({ [name]: { name: 'new' } }, join);
        expect(moved.err).toBe('');
        expect(moved.out).toContain('inet 10.99.7.2/24 scope global new');
      } finally {
        ip('netns', 'del', other);
      }
    }));

  it('that do not exist are refused before anything is made', () => {
    const { code, err } = run({ nosuch0: {} });
    expect(code).toBe(1);
    expect(err).toMatch(/link not found for interface nosuch0/);
  });
});
