/** checkpoint and restore, with a real criu where the machine has one that fits its kernel, and with false ones. */
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { call, closeFd, pipe } from '../../src/libc/fd.ts';
import { startTime, waitReadable } from '../../src/libc/process.ts';
import { receiveMessage } from '../../src/libc/unix-message.ts';
import { listenAt } from '../../src/libc/unix-socket.ts';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { type Answer, BUSYBOX, scratch, skipReason, until } from './support/minirun.ts';
import { bundleConfig, type CallOptions, MINIRUN_RUNC, runtimeIn, writeBundle } from './support/runtime.ts';
import { tracesOf } from './support/traces.ts';

const CRIU = process.env.MINIRUN_TEST_CRIU ?? 'criu';
const PATIENCE_MS = 20_000 * Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`checkpoint: skipped, ${reason}`);

/** `criu check` says on its standard error what is missing, or nothing at all and fails. */
function criuReason(): string | undefined {
  const missing = reason ?? skipReason({ program: CRIU });
  if (missing) return `${missing} (package criu; MINIRUN_TEST_CRIU names another one)`;
  const check = spawnSync(CRIU, ['check'], { encoding: 'utf8' });
  if (check.status === 0) return undefined;
  const version = /Version: (\S+)/.exec(spawnSync(CRIU, ['--version'], { encoding: 'utf8' }).stdout)?.[1] ?? '?';
  const release = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  return `criu ${version} does not work on Linux ${release} (criu check); test/vm/run has a kernel that it fits, MINIRUN_TEST_CRIU may name a newer one`;
}
const noCriu = criuReason();
const hasFeature = (name: string): boolean => !noCriu && spawnSync(CRIU, ['check', '--feature', name]).status === 0;

/** Counts in a variable of the shell: only its memory knows how far it is. */
const COUNT = ['sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i >> /out/count; sleep 0.05; done'];

const folder = scratch('checkpoint');
const root = join(folder, 'state');
const runtime = runtimeIn(root);
const ids: string[] = [];

afterEach(() => {
  for (const id of ids.splice(0)) {
    runtime(['delete', '--force', id]);
    expect(tracesOf(id)).toEqual([]);
  }
});

interface Box {
  id: string;
  bundle: string;
  /** The number that the container has written last. */
  count(): number;
  checkpoint(...options: string[]): Answer;
  restore(...options: string[]): Answer;
  pid(): number;
}

const newBoxId = (): string => {
  const id = newId();
  ids.push(id);
  return id;
};

