/** Cgroups of containers that run, on this machine's kernel: limits changed, use told, signals to all, every form of cgroupsPath. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventLine, statsEvent } from '../../src/runc/cgroup/events.ts';
import { foldersOf, processesOf } from '../../src/runc/cgroup/processes.ts';
import type { CgroupPaths } from '../../src/runc/compile/cgroup-paths.ts';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import { readCgroupFacts, v2FolderOf } from '../../src/runc/host/cgroup-facts.ts';
import type { Config, Resources } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { type Answer, BUSYBOX, scratch, skipReason } from './support/minirun.ts';
import { bundleConfig, runtimeIn, writeBundle } from './support/runtime.ts';

const facts = readCgroupFacts();
const reason =
  skipReason({ root: true, file: BUSYBOX }) ??
  (nativeAvailable() ? undefined : 'needs native/build/minirun-init') ??
  (facts.writable ? undefined : 'needs a writable cgroup file system');
if (reason) console.log(`cgroups: skipped, ${reason}`);
const noRunc = skipReason({ program: 'runc' });
if (noRunc) console.log(`cgroups: not compared with runc, ${noRunc}`);
const SLOWNESS = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);
/** In the slow VM only what another kernel or hierarchy could change. */
const inVm = process.env.MINIRUN_VM === '1';
if (inVm) console.log('cgroups: what does not depend on the kernel is skipped in the VM');

/** Where a process is in each hierarchy that is mounted. */
function placesOf(pid: number): CgroupPaths {
  const v1: Record<string, string> = {};
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')) {
    const [, names = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const name of names.split(',')) if (facts.v1[name]) v1[name] = join(facts.v1[name], path);
  }
  const v2 = v2FolderOf(pid);
  return { v1, ...(v2 === undefined ? {} : { v2 }) };
}

