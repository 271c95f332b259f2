/** The C and shell forms of a program are run, and what their container sees is held against minirun's own. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderC } from '../../src/explain/c.ts';
import { renderSh } from '../../src/explain/sh.ts';
import { compile } from '../../src/runc/compile/compile.ts';
import { probeHost } from '../../src/runc/host/probe.ts';
import type { Config, Linux, Process } from '../../src/runc/spec/config.ts';
import { newId, plainConfig, run } from './support/box.ts';

const BUSYBOX_BINARY = '/usr/bin/busybox';
const missing = [
  ...(process.getuid?.() === 0 ? [] : ['root']),
  ...(existsSync(BUSYBOX_BINARY) ? [] : ['a static busybox (apt install busybox-static)']),
  ...(spawnSync('cc', ['--version']).status === 0 ? [] : ['a C compiler (apt install gcc libc6-dev)']),
  ...(spawnSync('unshare', ['--version']).status === 0 ? [] : ['unshare (apt install util-linux)']),
];
if (missing.length) console.log(`explain-c: skipped, because it needs ${missing.join(' and ')}`);

let folder: string;
let rootfs: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-forms-'));
  // An ordinary user inside must be able to walk to it.
  chmodSync(folder, 0o755);
  rootfs = join(folder, 'a "root" of каталог');
  mkdirSync(join(rootfs, 'bin'), { recursive: true });
  mkdirSync(join(rootfs, 'etc'));
  if (missing.length) return;
  copyFileSync(BUSYBOX_BINARY, join(rootfs, 'bin/busybox'));
  for (const applet of ['sh', 'echo', 'hostname', 'id', 'cat', 'ls', 'mount', 'umount', 'readlink', 'grep', 'ps', 'ip'])
    symlinkSync('busybox', join(rootfs, 'bin', applet));
  writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\nann:x:1000:1000::/:/bin/sh\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LOOK = [
  'hostname',
  'echo "pid $$"',
  'id',
  'ls -a / /dev',
  'cat /proc/1/cgroup',
  'for n in /proc/self/ns/*; do readlink $n; done',
  'mount',
  'grep -E "^(Cap|NoNewPrivs|Seccomp):?" /proc/self/status',
  'grep -E "open files" /proc/self/limits',
  'ip link show lo | grep -o UP',
  'p=$(ps); echo "$p" | grep -c busybox',
  'ls /proc/self/fd',
  'echo x > /proc/sys/kernel/hostname || echo refused',
  'pwd',
].join('; ');

/** Namespaces have new numbers in each container; devices of the host may be named by any of its mounts. */
const comparable = (out: string): string => out.replace(/\[\d+\]/g, '[N]');