/** A bundle whose command sees the folder `out` of it at /out. */
function box(args: string[] = COUNT, change: (config: Config, bundle: string) => void = () => {}): Box {
  const id = newBoxId();
  const bundle = join(folder, id);
  mkdirSync(join(bundle, 'out'), { recursive: true });
  const config = bundleConfig(args);
  config.mounts = [...(config.mounts ?? []), { destination: '/out', type: 'bind', source: 'out', options: ['bind'] }];
  change(config, bundle);
  writeBundle(bundle, id, config);
  const file = join(bundle, 'out/count');
  const criu = (words: string[], options: CallOptions = {}) => runtime(['--criu', CRIU, ...words], { cwd: bundle, ...options });
  return {
    id,
    bundle,
    count: () => (existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n').at(-2) ?? 0) : 0),
    checkpoint: (...options) => criu(['checkpoint', '--work-path', 'work', ...options, id]),
    restore: (...options) => criu(['restore', '--detach', '--work-path', 'work', ...options, id]),
    pid: () => (JSON.parse(runtime(['state', id]).out) as { pid: number }).pid,
  };
}

const DONE = { code: 0, signal: null, out: '', err: '' };
const statusOf = (id: string): string => {
  const { code, out } = runtime(['state', id]);
  return code === 0 ? (JSON.parse(out) as { status: string }).status : 'none';
};

async function running(b: Box): Promise<number> {
  expect(runtime(['run', '--detach', '--bundle', b.bundle, b.id])).toEqual(DONE);
  await until('it counts', () => b.count() > 2);
  return b.count();
}

/** What the container sees: its mounts without their numbers, its rights, limits, names. */
function viewOf(pid: number): Record<string, unknown> {
  const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8');
  const mounts = read('mountinfo')
    .split('\n')
    .map((line) => line.replace(/^\d+ \d+ \d+:\d+ /, '').replace(/(shared|master):\d+ /g, ''));
  const visit = (kind: string, ...words: string[]) =>
    spawnSync('nsenter', ['--target', String(pid), kind, ...words], { encoding: 'utf8' }).stdout;
  return {
    mounts: mounts.sort(),
    rights: read('status').match(/^(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp):.*/gm),
    limits: read('limits'),
    cgroups: read('cgroup'),
    oom: read('oom_score_adj'),
    links: visit('--net', 'ip', '-o', 'addr'),
    hostname: visit('--uts', 'hostname'),
    environment: read('environ'),
  };
}

describe.skipIf(reason)('without a criu that works', () => {
  const script = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  };

  it('says what to install, and the container goes on', async () => {
    const b = box();
    await running(b);
    const { code, err } = runtime(['--criu', 'criu-that-is-not-there', 'checkpoint', b.id], { cwd: b.bundle });
    expect(code).toBe(1);
    expect(err).toMatch(/criu-that-is-not-there.*install the package criu, or .*--criu/);
    expect(statusOf(b.id)).toBe('running');
  });

  it('refuses containers that do not run, and paths that cannot be, before criu is asked', () => {
    const b = box(['sleep', '60']);
    const none = script('none', 'echo asked > asked');
    const ask = (...words: string[]) => runtime(['--criu', none, ...words], { cwd: b.bundle }).err;
    expect(ask('checkpoint', b.id)).toMatch(/container does not exist/);
    expect(runtime(['create', '--bundle', b.bundle, b.id])).toEqual(DONE);
    expect(ask('checkpoint', b.id)).toMatch(/Container cannot be checkpointed in created state/);
    expect(runtime(['start', b.id])).toEqual(DONE);
    expect(ask('checkpoint', '--parent-path', '/abs', b.id)).toMatch(/--parent-path must be relative/);
    expect(ask('checkpoint', '--parent-path', '../none', b.id)).toMatch(/invalid --parent-path: .*no such directory/);
    expect(ask('checkpoint', '--page-server', 'nonsense', b.id)).toMatch(/--page-server ADDRESS:PORT/);
    expect(ask('checkpoint', '--empty-ns', 'ipc', b.id)).toMatch(/ipc.* is not supported/);
    expect(ask('checkpoint', '--manage-cgroups-mode', 'odd', b.id)).toMatch(/invalid manage cgroups mode .*odd/);
    expect(ask('checkpoint', '--status-fd', '77', b.id)).toMatch(/invalid --status-fd argument 77/);
    expect(existsSync(join(b.bundle, 'asked'))).toBe(false);
    const other = newBoxId();
    expect(ask('restore', '--detach', other)).toMatch(/no checkpoint in .*checkpoint: .*--image-path/);
    expect(statusOf(other)).toBe('none');
  });

  it('leaves nothing of a restore that fails, and a container that cannot be saved goes on', async () => {
    const b = box();
    await running(b);
    const dead = script('dead', 'exit 3');
    const failed = runtime(['--criu', dead, 'checkpoint', b.id], { cwd: b.bundle });
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.err).toMatch(/criu failed: type DUMP errno 0, it ended without an answer/);
    expect(statusOf(b.id)).toBe('running');
    const other = newBoxId();
    const again = runtime([
      '--criu',
      dead,
      'restore',
      '--detach',
      '--image-path',
      join(b.bundle, 'checkpoint'),
      '--bundle',
      b.bundle,
      other,
    ]);
    expect(again.code).toBe(1);
    // The bundle's cgroup is in use by the container that goes on.
    expect(again.err).toMatch(/cgroup/);
    expect(runtime(['delete', '--force', b.id])).toEqual(DONE);
    const third = runtime([
      '--criu',
      dead,
      'restore',
      '--detach',
      '--image-path',
      join(b.bundle, 'checkpoint'),
      '--bundle',
      b.bundle,
      b.id,
    ]);
    expect(third.err).toMatch(/runc restore failed: criu failed: type RESTORE errno 0/);
    expect(statusOf(b.id)).toBe('none');
    expect(tracesOf(b.id)).toEqual([]);
  });

  it('leaves nothing when the runtime is killed while criu works', async () => {
    const b = box();
    mkdirSync(join(b.bundle, 'checkpoint'));
    writeFileSync(join(b.bundle, 'checkpoint/descriptors.json'), '["/dev/null","/dev/null","/dev/null"]');
    const slow = script('slow', `echo $$ > ${b.bundle}/started; exec sleep 1000`);
    const { child, answer } = runtime.start(['--criu', slow, 'restore', '--detach', b.id], { cwd: b.bundle });
    await until('criu is there', () => existsSync(join(b.bundle, 'started')));
    const criu = readFileSync(join(b.bundle, 'started'), 'utf8').trim();
    const seen = readFileSync(`/proc/${criu}/mountinfo`, 'utf8');
    expect(seen).toContain(b.id); // criu has a mount that the host has not
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(b.id);
    child.kill('SIGKILL');
    await answer;
    expect(runtime(['delete', '--force', b.id])).toEqual(DONE);
    expect(tracesOf(b.id)).toEqual([]);
    expect(startTime(Number(criu))).toBeUndefined();
  });
});