describe.skipIf(reason)('cgroups', () => {
  const folder = scratch('cgroups');
  const runc = runtimeIn(join(folder, 'state'));
  const made: string[] = [];

  const ok = (answer: Answer): Answer => {
    expect(answer, answer.err).toMatchObject({ code: 0 });
    return answer;
  };
  interface Box {
    id: string;
    pid: number;
    paths: CgroupPaths;
    /** Text of a file of the container's: in v1 of that controller's folder. */
    file(v1: string, v2?: string): string;
  }
  function bundle(id: string, args: string[], change: (config: Config) => void = () => {}): string {
    return writeBundle(join(folder, id), id, bundleConfig(args, change));
  }
  function box(args: string[], change: (config: Config) => void = () => {}, runtime = runc): Box {
    const id = newId();
    ok(runtime(['run', '--detach', id], { cwd: bundle(id, args, change) }));
    made.push(id);
    const { pid } = JSON.parse(runtime(['state', id]).out) as { pid: number };
    const paths = placesOf(pid);
    const file = (v1: string, v2 = v1): string => {
      const controller = paths.v1[v1.split('.')[0] as string];
      return readFileSync(controller === undefined ? `${paths.v2}/${v2}` : `${controller}/${v1}`, 'utf8').trim();
    };
    return { id, pid, paths, file };
  }
  const limited = (resources: Resources) => (config: Config) => {
    config.linux = { ...config.linux, resources: { ...config.linux?.resources, ...resources } };
  };
  const shell = (script: string): string[] => ['sh', '-c', script];
  /** An own and whole view of cgroups, which it may change. */
  const writable = (config: Config) => {
    config.linux?.namespaces?.push({ type: 'cgroup' });
    config.mounts = [
      ...(config.mounts ?? []).filter((m) => m.destination !== '/sys/fs/cgroup'),
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev'] },
    ];
  };

  const clean = () => {
    for (const id of made.splice(0)) ok(runc(['delete', '--force', id]));
  };
  afterEach(clean);

  describe('update', () => {
    it('sets new limits, in any order, and lifts them', () => {
      const limits: Resources = {
        memory: { limit: 32 << 20, swap: 64 << 20 },
        cpu: { shares: 512, quota: 50000, period: 100000 },
        pids: { limit: 20 },
      };
      const b = box(['sleep', '1000'], limited(limits));
      const memory = () => b.file('memory.limit_in_bytes', 'memory.max');
      const quota = () => (b.paths.v1.cpu ? `${b.file('cpu.cfs_quota_us')} ${b.file('cpu.cfs_period_us')}` : b.file('', 'cpu.max'));
      ok(
        runc([
          'update',
          '--memory',
          '100M',
          '--memory-swap',
          '200M',
          '--pids-limit',
          '10',
          '--cpu-quota',
          '3000',
          '--cpu-period',
          '10000',
          b.id,
        ]),
      );
      expect([memory(), b.file('pids.max'), quota()]).toEqual([String(100 << 20), '10', '3000 10000']);
      ok(runc(['update', '--memory', '30M', '--memory-swap', '40M', '--cpu-quota', '60000', '--cpu-period', '200000', b.id]));
      expect([memory(), quota()]).toEqual([String(30 << 20), '60000 200000']);
      ok(runc(['update', '--cpu-quota', '20000', b.id]));
      expect(quota()).toBe('20000 200000');
      const engine = {
        memory: { limit: 64 << 20, reservation: 0, swap: -1, kernel: 0 },
        cpu: { shares: 200, quota: -1, period: 0 },
        pids: { limit: -1 },
        blockIO: { weight: 0 },
      };
      ok(runc(['update', '--resources', '-', b.id], { input: JSON.stringify(engine) }));
      expect([memory(), b.file('pids.max')]).toEqual([String(64 << 20), 'max']);
      expect(quota()).toBe(b.paths.v1.cpu ? '-1 200000' : 'max 200000');
      ok(runc(['update', '--memory', '-1', b.id]));
      expect(memory()).toBe(b.paths.v1.memory ? '9223372036854771712' : 'max');
      if (b.paths.v1.cpu) expect(b.file('cpu.shares')).toBe('200');
    });
    it.skipIf(inVm)('is saved: a later update knows of it (needs more time than a VM without hardware help has)', () => {
      const b = box(['sleep', '1000']);
      ok(runc(['update', '--cpu-period', '50000', b.id]));
      ok(runc(['update', '--cpu-quota', '20000', b.id]));
      expect(b.paths.v1.cpu ? `${b.file('cpu.cfs_quota_us')} ${b.file('cpu.cfs_period_us')}` : b.file('', 'cpu.max')).toBe('20000 50000');
    });
    it('leaves a paused container paused, and devices as they are', () => {
      const b = box(['sleep', '1000']);
      const devices = b.paths.v1.devices ? b.file('devices.list') : '';
      ok(runc(['pause', b.id]));
      ok(runc(['update', '--pids-limit', '30', b.id]));
      expect((JSON.parse(runc(['state', b.id]).out) as { status: string }).status).toBe('paused');
      if (b.paths.v1.devices) expect(b.file('devices.list')).toBe(devices);
      ok(runc(['resume', b.id]));
    });
    it('changes nothing when it is refused', () => {
      const b = box(
        shell('tail -c 20000000 /dev/zero | (read x; sleep 1000)'),
        limited({ memory: { limit: 64 << 20, checkBeforeUpdate: true } }),
      );
      const before = b.file('memory.limit_in_bytes', 'memory.max');
      const refused = runc(['update', '--memory', '4096', '--pids-limit', '5', b.id]);
      expect(refused.code).toBe(1);
      expect(refused.err).toContain('rejecting memory limit 4096 <= usage');
      expect(b.file('memory.limit_in_bytes', 'memory.max')).toBe(before);
      expect(b.file('pids.max')).toBe('max');
    });
    it.skipIf(inVm)('is told step by step (needs more time than a VM without hardware help has)', () => {
      const b = box(['sleep', '1000']);
      const told = runc(['--explain', 'update', '--pids-limit', '7', b.id]);
      expect(told.err).toContain('pids.max: max → 7');
      expect(told.err).toContain('fork bomb');
    });
  });

  describe('events', () => {
    it.skipIf(noRunc)('--stats says what runc says of the same container', () => {
      const theirs = runtimeIn(join(folder, 'theirs'), ['runc']);
      const id = newId();
      const limits: Resources = { memory: { limit: 64 << 20 }, cpu: { quota: 50000, period: 100000 }, pids: { limit: 20 } };
      ok(theirs(['run', '--detach', id], { cwd: bundle(id, ['sleep', '1000'], limited(limits)) }));
      try {
        const { pid } = JSON.parse(theirs(['state', id]).out) as { pid: number };
        const said = ok(theirs(['events', '--stats', id])).out;
        const ours = eventLine(statsEvent(id, placesOf(pid), pid));
        // Numbers move between two looks, and 0 is left out: compare names, and what stands still.
        const names = (value: unknown): unknown =>
          typeof value === 'object' && value !== null && !Array.isArray(value)
            ? Object.fromEntries(
                Object.entries(value)
                  .filter(([key]) => !['psi', 'usage', 'max', 'cache'].includes(key))
                  .map(([key, v]) => [key, names(v)]),
              )
            : Array.isArray(value)
              ? 'list'
              : typeof value;
        const [a, b] = [JSON.parse(ours), JSON.parse(said)];
        expect(names(a)).toEqual(names(b));
        expect(a.data.pids).toEqual(b.data.pids);
        expect(a.data.cpuset).toEqual(b.data.cpuset);
        expect(a.data.memory.usage.limit).toBe(64 << 20);
        for (const part of ['usage', 'swap', 'kernel', 'kernelTCP'])
          expect(a.data.memory[part].limit, part).toBe(b.data.memory[part].limit);
        expect(Object.keys(a.data.memory.raw)).toEqual(Object.keys(b.data.memory.raw));
      } finally {
        theirs(['delete', '--force', id]);
      }
    });
    it('tells use at each interval and each kill for memory, until the container ends', async () => {
      const b = box(shell('sleep 1000'), limited({ memory: { limit: 16 << 20, swap: 16 << 20 } }));
      const watch = runc.start(['events', '--interval', '200ms', b.id]);
      // Its own start takes a moment; a kill before it has looked for the first time is not news.
      await new Promise((resolve) => setTimeout(resolve, 1000 * SLOWNESS));
      expect(runc(['exec', b.id, 'sh', '-c', 'exec tail /dev/zero']).code).toBe(137);
      await new Promise((resolve) => setTimeout(resolve, 500 * SLOWNESS));
      ok(runc(['kill', b.id, 'KILL']));
      const { code, out } = await watch.answer;
      expect(code).toBe(0);
      const events = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { type: string; id: string });
      expect(events.every((e) => e.id === b.id)).toBe(true);
      expect(events.filter((e) => e.type === 'stats').length).toBeGreaterThan(1);
      expect(out).toContain(`{"type":"oom","id":"${b.id}"}\n`);
    });
    it.skipIf(inVm)('counts the interfaces of a network of its own (needs more time than a VM without hardware help has)', () => {
      const b = box(['sleep', '1000']);
      const [stats] = [JSON.parse(runc(['events', '--stats', b.id]).out)];
      expect(stats.data.network_interfaces).toBeNull(); // lo alone
      expect(stats.data.pids.current).toBe(1);
    });
  });

  describe('signals to all', () => {
    /** Eight loops that start processes which end at once: a list of pids is never up to date. */
    const bomb = 'for i in 1 2 3 4 5 6 7 8; do (while :; do sleep 0.01 & done) & done; wait';
    it('kill --all ends what forks without end', async () => {
      const b = box(shell(bomb), limited({ pids: { limit: 3000 } }));
      await expect.poll(() => processesOf(b.paths).length, { timeout: 10_000 * SLOWNESS }).toBeGreaterThan(20);
      ok(runc(['kill', '--all', b.id, 'KILL']));
      await expect.poll(() => processesOf(b.paths).length, { timeout: 10_000 * SLOWNESS }).toBe(0);
    });
    it.skipIf(inVm)('delete --force takes it away as well (needs more time than a VM without hardware help has)', async () => {
      const b = box(shell(bomb), limited({ pids: { limit: 3000 } }));
      await expect.poll(() => processesOf(b.paths).length, { timeout: 10_000 * SLOWNESS }).toBeGreaterThan(20);
      ok(runc(['delete', '--force', b.id]));
      expect(foldersOf(b.paths).filter((path) => existsSync(path))).toEqual([]);
    });
    it.skipIf(inVm)('another signal reaches each process once (needs more time than a VM without hardware help has)', async () => {
      // Each child writes a line when it is told to.
      const b = box(
        shell(
          "trap 'echo parent >> /got.$N' USR1; (trap 'echo child >> /got.$N' USR1; while :; do sleep 0.1; done) & while :; do sleep 0.1; done",
        ),
        (config) => {
          config.process?.env?.push(`N=${made.length}-${process.pid}`);
        },
      );
      const got = join(BUSYBOX, `got.0-${process.pid}`);
      await expect.poll(() => processesOf(b.paths).length, { timeout: 10_000 * SLOWNESS }).toBeGreaterThan(2);
      ok(runc(['kill', '--all', b.id, 'USR1']));
      await expect
        .poll(() => (existsSync(got) ? readFileSync(got, 'utf8').trim().split('\n').sort() : []), { timeout: 10_000 * SLOWNESS })
        .toEqual(['child', 'parent']);
      rmSync(got);
    });
    it('a paused container: it says so, ps works, exec waits or is refused, SIGKILL ends it', async () => {
      const b = box(shell('sleep 1000 & sleep 1000'));
      ok(runc(['pause', b.id]));
      const pids = JSON.parse(ok(runc(['ps', '--format', 'json', b.id])).out) as number[];
      expect(pids.sort()).toEqual(processesOf(b.paths).sort());
      expect(runc(['exec', b.id, 'true'])).toMatchObject({ code: 255 });
      ok(runc(['kill', b.id, 'KILL']));
      await expect.poll(() => processesOf(b.paths).length, { timeout: 10_000 * SLOWNESS }).toBe(0);
    });
    it.skipIf(inVm)('resume lets it go on (needs more time than a VM without hardware help has)', async () => {
      const b = box(shell('while :; do echo x >> /tmp/ticks; sleep 0.05; done'));
      const ticks = () => Number(ok(runc(['exec', '--ignore-paused', b.id, 'wc', '-c', '/tmp/ticks'])).out.split(' ')[0]);
      ok(runc(['pause', b.id]));
      ok(runc(['resume', b.id]));
      const before = ticks();
      await expect.poll(ticks, { timeout: 10_000 * SLOWNESS }).toBeGreaterThan(before);
    });
  });

  describe('cgroupsPath', () => {
    const name = `minirun-test-${process.pid}`;
    const folders = (b: Box) => foldersOf(b.paths);
    const point = facts.v1.pids ?? (facts.v2 as string);
    afterEach(() => {
      clean();
      const { own } = readCgroupFacts();
      const roots = [...Object.values(facts.v1), ...(facts.v2 ? [facts.v2] : [])];
      // Relative ones lie below those that this process is in.
      const below = Object.entries(facts.v1).map(([controller, root]) => join(root, own[controller] ?? '/'));
      for (const root of new Set([...roots, ...below]))
        for (const path of [`${root}/${name}/inner`, `${root}/${name}`]) if (existsSync(path)) rmdirSync(path);
    });
    const at = (path: string) => (config: Config) => {
      config.linux = { ...config.linux, cgroupsPath: path };
    };

    it('absolute: there in every hierarchy, that of version 2 on a hybrid machine too', () => {
      const b = box(['sleep', '1000'], at(`/${name}/a`));
      const lines = readFileSync(`/proc/${b.pid}/cgroup`, 'utf8').trim().split('\n');
      expect(lines.filter((line) => !line.endsWith(`:/${name}/a`))).toEqual([]);
      ok(runc(['delete', '--force', made.pop() as string]));
      expect(folders(b).filter((path) => existsSync(path))).toEqual([]);
      expect(existsSync(`${point}/${name}`)).toBe(true); // what is above may be others', too
    });
    it.skipIf(inVm)('`..` does not lead out (needs more time than a VM without hardware help has)', () => {
      const b = box(['sleep', '1000'], at(`/../../${name}/b`));
      expect(folders(b).every((path) => path.endsWith(`/${name}/b`) && !path.includes('..'))).toBe(true);
    });
    it('relative: below the own one in v1, beside it in v2', () => {
      const b = box(['sleep', '1000'], at(`${name}/c`));
      const own = readCgroupFacts().own;
      for (const [controller, path] of Object.entries(b.paths.v1))
        expect(path).toBe(join(facts.v1[controller] as string, own[controller] ?? '/', name, 'c'));
      if (b.paths.v2) expect(b.paths.v2).toBe(join(facts.v2 as string, own[''] ?? '/', own[''] === '/' ? '' : '..', name, 'c'));
    });
    it.skipIf(inVm)(
      'one that is there already and empty is used, and removed (needs more time than a VM without hardware help has)',
      () => {
        mkdirSync(`${point}/${name}/d`, { recursive: true });
        const b = box(['sleep', '1000'], at(`/${name}/d`));
        ok(runc(['delete', '--force', made.pop() as string]));
        expect(existsSync(`${point}/${name}/d`)).toBe(false);
        expect(b.id).toBeDefined();
      },
    );
    it('one that others are in is warned of, and they live', () => {
      const first = box(['sleep', '1000'], at(`/${name}/e`));
      const id = newId();
      const second = runc(['run', id], { cwd: bundle(id, ['true'], at(`/${name}/e`)) });
      expect(second.code).toBe(0);
      expect(second.err).toContain("container's cgroup is not empty");
      ok(runc(['delete', '--force', id]));
      expect(existsSync(`/proc/${first.pid}`)).toBe(true);
    });
    it('one that is frozen is refused, or lies below a frozen one', () => {
      const path = `${facts.v1.freezer ?? facts.v2}/${name}`;
      mkdirSync(path);
      const [file, frozen, thawed] = facts.v1.freezer ? ['freezer.state', 'FROZEN', 'THAWED'] : ['cgroup.freeze', '1', '0'];
      writeFileSync(`${path}/${file}`, frozen as string);
      try {
        for (const place of [`/${name}`, `/${name}/f`]) {
          const id = newId();
          const refused = runc(['run', '--detach', id], { cwd: bundle(id, ['true'], at(place)) });
          expect(refused.code).toBe(1);
          expect(refused.err).toContain("container's cgroup unexpectedly frozen");
        }
      } finally {
        writeFileSync(`${path}/${file}`, thawed as string);
      }
    });
    it('inside of a container, whose own cgroup is the root that it sees', () => {
      // As a container with cgroups of its own starts another one: a namespace, and what it shows mounted.
      const own = `/${name}`;
      const enter = [...Object.values(facts.v1), ...(facts.v2 ? [facts.v2] : [])].map(
        (root) => `mkdir -p ${root}${own} && echo 0 > ${root}${own}/cgroup.procs`,
      );
      const id = newId();
      const inner = bundle(id, ['cat', '/proc/self/cgroup'], at('/inner'));
      const remount = [...new Set(Object.values(facts.v1))].map((root) => {
        const names = Object.entries(facts.v1).flatMap(([controller, at_]) => (at_ === root ? [controller] : []));
        return `umount -l ${root} && mount -t cgroup -o ${names.map((n) => (n.startsWith('name=') ? `none,${n}` : n)).join(',')} cgroup ${root}`;
      });
      if (facts.v2) remount.push(`umount -l ${facts.v2} && mount -t cgroup2 cgroup2 ${facts.v2}`);
      const script =
        `${enter.join('; ')}; exec unshare --mount --cgroup sh -ec '${remount.join('; ')}; cd ${inner}; exec node bin run ${id}'`.replace(
          'node bin',
          `${process.execPath} ${join(import.meta.dirname, '../../bin/minirun-runc')} --root ${join(folder, 'inner-state')}`,
        );
      const done = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
      expect(done.status, done.stderr).toBe(0);
      // In the namespace of the outer one the inner one lies below the root.
      expect(
        done.stdout
          .trim()
          .split('\n')
          .filter((line) => !line.endsWith(':/inner')),
      ).toEqual([]);
    });
  });

  describe('exec --cgroup', () => {
    it('into folders that the container has made', () => {
      const b = box(['sleep', '1000'], writable);
      const inside = ok(
        runc([
          'exec',
          b.id,
          'sh',
          '-c',
          'for d in $(find /sys/fs/cgroup -name cgroup.procs); do mkdir ${d%/*}/sub; done; ls /sys/fs/cgroup',
        ]),
      );
      expect(inside.err).toBe('');
      const where = (flags: string[]) =>
        ok(runc(['exec', ...flags, b.id, 'cat', '/proc/self/cgroup']))
          .out.trim()
          .split('\n');
      expect(where([]).filter((line) => !line.endsWith(':/'))).toEqual([]);
      expect(where(['--cgroup', '/']).filter((line) => !line.endsWith(':/'))).toEqual([]);
      const [controller] = Object.keys(b.paths.v1);
      if (controller) {
        const placed = where(['--cgroup', `${controller}:sub`]);
        expect(placed.filter((line) => line.endsWith('/sub'))).toHaveLength(1);
        expect(placed.find((line) => line.endsWith('/sub'))).toContain(controller);
      } else expect(where(['--cgroup', 'sub'])).toEqual(['0::/sub']);
    });
    it.skipIf(inVm)('what is refused (needs more time than a VM without hardware help has)', () => {
      const b = box(['sleep', '1000']);
      const said = (...flags: string[]) => {
        const { code, err } = runc(['exec', ...flags.flatMap((flag) => ['--cgroup', flag]), b.id, 'true']);
        expect(code).toBe(255);
        return err;
      };
      expect(said('..')).toContain(' .. is not a sub cgroup path');
      expect(said('nonexistent')).toMatch(/ adding pid .*\/nonexistent\/cgroup\.procs: no such file /);
      expect(said('whaaat:/')).toContain('unknown controller ');
      expect(said('a:b:c')).toContain('invalid --cgroup argument: a:b:c');
      expect(said('a', 'b')).toContain('missing <controller>: prefix');
    });
    it.skipIf(facts.mode !== 'v2')(
      'where init has moved and taken the controllers along, a command follows it (only where cgroup v2 has the controllers)',
      () => {
        const b = box(['sleep', '1000'], writable);
        const inside = (script: string) => ok(runc(['exec', b.id, 'sh', '-ec', script])).out.trim();
        inside('mkdir /sys/fs/cgroup/foo; echo 1 > /sys/fs/cgroup/foo/cgroup.procs');
        expect(inside('cat /proc/self/cgroup')).toBe('0::/');
        inside('echo $$ > /sys/fs/cgroup/foo/cgroup.procs; echo +memory > /sys/fs/cgroup/cgroup.subtree_control');
        expect(inside('cat /proc/self/cgroup')).toBe('0::/foo');
        expect(runc(['exec', '--cgroup', '/', b.id, 'true']).err).toMatch(
          / adding pid .* to cgroups.*\/cgroup\.procs: device or resource busy/,
        );
      },
    );
  });

  it.skipIf(facts.mode !== 'v2')(
    'root of a user namespace may share out its own cgroup, and not lift its limits (only where cgroup v2 has the controllers)',
    () => {
      const b = box(['sleep', '1000'], (config) => {
        writable(config);
        limited({ pids: { limit: 50 } })(config);
        config.linux?.namespaces?.push({ type: 'user' });
        const maps = [{ containerID: 0, hostID: 100000, size: 65536 }];
        config.linux = { ...config.linux, uidMappings: maps, gidMappings: maps };
      });
      const inside = (script: string) => runc(['exec', b.id, 'sh', '-c', script]).code;
      expect(inside('mkdir /sys/fs/cgroup/mine && echo $$ > /sys/fs/cgroup/mine/cgroup.procs')).toBe(0);
      expect(inside('echo 100 > /sys/fs/cgroup/pids.max')).not.toBe(0);
      expect(b.file('pids.max')).toBe('50');
    },
  );

  describe('limits that few ask for', () => {
    it('reach their files', () => {
      const b = box(
        ['sleep', '1000'],
        limited({ cpu: { idle: 1, quota: 50000, burst: 20000 }, memory: { limit: 64 << 20, reservation: 32 << 20, swappiness: 10 } }),
      );
      if (b.paths.v1.cpu) {
        if (existsSync(`${b.paths.v1.cpu}/cpu.idle`)) expect(b.file('cpu.idle')).toBe('1');
        if (existsSync(`${b.paths.v1.cpu}/cpu.cfs_burst_us`)) expect(b.file('cpu.cfs_burst_us')).toBe('20000');
        expect(b.file('memory.soft_limit_in_bytes')).toBe(String(32 << 20));
        expect(b.file('memory.swappiness')).toBe('10');
      } else {
        expect(b.file('cpu.idle')).toBe('1');
        expect(b.file('cpu.max.burst')).toBe('20000');
        expect(b.file('memory.low')).toBe(String(32 << 20));
      }
    });
    it.skipIf(facts.mode !== 'v2')('unified: files by name, over what the others say (only where cgroup v2 has the controllers)', () => {
      const b = box(
        ['sleep', '1000'],
        limited({ memory: { limit: 64 << 20 }, unified: { 'memory.max': '10485760', 'memory.high': '5242880', 'cpu.weight': '42' } }),
      );
      expect([b.file('memory.max'), b.file('memory.high'), b.file('cpu.weight')]).toEqual(['10485760', '5242880', '42']);
    });
    it.skipIf(facts.mode === 'v2')(
      'unified is refused where its controller is in a version 1 hierarchy (only where version 1 has a controller)',
      () => {
        const id = newId();
        const refused = runc(['run', '--detach', id], { cwd: bundle(id, ['true'], limited({ unified: { 'memory.min': '131072' } })) });
        expect(refused.code).toBe(1);
        expect(refused.err).toContain('invalid configuration');
      },
    );
  });
});

describe.skipIf(reason ?? (existsSync('/run/systemd/system') ? 'systemd runs here' : undefined))('where no systemd runs', () => {
  const folder = scratch('no-systemd');

  it('--systemd-cgroup is refused before anything is made', () => {
    const runc = runtimeIn(join(folder, 'state'));
    const id = newId();
    const config = bundleConfig(['true']);
    config.linux = { ...config.linux, cgroupsPath: 'machine.slice:test:one' };
    const refused = runc(['--systemd-cgroup', 'run', id], { cwd: writeBundle(join(folder, id), id, config) });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('systemd not running on this host, cannot use systemd cgroups manager');
    expect(JSON.parse(execFileSync('sh', ['-c', `ls ${join(folder, 'state')} 2>/dev/null | wc -l`], { encoding: 'utf8' }))).toBe(0);
  });
});
