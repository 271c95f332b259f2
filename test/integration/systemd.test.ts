/** Containers whose cgroups systemd makes: `minirun-runc --systemd-cgroup`, beside the real runc. Wants a machine on which systemd runs. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import { readCgroupFacts } from '../../src/runc/host/cgroup-facts.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { exampleConfig } from '../../src/runc/spec/example-config.ts';
import { newId } from './support/box.ts';
import { type Answer, BUSYBOX, scratch, skipReason } from './support/minirun.ts';
import { bundleConfig, MINIRUN_RUNC, type Runtime, runtimeIn, writeBundle } from './support/runtime.ts';

const reason =
  skipReason({ root: true, file: BUSYBOX }) ??
  (nativeAvailable() ? undefined : 'needs native/build/minirun-init') ??
  (existsSync('/run/systemd/system')
    ? undefined
    : 'systemd does not run here (MINIRUN_VM_SYSTEMD=1 test/vm/run test/integration/systemd.test.ts)');
if (reason) console.log(`systemd: skipped, ${reason}`);
const noRunc = skipReason({ program: 'runc' });

const facts = readCgroupFacts();
const SLOWNESS = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);

/** Properties of a unit, as systemd knows them. */
function shown(unit: string, ...names: string[]): Record<string, string> {
  const { stdout } = spawnSync('systemctl', ['show', unit, ...names.map((name) => `--property=${name}`)], { encoding: 'utf8' });
  return Object.fromEntries(
    stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

const unitOf = (id: string) => `minirunt-${id.slice(0, 8)}.scope`;

describe.skipIf(reason)(
  'the systemd cgroup driver',
  () => {
    const folder = scratch('systemd');
    const runc = runtimeIn(join(folder, 'state'));
    const made: [Runtime, string][] = [];
    const ok = (answer: Answer): Answer => {
      expect(answer, answer.err).toMatchObject({ code: 0 });
      return answer;
    };
    const limits = (config: Config) => {
      config.linux = {
        ...config.linux,
        resources: {
          devices: [{ allow: false, access: 'rwm' }],
          memory: { limit: 64 << 20, reservation: 32 << 20, swap: 96 << 20 },
          cpu: { quota: 50000, period: 100000, cpus: '0' },
          pids: { limit: 33 },
        },
      };
    };
    function start(runtime: Runtime, change: (config: Config) => void = () => {}, command = 'run'): { id: string; unit: string } {
      const id = newId();
      const config = bundleConfig(['sleep', '1000'], (c) => {
        change(c);
        c.linux = { ...c.linux, cgroupsPath: `machine.slice:minirunt:${id.slice(0, 8)}` };
      });
      const detach = command === 'run' ? ['--detach'] : [];
      ok(runtime(['--systemd-cgroup', command, ...detach, id], { cwd: writeBundle(join(folder, id), id, config) }));
      made.push([runtime, id]);
      return { id, unit: unitOf(id) };
    }
    afterEach(() => {
      for (const [runtime, id] of made.splice(0)) runtime(['delete', '--force', id]);
    });
    const pidOf = (id: string): number => (JSON.parse(runc(['state', id]).out) as { pid: number }).pid;

    it('a scope in the slice, with init in it, its limits known to systemd', () => {
      const { id, unit } = start(runc, limits);
      const expected =
        facts.mode === 'v2'
          ? { MemoryMax: String(64 << 20), MemoryLow: String(32 << 20), MemorySwapMax: String(32 << 20) }
          : { MemoryLimit: String(64 << 20) };
      const properties = {
        ...expected,
        TasksMax: '33',
        CPUQuotaPerSecUSec: '500ms',
        AllowedCPUs: '0',
        Slice: 'machine.slice',
        Delegate: 'yes',
        ActiveState: 'active',
        DevicePolicy: 'strict',
      };
      expect(shown(unit, ...Object.keys(properties))).toEqual(properties);
      for (const line of readFileSync(`/proc/${pidOf(id)}/cgroup`, 'utf8')
        .trim()
        .split('\n'))
        expect(line).toMatch(new RegExp(`:/machine.slice/${unit}$`));
    });

    it.skipIf(noRunc)('systemd knows of it what it knows of the same container of runc', () => {
      const units = [start(runc, limits), start(runtimeIn(join(folder, 'theirs'), ['runc']), limits)].map(({ unit }) => shown(unit));
      // What differs: numbers of this one, the name, and what runc sets by a second call.
      const same = ([ours, theirs]: (Record<string, string> | undefined)[]) =>
        Object.keys(theirs ?? {}).filter(
          (name) =>
            ours?.[name] !== theirs?.[name] &&
            !/Timestamp|Current|Available|NSec|Id$|ID$|^(Id|Names|Description|DropInPaths|NeedDaemonReload|CollectMode|ControlGroup|DeviceAllow|CPUWeight|CPUShares|Transient|FragmentPath|CanFreeze)$/.test(
              name,
            ),
        );
      expect(same(units)).toEqual([]);
    });

    it('device rules hold, also when systemd sets its own again', () => {
      const { id } = start(runc, limits);
      const open = (path: string) => runc(['exec', id, 'sh', '-c', `: < ${path}`]).code;
      runc(['exec', id, 'mknod', '/tmp/kmsg', 'c', '1', '11']);
      const look = () => [open('/dev/null'), open('/tmp/kmsg')];
      expect(look()).toEqual([0, 1]);
      expect(spawnSync('systemctl', ['daemon-reload']).status).toBe(0);
      expect(look()).toEqual([0, 1]);
    });

    it('update reaches systemd and the kernel', () => {
      const { id, unit } = start(runc, limits);
      ok(runc(['update', '--memory', '50M', '--pids-limit', '-1', '--cpu-quota', '60000', id]));
      expect(shown(unit, facts.mode === 'v2' ? 'MemoryMax' : 'MemoryLimit', 'TasksMax', 'CPUQuotaPerSecUSec')).toEqual({
        [facts.mode === 'v2' ? 'MemoryMax' : 'MemoryLimit']: String(50 << 20),
        TasksMax: 'infinity',
        CPUQuotaPerSecUSec: '600ms',
      });
      if (facts.mode === 'v2') expect(readFileSync(`${facts.v2}/machine.slice/${unit}/memory.max`, 'utf8').trim()).toBe(String(50 << 20));
    });

    it('annotations are properties', () => {
      const { unit } = start(runc, (config) => {
        config.annotations = { 'org.systemd.property.TimeoutStopSec': '7', 'org.systemd.property.Documentation': "['man:one', 'man:two']" };
      });
      expect(shown(unit, 'TimeoutStopUSec', 'Documentation')).toEqual({ TimeoutStopUSec: '7s', Documentation: 'man:one man:two' });
    });

    it('create, start, exec, delete: nothing is left, the name is free again', () => {
      const { id, unit } = start(runc, limits, 'create');
      expect(shown(unit, 'ActiveState').ActiveState).toBe('active');
      ok(runc(['start', id]));
      expect(ok(runc(['exec', id, 'cat', '/proc/self/cgroup'])).out).toContain(unit);
      ok(runc(['kill', id, 'KILL']));
      ok(runc(['delete', '--force', id]));
      expect(shown(unit, 'LoadState', 'ActiveState')).toEqual({ LoadState: 'not-found', ActiveState: 'inactive' });
      expect(existsSync(`${facts.v2}/machine.slice/${unit}`)).toBe(false);
    });

    it('a container that ends by itself takes its unit along; one that fails to start leaves none', () => {
      const id = newId();
      const place = `machine.slice:minirunt:${id.slice(0, 8)}`;
      const config = (args: string[]) =>
        bundleConfig(args, (c) => {
          c.linux = { ...c.linux, cgroupsPath: place };
        });
      for (const args of [['true'], ['/no/such/program']]) {
        const answer = runc(['--systemd-cgroup', 'run', id], { cwd: writeBundle(join(folder, id), id, config(args)) });
        expect(answer.code, answer.err).toBe(args[0] === 'true' ? 0 : 1);
        expect(shown(unitOf(id), 'LoadState').LoadState).toBe('not-found');
      }
    });

    it('what systemd refuses is said in its words', () => {
      const id = newId();
      const config = bundleConfig(['true'], (c) => {
        c.linux = { ...c.linux, cgroupsPath: `machine.slice:minirunt:${id.slice(0, 8)}` };
        c.annotations = { 'org.systemd.property.NoSuchThing': 'true' };
      });
      const refused = runc(['--systemd-cgroup', 'run', id], { cwd: writeBundle(join(folder, id), id, config) });
      expect(refused.code).toBe(1);
      expect(refused.err).toMatch(/NoSuchThing/);
    });

    it('a unit that is in use is refused', () => {
      const first = start(runc);
      const id = newId();
      const config = bundleConfig(['true'], (c) => {
        c.linux = { ...c.linux, cgroupsPath: `machine.slice:minirunt:${first.id.slice(0, 8)}` };
      });
      const refused = runc(['--systemd-cgroup', 'run', id], { cwd: writeBundle(join(folder, id), id, config) });
      expect(refused.code).toBe(1);
      expect(refused.err).toContain("container's cgroup is not empty");
      expect(shown(first.unit, 'ActiveState').ActiveState).toBe('active');
    });

    it('is told step by step', () => {
      const id = newId();
      const config = bundleConfig(['true'], (c) => {
        c.linux = { ...c.linux, cgroupsPath: `machine.slice:minirunt:${id.slice(0, 8)}` };
      });
      const told = ok(runc(['--explain', '--systemd-cgroup', 'run', id], { cwd: writeBundle(join(folder, id), id, config) }));
      expect(told.err).toContain('StartTransientUnit');
      expect(told.err).toContain('systemd looks after the tree of cgroups');
    });
  },
  60_000 * SLOWNESS,
);

/** Somebody whom systemd can start a user's own systemd for. */
const [, user] = /^[^:]+:[^:]*:([1-9]\d{3,4}):\1:/m.exec(existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8') : '') ?? [];
const noUser =
  reason ??
  (facts.mode === 'v2' ? undefined : 'needs cgroup v2 alone') ??
  (user ? skipReason({ program: 'setpriv' }) : 'needs an ordinary user in /etc/passwd');
if (noUser && !reason) console.log(`systemd: an ordinary user's is not tested, ${noUser}`);

describe.skipIf(noUser)(
  "an ordinary user's own systemd",
  () => {
    const folder = scratch('systemd-user');
    const bus = `/run/user/${user}`;
    const as = `exec setpriv --reuid ${user} --regid ${user} --clear-groups -- "$0" "$@"`;
    const runc = runtimeIn(join(folder, 'state'), ['sh', '-c', as, process.execPath, MINIRUN_RUNC]);
    const env = { XDG_RUNTIME_DIR: bus };
    let started = false;
    beforeAll(() => {
      if (existsSync(`${bus}/systemd`)) return;
      expect(spawnSync('systemctl', ['start', `user@${user}.service`]).status).toBe(0);
      started = true;
    }, 60_000 * SLOWNESS);
    afterAll(() => {
      if (started) spawnSync('systemctl', ['stop', `user@${user}.service`]);
    });

    it('makes the scope with its limits, where the user itself could not; changes and removes it', () => {
      const id = newId();
      const unit = unitOf(id);
      const ids = [{ containerID: 0, hostID: Number(user), size: 1 }];
      const config = exampleConfig({ rootless: { uid: Number(user), gid: Number(user) }, cgroupNamespace: false });
      Object.assign(config.process as object, { terminal: false, args: ['sleep', '1000'] });
      config.root = { path: BUSYBOX, readonly: true };
      config.mounts = config.mounts?.filter((m) => m.destination !== '/sys/fs/cgroup');
      config.linux = {
        ...config.linux,
        uidMappings: ids,
        gidMappings: ids,
        cgroupsPath: `user.slice:minirunt:${id.slice(0, 8)}`,
        resources: { memory: { limit: 64 << 20 }, pids: { limit: 33 } },
      };
      const bundle = writeBundle(join(folder, id), id, config);
      expect(runc(['--systemd-cgroup', 'run', '--detach', id], { cwd: bundle, env })).toMatchObject({ code: 0, err: '' });
      try {
        const { pid } = JSON.parse(runc(['state', id], { env }).out) as { pid: number };
        const place = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim();
        expect(place).toMatch(new RegExp(`/user@${user}\\.service/user\\.slice/${unit}$`));
        expect(runc(['update', '--pids-limit', '20', id], { env }).code).toBe(0);
        const own = `${facts.v2}${place.slice('0::'.length)}`;
        const limits = ['memory.max', 'pids.max'].map((file) => readFileSync(`${own}/${file}`, 'utf8').trim());
        expect(limits).toEqual([String(64 << 20), '20']);
        expect(runc(['exec', id, 'true'], { env }).code).toBe(0);
        expect(runc(['delete', '--force', id], { env }).code).toBe(0);
        expect(existsSync(own)).toBe(false);
      } finally {
        runc(['delete', '--force', id], { env });
      }
    });
  },
  60_000 * SLOWNESS,
);