describe('with criu', () => {
  beforeEach((context) => {
    if (noCriu) context.skip(noCriu);
  });

  it('a container goes on where it was, and looks as before', async () => {
    const b = box();
    await running(b);
    const before = viewOf(b.pid());
    expect(b.checkpoint()).toEqual(DONE);
    expect(statusOf(b.id)).toBe('none');
    expect(tracesOf(b.id)).toEqual([]);
    const saved = b.count();
    const pidFile = join(b.bundle, 'pid');
    expect(b.restore('--pid-file', pidFile)).toEqual(DONE);
    expect(statusOf(b.id)).toBe('running');
    expect(readFileSync(pidFile, 'utf8')).toBe(String(b.pid()));
    await until('it counts', () => b.count() !== saved);
    const numbers = readFileSync(join(b.bundle, 'out/count'), 'utf8').trimEnd().split('\n').map(Number);
    expect(numbers).toEqual(numbers.map((_, i) => i + 1)); // as if nothing had been
    expect(viewOf(b.pid())).toEqual(before);
    expect(runtime(['exec', b.id, 'echo', 'here'])).toMatchObject({ code: 0, out: 'here\n' });
    // And once more.
    expect(b.checkpoint()).toEqual(DONE);
    expect(b.restore()).toEqual(DONE);
    expect(statusOf(b.id)).toBe('running');
  });

  it('nobody else may read an image', async () => {
    const b = box();
    await running(b);
    expect(b.checkpoint('--image-path', 'deep/image')).toEqual(DONE);
    const open = spawnSync('find', [join(b.bundle, 'deep'), join(b.bundle, 'work'), '-maxdepth', '0', '-perm', '/077'], {
      encoding: 'utf8',
    });
    expect(open.stdout).toBe('');
  });

  it('--leave-running lets it go on; the copy can get another id and other cgroups', async () => {
    // It writes nothing: a file that changes after the checkpoint would not fit the image any more.
    const b = box(['sh', '-c', 'while :; do sleep 0.1; done']);
    expect(runtime(['run', '--detach', '--bundle', b.bundle, b.id])).toEqual(DONE);
    expect(b.checkpoint('--leave-running')).toEqual(DONE);
    expect(statusOf(b.id)).toBe('running');
    expect(runtime(['exec', b.id, 'true'])).toEqual(DONE);
    expect(runtime(['kill', b.id, 'KILL'])).toEqual(DONE);
    await until('it has ended', () => statusOf(b.id) === 'stopped');
    expect(runtime(['delete', b.id])).toEqual(DONE);
    const id = newBoxId();
    const config = JSON.parse(readFileSync(join(b.bundle, 'config.json'), 'utf8')) as Config;
    writeBundle(b.bundle, id, { ...config, linux: { ...config.linux, cgroupsPath: `/minirun/${id}` } });
    expect(runtime(['--criu', CRIU, 'restore', '--detach', id], { cwd: b.bundle })).toEqual(DONE);
    const pid = (JSON.parse(runtime(['state', id]).out) as { pid: number }).pid;
    expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).toContain(`/minirun/${id}`);
    expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).not.toContain(b.id);
  });

  it('pipes of the old container become those of the new one, and restore in the foreground returns its exit code', async () => {
    const b = box(['sh', '-c', 'echo ready; read line; echo "got $line"; echo end >&2; exit 7']);
    const [, oldIn] = [0, pipe()];
    const oldOut = pipe();
    const started = spawn(MINIRUN_RUNC, ['--root', root, 'run', '--detach', '--bundle', b.bundle, b.id], {
      stdio: [oldIn[0], oldOut[1], oldOut[1]],
    });
    expect(await new Promise((resolve) => started.on('exit', resolve))).toBe(0);
    const bytes = Buffer.alloc(100);
    expect(bytes.toString('utf8', 0, readSync(oldOut[0], bytes))).toBe('ready\n');
    expect(b.checkpoint()).toEqual(DONE);
    for (const fd of [...oldIn, ...oldOut]) closeSync(fd);
    const [input, out] = [pipe(), pipe()];
    const child = spawn(MINIRUN_RUNC, ['--root', root, '--criu', CRIU, 'restore', b.id], {
      cwd: b.bundle,
      stdio: [input[0], out[1], out[1]],
    });
    closeSync(out[1]);
    writeSync(input[1], 'words\n');
    expect(await new Promise((resolve) => child.on('exit', resolve))).toBe(7);
    expect(bytes.toString('utf8', 0, readSync(out[0], bytes))).toBe('got words\nend\n');
    expect(statusOf(b.id)).toBe('none');
    for (const fd of [...input, out[0]]) closeSync(fd);
  });

  it('a terminal comes back through a new console socket', async () => {
    const b = box(['sh'], (config) => Object.assign(config.process ?? {}, { terminal: true }));
    const path = join(b.bundle, 'console');
    const listener = listenAt(path, 'stream');
    const master = async (words: string[]): Promise<number> => {
      const { answer } = runtime.start([...words, '--detach', '--console-socket', path, b.id], { cwd: b.bundle });
      expect(waitReadable(listener, PATIENCE_MS)).toBe(true);
      const connection = call('accept4', listener, 0, 0, 0);
      expect(waitReadable(connection, PATIENCE_MS)).toBe(true);
      const { descriptors } = receiveMessage(connection, 4096);
      closeFd(connection);
      expect(await answer).toEqual(DONE);
      return descriptors[0] as number;
    };
    const say = async (terminal: number, text: string, wanted: string): Promise<void> => {
      writeSync(terminal, text);
      let heard = '';
      const bytes = Buffer.alloc(1000);
      while (!heard.includes(wanted)) {
        if (!waitReadable(terminal, PATIENCE_MS)) throw new Error(`heard only ${JSON.stringify(heard)}`);
        heard += bytes.toString('utf8', 0, readSync(terminal, bytes));
      }
    };
    const first = await master(['run']);
    await say(first, 'kept=$((6*7)); echo set-$kept\n', 'set-42');
    expect(b.checkpoint()).toEqual(DONE);
    closeSync(first);
    const second = await master(['--criu', CRIU, 'restore']);
    await say(second, 'echo still-$kept\n', 'still-42');
    closeSync(second);
    closeFd(listener);
  });

  it('bind mounts, also in each other, at links, and recursive ones, and the host sees no mount of it', async () => {
    const shared = join(folder, newId());
    mkdirSync(join(shared, 'below'), { recursive: true });
    mkdirSync(join(shared, 'empty'));
    symlinkSync('/real/place', join(BUSYBOX, `link-${ids.length}`));
    const b = box(COUNT, (config, bundle) => {
      writeFileSync(join(bundle, 'file'), 'a file');
      config.mounts?.push(
        { destination: `/link-${ids.length - 1}`, type: 'bind', source: 'out', options: ['bind', 'ro'] },
        { destination: '/tree', type: 'none', source: shared, options: ['rbind'] },
        { destination: '/tree/empty/made', type: 'none', source: 'file', options: ['bind'] },
      );
    });
    expect(spawnSync('mount', ['-t', 'tmpfs', 'minirun-test', join(shared, 'below')]).status).toBe(0);
    try {
      writeFileSync(join(shared, 'below/inside'), 'inside');
      await running(b);
      const before = viewOf(b.pid());
      expect(b.checkpoint()).toEqual(DONE);
      rmSync(join(shared, 'empty/made')); // the place of a mount, made when the container was: it is made again
      expect(b.restore()).toEqual(DONE);
      expect(viewOf(b.pid())).toEqual(before);
      expect(runtime(['exec', b.id, 'cat', '/tree/below/inside', '/tree/empty/made']).out).toBe('insidea file');
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(b.id);
    } finally {
      runtime(['delete', '--force', b.id]);
      spawnSync('umount', [join(shared, 'below')]);
    }
  });

  it('a cgroup namespace, and a user namespace', async () => {
    const b = box(COUNT, (config) => {
      const map = [{ containerID: 0, hostID: 0, size: 65536 }];
      config.linux = {
        ...config.linux,
        uidMappings: map,
        gidMappings: map,
        namespaces: [...(config.linux?.namespaces ?? []), { type: 'cgroup' }, { type: 'user' }],
      };
    });
    await running(b);
    const before = viewOf(b.pid());
    expect(b.checkpoint()).toEqual(DONE);
    expect(b.restore()).toEqual(DONE);
    expect(viewOf(b.pid())).toEqual(before);
  });

  it('a network namespace that is named is joined again; without it the error says so', async () => {
    const name = `minirun-${newId().slice(0, 8)}`;
    expect(spawnSync('ip', ['netns', 'add', name]).status).toBe(0);
    try {
      const path = `/run/netns/${name}`;
      const b = box(COUNT, (config) => {
        config.linux = {
          ...config.linux,
          namespaces: [...(config.linux?.namespaces ?? []).filter((n) => n.type !== 'network'), { type: 'network', path }],
        };
      });
      await running(b);
      const before = readlinkSync(`/proc/${b.pid()}/ns/net`);
      expect(b.checkpoint()).toEqual(DONE);
      expect(b.restore()).toEqual(DONE);
      expect(readlinkSync(`/proc/${b.pid()}/ns/net`)).toBe(before);
      expect(b.checkpoint()).toEqual(DONE);
      spawnSync('ip', ['netns', 'delete', name]);
      const { code, err } = b.restore();
      expect(code).toBe(1);
      expect(err).toMatch(new RegExp(`network namespace ${path} .*does not exist`));
      expect(statusOf(b.id)).toBe('none');
    } finally {
      spawnSync('ip', ['netns', 'delete', name]);
    }
  });

  it('hooks: prestart and createRuntime at the restore, poststop when it is taken away', async () => {
    const b = box(COUNT, (config, bundle) => {
      const hook = (name: string) => [{ path: '/bin/sh', args: ['sh', '-c', `cat > ${bundle}/hook-${name}`] }];
      config.hooks = { prestart: hook('prestart'), createRuntime: hook('createRuntime'), poststop: hook('poststop') };
    });
    const hooks = () =>
      readdirSync(b.bundle)
        .filter((name) => name.startsWith('hook-'))
        .sort();
    await running(b);
    for (const name of hooks()) rmSync(join(b.bundle, name));
    expect(b.checkpoint()).toEqual(DONE);
    expect(hooks()).toEqual(['hook-poststop']);
    expect(b.restore()).toEqual(DONE);
    expect(hooks()).toEqual(['hook-createRuntime', 'hook-poststop', 'hook-prestart']);
    expect(JSON.parse(readFileSync(join(b.bundle, 'hook-prestart'), 'utf8'))).toMatchObject({ id: b.id, pid: b.pid() });
  });

  it('a hook that fails ends the restore, and nothing is left', async () => {
    const b = box();
    await running(b);
    expect(b.checkpoint()).toEqual(DONE);
    const config = JSON.parse(readFileSync(join(b.bundle, 'config.json'), 'utf8')) as Config;
    writeBundle(b.bundle, b.id, { ...config, hooks: { prestart: [{ path: '/bin/false' }] } });
    const { code, err } = b.restore();
    expect(code).toBe(1);
    expect(err).toMatch(/prestart.*exit status 1/);
    expect(statusOf(b.id)).toBe('none');
    expect(tracesOf(b.id)).toEqual([]);
  });

  it('a read-only image from scratch, which has no /tmp', async () => {
    const b = box(COUNT, (config, bundle) => {
      const rootfs = join(bundle, 'rootfs');
      expect(spawnSync('cp', ['-a', BUSYBOX, rootfs]).status).toBe(0);
      rmSync(join(rootfs, 'tmp'), { recursive: true });
      config.root = { path: 'rootfs', readonly: true };
      config.mounts = config.mounts?.filter((m) => m.destination !== '/tmp') ?? [];
      mkdirSync(join(rootfs, 'out'), { recursive: true });
    });
    await running(b);
    expect(b.checkpoint()).toEqual(DONE);
    const saved = b.count();
    expect(b.restore()).toEqual(DONE);
    await until('it goes on', () => b.count() > saved);
  });

  it('a paused container can be saved', async () => {
    const b = box();
    await running(b);
    expect(runtime(['pause', b.id])).toEqual(DONE);
    expect(b.checkpoint()).toEqual(DONE);
    const saved = b.count();
    expect(b.restore()).toEqual(DONE);
    await until('it goes on', () => b.count() > saved);
  });

  it('what criu refuses is explained in one line, and the container goes on', async () => {
    const b = box();
    const file = openSync(join(b.bundle, 'of-the-host'), 'w');
    expect(runtime(['run', '--detach', '--preserve-fds', '1', '--bundle', b.bundle, b.id], { fds: [file] })).toEqual(DONE);
    closeSync(file);
    await until('it counts', () => b.count() > 2);
    const { code, err } = b.checkpoint();
    expect(code).toBe(1);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).toMatch(/criu failed: type DUMP errno \d+; Error .*; it uses something of the host .*; log file: .*work\/dump\.log/);
    const at = b.count();
    await until('it goes on', () => b.count() > at);
  });

  it('--pre-dump, then only what has changed; or the error says what the kernel lacks', async () => {
    const b = box();
    await running(b);
    const { code, err } = b.checkpoint('--pre-dump', '--image-path', 'parent');
    if (!hasFeature('mem_dirty_track')) {
      expect(code).toBe(1);
      expect(err).toMatch(/CRIU is missing features: .*CONFIG_MEM_SOFT_DIRTY/);
      expect(statusOf(b.id)).toBe('running');
      return;
    }
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(statusOf(b.id)).toBe('running');
    expect(b.checkpoint('--parent-path', '../parent', '--image-path', 'image')).toEqual(DONE);
    expect(readlinkSync(join(b.bundle, 'image/parent'))).toBe('../parent');
    const saved = b.count();
    expect(b.restore('--image-path', 'image')).toEqual(DONE);
    await until('it goes on', () => b.count() > saved);
  });

  it('is narrated: cgroups, the mount namespace for criu, criu itself', async () => {
    const b = box();
    await running(b);
    expect(b.checkpoint()).toEqual(DONE);
    const { code, err } = runtime(['--criu', CRIU, '--explain', 'restore', '--detach', b.id], { cwd: b.bundle });
    expect({ code, end: err.slice(-500) }).toMatchObject({ code: 0 });
    expect(err).toMatch(/unshare[\s\S]*criu/);
    expect(statusOf(b.id)).toBe('running');
  });
});