/** Runs the form in a process of its own. */
function runC(config: Config, id: string): { code: number | null; out: string; err: string } {
  const program = compile(config, probeHost(config), { id, bundle: '/' });
  const source = join(folder, `${id}.c`);
  const binary = join(folder, id);
  writeFileSync(source, renderC(program));
  execFileSync('cc', ['-Wall', '-Wextra', '-Werror', '-O2', '-o', binary, source], { stdio: 'pipe' });
  const done = spawnSync(binary, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  return { code: done.status, out: done.stdout, err: done.stderr };
}

function configFor(args: string[], change: (config: Config) => void = () => {}): { config: Config; id: string } {
  const id = newId();
  const config = plainConfig(args, id);
  config.root = { path: rootfs };
  config.hostname = 'teaching';
  (config.process as Process).env = ['PATH=/bin', 'WORD=a "quoted" $word'];
  (config.process as Process).rlimits = [{ type: 'RLIMIT_NOFILE', soft: 128, hard: 256 }];
  change(config);
  return { config, id };
}

/** Folders of cgroups that carry an id, anywhere. */
const cgroupsOf = (id: string): string[] =>
  readdirSync('/sys/fs/cgroup', { withFileTypes: true }).flatMap((d) => {
    const candidates = [join('/sys/fs/cgroup', d.name, 'minirun', id), join('/sys/fs/cgroup', 'minirun', id)];
    return candidates.filter((path) => existsSync(path));
  });

describe.skipIf(missing.length > 0)('a program as C', () => {
  it('makes the same container as minirun', async () => {
    const own = configFor(['sh', '-c', LOOK]);
    const ours = await run(own.config, { id: own.id });
    const c = configFor(['sh', '-c', LOOK]);
    const theirs = runC(c.config, c.id);
    expect(theirs.err).toBe(ours.err);
    expect(comparable(theirs.out)).toBe(comparable(ours.out));
    expect(theirs.code).toBe(0);
    expect(theirs.out).toMatch(/^teaching\npid 1\nuid=0/);
    expect(theirs.out).toContain('Seccomp:\t2');
    for (const namespace of ['mnt', 'pid', 'uts', 'ipc', 'net', 'cgroup']) {
      const host = readlinkSync(`/proc/self/ns/${namespace}`);
      expect(theirs.out).toContain(`${namespace}:[`);
      expect(theirs.out).not.toContain(host);
    }
    expect(cgroupsOf(c.id)).toEqual([]);
  });

  it('becomes an ordinary user, with mounts and limits of its own', async () => {
    mkdirSync(join(folder, 'shared "folder"'), { recursive: true });
    writeFileSync(join(folder, 'shared "folder"', 'note'), 'from outside\n');
    const change = (config: Config) => {
      (config.process as Process).user = { uid: 1000, gid: 1000, additionalGids: [10, 20] };
      (config.process as Process).noNewPrivileges = true;
      config.mounts?.push(
        { destination: '/data', type: 'bind', source: join(folder, 'shared "folder"'), options: ['rbind', 'ro'] },
        { destination: '/scratch', type: 'tmpfs', source: 'tmpfs', options: ['size=1m', 'mode=1777'] },
      );
      config.root = { path: rootfs, readonly: true };
      (config.linux as Linux).resources = { ...config.linux?.resources, pids: { limit: 20 }, memory: { limit: 64 << 20 } };
    };
    const look = `${LOOK}; cat /data/note; echo x > /data/note; echo x > /scratch/x; ls /scratch; echo x > /x; cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max; echo "$WORD"`;
    const own = configFor(['sh', '-c', look], change);
    const ours = await run(own.config, { id: own.id });
    const c = configFor(['sh', '-c', look], change);
    const theirs = runC(c.config, c.id);
    expect(theirs.err).toBe(ours.err);
    expect(comparable(theirs.out)).toBe(comparable(ours.out));
    expect(theirs.out).toContain('uid=1000(ann)');
    expect(theirs.out).toContain('from outside\n');
  });

  it('makes a user namespace', async () => {
    const change = (config: Config) => {
      (config.linux as Linux).namespaces?.push({ type: 'user' });
      (config.linux as Linux).uidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
      (config.linux as Linux).gidMappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
      config.mounts = config.mounts?.filter((m) => m.type !== 'mqueue');
    };
    const look = `${LOOK}; cat /proc/self/uid_map`;
    const own = configFor(['sh', '-c', look], change);
    const ours = await run(own.config, { id: own.id });
    const c = configFor(['sh', '-c', look], change);
    const theirs = runC(c.config, c.id);
    expect(theirs.err).toBe(ours.err);
    expect(comparable(theirs.out)).toBe(comparable(ours.out));
    expect(theirs.out).toContain('100000      65536');
    expect(theirs.out).not.toContain(readlinkSync('/proc/self/ns/user'));
  });

  it.each([
    ['its status', ['sh', '-c', 'exit 7'], 7],
    ['128 and the signal', ['sh', '-c', 'ulimit -t 1; while :; do :; done'], 128 + 9],
    ['127 where there is no such command', ['no-such-command'], 127],
    ['126 where it cannot be executed', ['/etc/passwd'], 126],
  ])('ends with %s', (_, args, code) => {
    const { config, id } = configFor(args);
    expect(runC(config, id).code).toBe(code);
    expect(cgroupsOf(id)).toEqual([]);
  });

  it('stops at a step that fails, says which, and leaves nothing', () => {
    const { config, id } = configFor(['sh'], (c) => {
      c.mounts?.push({ destination: '/x', type: 'no-such-file-system', source: 'none' });
    });
    const failed = runC(config, id);
    expect(failed.code).toBe(125);
    expect(failed.err).toMatch(/^step \d+, mount by init: No such device\n$/);
    expect(cgroupsOf(id)).toEqual([]);
  });
});

describe.skipIf(missing.length > 0)('a program as a shell script', () => {
  const runSh = (config: Config, id: string) => {
    const script = join(folder, `${id}.sh`);
    writeFileSync(script, renderSh(compile(config, probeHost(config), { id, bundle: '/' })));
    return spawnSync('sh', [script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  };

  it('makes nearly the same container', async () => {
    const look =
      'hostname; echo "pid $$"; id -u; ls -a / /dev; cat /proc/1/cgroup; ip link show lo | grep -o UP; p=$(ps); echo "$p" | grep -c busybox; ulimit -n; echo "$WORD"; exit 5';
    const own = configFor(['sh', '-c', look]);
    const ours = await run(own.config, { id: own.id });
    const sh = configFor(['sh', '-c', look]);
    const theirs = runSh(sh.config, sh.id);
    expect(theirs.stderr).toBe('no setpriv of util-linux in this rootfs: the command keeps more privileges than minirun would leave it\n');
    expect(theirs.stdout).toBe(ours.out);
    expect(theirs.stdout).toMatch(/^teaching\npid 1\n0\n/);
    expect(theirs.status).toBe(5);
    expect(cgroupsOf(sh.id)).toEqual([]);
    expect(readdirSync(rootfs)).not.toContain('.old-root');
  });

  it('refuses to run as another user than asked for', () => {
    const { config, id } = configFor(['id'], (c) => {
      (c.process as Process).user = { uid: 1000, gid: 1000 };
    });
    const refused = runSh(config, id);
    expect(refused.status).toBe(125);
    expect(refused.stdout).toBe('');
    expect(refused.stderr).toContain('cannot become the user');
  });
});
