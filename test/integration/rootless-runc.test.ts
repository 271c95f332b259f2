/** minirun-runc for an ordinary user, and for root of a user namespace only, as rootless engines call it. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { BUSYBOX, ORDINARY, scratch, skipReason } from './support/minirun.ts';
import { leaveNothing, MINIRUN_RUNC, type Runtime, runtimeIn } from './support/runtime.ts';
import { tracesOf } from './support/traces.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`rootless-runc: skipped, ${reason}`);

/** No capability, no group, nothing of root's. */
const AS_USER = [
  'setpriv',
  '--reuid',
  String(ORDINARY),
  '--regid',
  String(ORDINARY),
  '--clear-groups',
  '--inh-caps',
  '-all',
  '--bounding-set',
  '-all',
];

describe.skipIf(reason)('an ordinary user', () => {
  const folder = scratch('rootless-runc');
  const rootfs = join(folder, 'rootfs');
  const user = (...before: string[]): Runtime => runtimeIn(join(folder, 'state'), [...AS_USER, ...before, MINIRUN_RUNC]);
  const runtime = user();
  leaveNothing(runtime);
  beforeAll(() => {
    spawnSync('cp', ['-a', BUSYBOX, rootfs]);
    spawnSync('chown', ['-R', `${ORDINARY}:${ORDINARY}`, rootfs]);
  });

  /** A bundle made by `spec --rootless`, changed. */
  function bundleOf(id: string, args: string[], change: (config: Config) => void = () => {}, spec = ['spec', '--rootless']): string {
    const bundle = join(folder, id);
    mkdirSync(bundle, { mode: 0o777 });
    spawnSync('chmod', ['777', bundle]);
    expect(runtime(spec, { cwd: bundle })).toMatchObject({ code: 0, err: '' });
    const path = join(bundle, 'config.json');
    const config = JSON.parse(readFileSync(path, 'utf8')) as Config;
    if (config.process) Object.assign(config.process, { terminal: false, args });
    config.root = { path: rootfs, readonly: false };
    change(config);
    writeFileSync(path, JSON.stringify(config));
    return bundle;
  }

  /** A whole life, as an engine leads it. */
  function live(r: Runtime, id: string, bundle: string): void {
    expect(r(['create', '--bundle', bundle, '--pid-file', join(bundle, 'pid'), id])).toMatchObject({ code: 0, err: '' });
    const state = () => JSON.parse(r(['state', id]).out) as { status: string; pid: number };
    expect(readFileSync(join(bundle, 'pid'), 'utf8')).toBe(String(state().pid));
    expect(state().status).toBe('created');
    expect(r(['start', id])).toMatchObject({ code: 0, err: '' });
    expect(state().status).toBe('running');
    expect(r(['start', id]).err).toMatch(/cannot start an already running container/);
    expect(r(['exec', id, 'sh', '-c', 'id -u; echo $$ | wc -l; grep -c sleep /proc/1/cmdline'])).toMatchObject({
      code: 0,
      out: '0\n1\n1\n',
      err: '',
    });
    expect(r(['exec', '--cwd', '/tmp', '--env', 'A=b', id, 'sh', '-c', 'pwd; echo $A; exit 9'])).toMatchObject({
      code: 9,
      out: '/tmp\nb\n',
    });
    expect(r(['delete', id]).err).toMatch(/that is not stopped: running/);
    expect(r(['list', '-q']).out).toBe(`${id}\n`);
    expect(r(['kill', id, 'KILL'])).toMatchObject({ code: 0, err: '' });
    for (let i = 0; i < 100 && state().status !== 'stopped'; i++);
    expect(state()).toMatchObject({ status: 'stopped', pid: 0 });
    expect(r(['delete', id])).toMatchObject({ code: 0, err: '' });
    expect(r(['delete', '--force', id])).toMatchObject({ code: 0, err: '' });
    expect(tracesOf(id)).toEqual([]);
    // Killed in the middle: delete --force has the rest.
    expect(r(['run', '-d', '--bundle', bundle, id])).toMatchObject({ code: 0, err: '' });
    expect(r(['delete', '--force', id])).toMatchObject({ code: 0, err: '' });
    expect(r(['list', '-q']).out).toBe('');
  }

  it('with spec --rootless and one id', () => {
    const id = newId();
    const bundle = bundleOf(id, ['sleep', '60']);
    live(runtime, id, bundle);
    const other = newId();
    const run = runtime([
      'run',
      '--bundle',
      bundleOf(other, ['sh', '-c', 'id -u; cat /proc/self/uid_map; cat /proc/self/setgroups; touch /made; exit 4']),
      other,
    ]);
    expect(run.code).toBe(4);
    expect(run.out.replace(/ +/g, ' ')).toBe(`0\n 0 ${ORDINARY} 1\ndeny\n`);
    expect(spawnSync('stat', ['-c', '%u', join(rootfs, 'made')], { encoding: 'utf8' }).stdout).toBe(`${ORDINARY}\n`);
  });

  it('what needs privileges is refused with a reason, before anything is made', () => {
    for (const [change, words] of [
      [
        (c: Config) =>
          void (c.linux = {
            ...c.linux,
            namespaces: c.linux?.namespaces?.filter((n) => n.type !== 'user') ?? [],
            uidMappings: undefined,
            gidMappings: undefined,
          } as Config['linux']),
        /user namespace|EPERM|permitted/i,
      ],
      [(c: Config) => void (c.linux = { ...c.linux, uidMappings: [{ containerID: 0, hostID: 0, size: 1 }] }), /uid|newuidmap|EPERM/i],
    ] as const) {
      const id = newId();
      const answer = runtime(['run', '--bundle', bundleOf(id, ['true'], change), id]);
      expect(answer.code, answer.out).toBe(1);
      expect(answer.err).toMatch(words);
      expect(runtime(['list', '-q']).out).toBe('');
    }
  });

  it('the folder of states of somebody else is not used', () => {
    const theirs = join(folder, 'theirs');
    mkdirSync(theirs, { mode: 0o777 });
    spawnSync('chmod', ['777', theirs]);
    const id = newId();
    const other = runtimeIn(theirs, [...AS_USER, MINIRUN_RUNC]);
    const answer = other(['create', '--bundle', bundleOf(id, ['true']), id]);
    expect(answer.code).toBe(1);
    expect(answer.err).toMatch(/belongs to user 0/);
  });

  describe('and cgroups', () => {
    const delegated =
      spawnSync('sh', ['-c', `setpriv --reuid ${ORDINARY} --clear-groups test -w /sys/fs/cgroup/cgroup.procs`]).status === 0;

    it('--rootless auto goes on without what may not be made, false does not', () => {
      const id = newId();
      const bundle = bundleOf(id, ['cat', '/proc/self/cgroup']);
      for (const value of ['auto', 'true'])
        expect(runtime(['--rootless', value, 'run', '--bundle', bundle, id]), value).toMatchObject({ code: 0, err: '' });
      expect(runtime(['--rootless=maybe', 'run', '--bundle', bundle, id]).code).toBe(1);
      if (delegated) return;
      const strict = runtime(['--rootless', 'false', 'run', '--bundle', bundle, id]);
      expect(strict.code).toBe(1);
      expect(strict.err).toMatch(/cgroup.*(EACCES|permission denied)/i);
    });

    it('a limit that cannot be set is refused', () => {
      if (delegated) return console.log('rootless-runc: limits are delegated here, their refusal is not tested');
      const id = newId();
      const bundle = bundleOf(id, ['true'], (config) => {
        config.linux = { ...config.linux, resources: { memory: { limit: 64 << 20 } } };
      });
      const answer = runtime(['run', '--bundle', bundle, id]);
      expect(answer.code).toBe(1);
      expect(answer.err).toMatch(/cgroup/);
    });
  });

  describe('as root of a user namespace', () => {
    const inside = (...unshare: string[]) =>
      runtimeIn(join(folder, `state-${unshare.length}`), [...AS_USER, 'unshare', ...unshare, MINIRUN_RUNC]);

    it('with one id: a container in the same user namespace', () => {
      // Each call in a user namespace of its own would not see the others' processes: one shell makes all calls.
      const id = newId();
      const bundle = bundleOf(id, ['sleep', '60'], (config) => {
        config.linux = { ...config.linux, namespaces: config.linux?.namespaces?.filter((n) => n.type !== 'user') ?? [] };
        delete config.linux.uidMappings;
        delete config.linux.gidMappings;
      });
      const root = join(folder, 'state-script');
      const command = `${process.execPath} ${MINIRUN_RUNC} --root ${root}`;
      const script = `set -e; id -u
        ${command} create --bundle ${bundle} ${id}; ${command} start ${id}
        ${command} exec ${id} sh -c 'id -u; readlink /proc/self/ns/user'; readlink /proc/self/ns/user
        ${command} state ${id} | grep '"status"'; ${command} ps -f json ${id} >/dev/null
        ${command} kill ${id} 9; sleep 0.3; ${command} delete ${id}; ${command} delete --force ${id}; ${command} list -q`;
      const [program = '', ...before] = AS_USER;
      const done = spawnSync(program, [...before, 'unshare', '-Ur', 'sh', '-c', script], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      expect(done.stderr).toBe('');
      expect(done.stdout.replace(/user:\[\d+\]/g, 'ns')).toBe('0\n0\nns\nns\n  "status": "running",\n');
      const [first, second] = done.stdout.match(/user:\[\d+\]/g) ?? [];
      expect(first).toBe(second);
      expect(tracesOf(id)).toEqual([]);
    });

    it('with one id: a container in a user namespace below it', () => {
      const id = newId();
      const bundle = bundleOf(id, ['sh', '-c', 'id -u; cat /proc/self/uid_map'], (config) => {
        config.linux = {
          ...config.linux,
          uidMappings: [{ containerID: 0, hostID: 0, size: 1 }],
          gidMappings: [{ containerID: 0, hostID: 0, size: 1 }],
        };
      });
      const answer = inside('-Urm')(['run', '--bundle', bundle, id]);
      expect(answer.err).toBe('');
      expect(answer.out.replace(/ +/g, ' ')).toBe('0\n 0 0 1\n');
    });
  });

  describe.skipIf(skipReason({ program: 'newuidmap' }))('with ranges of ids', () => {
    const files = ['/etc/subuid', '/etc/subgid', '/etc/passwd'];
    const saved = (file: string) => join(folder, file.replaceAll('/', '_'));
    beforeAll(() => {
      // newuidmap looks its caller up by name and in these files: they are put back afterwards.
      for (const file of files) if (existsSync(file)) copyFileSync(file, saved(file));
      appendFileSync('/etc/passwd', `minirun-runc-test:x:${ORDINARY}:${ORDINARY}::/tmp:/bin/sh\n`);
      for (const file of files.slice(0, 2)) appendFileSync(file, 'minirun-runc-test:800000:65536\n');
    });
    afterAll(() => {
      for (const file of files) {
        if (existsSync(saved(file))) writeFileSync(file, readFileSync(saved(file)));
        else rmSync(file, { force: true });
      }
    });
    // newuidmap has a capability of its own: the bounding set must keep it.
    const capable = runtimeIn(join(folder, 'state'), [...AS_USER.slice(0, 6), MINIRUN_RUNC]);
    const ranges = (config: Config) => {
      const map = (own: number) => [
        { containerID: 0, hostID: own, size: 1 },
        { containerID: 1, hostID: 800000, size: 65536 },
      ];
      config.linux = { ...config.linux, uidMappings: map(ORDINARY), gidMappings: map(ORDINARY) };
    };

    it('newuidmap and newgidmap map them', () => {
      const id = newId();
      live(capable, id, bundleOf(id, ['sleep', '60'], ranges));
      const other = newId();
      const bundle = bundleOf(other, ['sh', '-c', 'id -G; touch /tmp/f; chown 1000:1001 /tmp/f; stat -c %u:%g /tmp/f'], (config) => {
        ranges(config);
        if (config.process) {
          config.process.user.additionalGids = [7];
          config.process.capabilities = { bounding: ['CAP_CHOWN'], effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'] };
        }
      });
      expect(capable(['run', '--bundle', bundle, other])).toMatchObject({ code: 0, out: '0 7\n1000:1001\n', err: '' });
      expect(spawnSync('stat', ['-c', '%u:%g', join(rootfs, 'tmp/f')], { encoding: 'utf8' }).stdout).toBe('800999:801000\n');
    });

    it("a range that is not the caller's is refused by them, in their words", () => {
      const id = newId();
      const bundle = bundleOf(id, ['true'], (config) => {
        ranges(config);
        (config.linux?.uidMappings ?? [])[1] = { containerID: 1, hostID: 1, size: 1000 };
      });
      const answer = capable(['run', '--bundle', bundle, id]);
      expect(answer.code).toBe(1);
      expect(answer.err).toMatch(/newuidmap.*not allowed|uid range/);
      expect(capable(['list', '-q']).out).toBe('');
    });
  });
});
