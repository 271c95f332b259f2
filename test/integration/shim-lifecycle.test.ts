/** The Task service's life of a container: real containers, the service in this process. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary } from '@bufbuild/protobuf';
import { AnySchema, timestampMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MountSchema } from '../../src/proto/containerd/types/mount_pb.ts';
import { Status } from '../../src/proto/containerd/types/task_pb.ts';
import { MetricsSchema as MetricsV1 } from '../../src/proto/io/containerd/cgroups/v1/metrics_pb.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { BUSYBOX, PROJECT, scratch, skipReason } from './support/minirun.ts';
import { type Bench, mountOf, openBench, processSpec, reader, write } from './support/shim.ts';

const noRunc = skipReason({ program: 'runc' });
if (noRunc) console.log(`shim-lifecycle: not with runc, ${noRunc}`);
/** Ours is known by its name, unless a script stands before it. */
const OURS = join(PROJECT, 'bin/minirun-runc');
const BEHIND = join(scratch('program'), 'behind-a-script');
const PROGRAMS = [...(noRunc ? [] : ['runc']), OURS, BEHIND];

describe.skipIf(process.getuid?.() !== 0)('a container of a shim', () => {
  let bench: Bench;
  beforeAll(() => {
    writeFileSync(BEHIND, `#!/bin/sh\nexec ${process.execPath} ${OURS} "$@"\n`, { mode: 0o755 });
    bench = openBench();
  });
  afterAll(() => bench.close());

  it('is created, started, waited for and deleted, and each of it is told in its order', async () => {
    const { task } = bench;
    const at = bench.bundle(['/bin/sh', '-c', 'echo out; echo err >&2; exit 7']);
    const io = bench.fifos('stdout', 'stderr');
    const [out, err] = [reader(io.stdout as string), reader(io.stderr as string)];
    const { pid } = await task.create(bench.request(at, io));
    expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toMatch(/minirun-init|^\d+$/m);
    const created = await task.state({ id: at.id });
    expect(created).toMatchObject({ id: at.id, bundle: at.bundle, pid, status: Status.CREATED, terminal: false, ...io });
    expect(existsSync(join(bench.stateRoot, 'test', at.id, 'state.json'))).toBe(true);
    expect(await task.connect({ id: at.id })).toMatchObject({ shimPid: process.pid, taskPid: pid, version: '0' });
    const early = task.wait({ id: at.id });
    expect((await task.start({ id: at.id })).pid).toBe(pid);
    const ended = await early;
    expect(ended.exitStatus).toBe(7);
    expect(Math.abs(Date.now() - timestampMs(ended.exitedAt as NonNullable<typeof ended.exitedAt>))).toBeLessThan(5000);
    expect(await task.wait({ id: at.id })).toEqual(ended);
    expect(await task.state({ id: at.id })).toMatchObject({ status: Status.STOPPED, exitStatus: 7, exitedAt: ended.exitedAt });
    expect((await out.end).toString()).toBe('out\n');
    expect((await err.end).toString()).toBe('err\n');
    expect(await task.delete({ id: at.id })).toMatchObject({ pid, exitStatus: 7, exitedAt: ended.exitedAt });
    await expect(task.state({ id: at.id })).rejects.toThrow('container not created: not found');
    expect(bench.topics(at.id)).toEqual(['create', 'start', 'exit', 'delete']);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(at.bundle);
    expect(readdirSync(join(bench.stateRoot, 'test')).filter((name) => !name.startsWith('.'))).toEqual([]);
  });

  /** Created and started. */
  async function begin(args: string[], alter?: (config: Config) => void, more?: Parameters<Bench['request']>[1]): Promise<string> {
    const at = bench.bundle(args, alter);
    await bench.task.create(bench.request(at, more));
    await bench.task.start({ id: at.id });
    return at.id;
  }
  async function remove(id: string): Promise<void> {
    await bench.task.kill({ id, signal: 9 }).catch(() => {});
    await bench.task.wait({ id });
    await bench.task.delete({ id });
  }

  it('is refused in the words that Docker looks for, and leaves nothing', async () => {
    const cases: [args: string[], text: string][] = [
      [['/nope'], 'exec: "/nope": stat /nope: no such file or directory'],
      [['nope'], 'exec: "nope": executable file not found in $PATH'],
      [['/etc/passwd'], 'exec: "/etc/passwd": permission denied'],
    ];
    for (const [args, text] of cases) {
      const at = bench.bundle(args);
      await expect(bench.task.create(bench.request(at))).rejects.toThrow(
        `OCI runtime create failed: runc create failed: unable to start container process: ${text}`,
      );
      expect(bench.topics(at.id)).toEqual([]);
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(at.bundle);
      expect(existsSync(join(bench.stateRoot, 'test', at.id))).toBe(false);
    }
    const broken = bench.bundle(['/bin/true']);
    await expect(bench.task.create(bench.request(broken, { rootfs: [mountOf('nofs', 'x')] }))).rejects.toThrow(
      /failed to mount rootfs component: mount \(nofs\) x at .*: no such device \(ENODEV\)/,
    );
  });

  it('is not given streams of the shim, when config and request disagree about a terminal', async () => {
    const without = bench.bundle(['/bin/true']);
    await expect(bench.task.create(bench.request(without, { terminal: true }))).rejects.toThrow(
      'OCI runtime create failed: runc create failed: cannot use console socket if runc will not detach or allocate tty',
    );
    const withOne = bench.bundle(['/bin/true'], (config) => {
      if (config.process) config.process.terminal = true;
    });
    await expect(bench.task.create(bench.request(withOne))).rejects.toThrow('cannot allocate tty if runc will detach');
  });

  it('is made when the folder in which the shim began is gone, and of more layers than a page of options holds', async () => {
    const before = process.cwd();
    const gone = join(bench.folder, 'gone');
    const at = bench.bundle(['/bin/sh', '-c', 'test -e /layer-0 && test -e /layer-99']);
    mkdirSync(gone);
    process.chdir(gone);
    rmSync(gone, { recursive: true });
    try {
      const layers = Array.from({ length: 100 }, (_, n) => join(bench.folder, 'a-long-name-for-the-folder-of-layers', String(n), 'fs'));
      for (const [n, layer] of layers.entries()) {
        mkdirSync(layer, { recursive: true });
        writeFileSync(join(layer, `layer-${n}`), '');
      }
      cpSync(join(BUSYBOX, 'bin'), join(layers[0] as string, 'bin'), { recursive: true, verbatimSymlinks: true });
      const options = [`lowerdir=${layers.join(':')}`, `upperdir=${at.bundle}/upper`, `workdir=${at.bundle}/work`];
      const rootfs = [create(MountSchema, { type: 'overlay', source: 'overlay', options })];
      await bench.task.create(bench.request(at, { rootfs }));
      await bench.task.start({ id: at.id });
      expect((await bench.task.wait({ id: at.id })).exitStatus).toBe(0);
      await bench.task.delete({ id: at.id });
    } finally {
      process.chdir(before);
    }
  });

  it('has its root from a bind mount that is read-only', async () => {
    const rootfs = [create(MountSchema, { type: 'bind', source: BUSYBOX, options: ['rbind', 'ro'] })];
    const id = await begin(['/bin/sh', '-c', 'touch /x 2>/dev/null && exit 1; exit 0'], undefined, { rootfs });
    expect((await bench.task.wait({ id })).exitStatus).toBe(0);
    await bench.task.delete({ id });
    expect(existsSync(join(BUSYBOX, 'x'))).toBe(false);
  });

  it("knows states, and says in containerd's words what does not fit", async () => {
    const { task } = bench;
    await expect(task.start({ id: 'unknown' })).rejects.toThrow('container not created: not found');
    const at = bench.bundle(['/bin/sleep', '600']);
    const { id } = at;
    await task.create(bench.request(at));
    await expect(task.create(bench.request(at))).rejects.toThrow('already exists');
    await expect(task.pause({ id })).rejects.toThrow('cannot pause task in created state');
    await expect(task.resume({ id })).rejects.toThrow('cannot resume task in created state');
    await task.start({ id });
    await expect(task.start({ id })).rejects.toThrow('cannot start a running process');
    await expect(task.delete({ id })).rejects.toThrow('cannot delete a running process');
    await expect(task.resume({ id })).rejects.toThrow('cannot resume a running process');
    await task.pause({ id });
    expect((await task.state({ id })).status).toBe(Status.PAUSED);
    await expect(task.pause({ id })).rejects.toThrow('cannot pause a paused container');
    await expect(task.delete({ id })).rejects.toThrow('cannot delete a paused process');
    await expect(task.exec({ id, execId: 'x' })).rejects.toThrow('cannot exec in a paused state');
    await task.resume({ id });
    await task.pause({ id });
    await task.kill({ id, signal: 9 });
    expect((await task.wait({ id })).exitStatus).toBe(137);
    await expect(task.kill({ id, signal: 9 })).rejects.toThrow('process already finished: not found');
    await expect(task.pause({ id })).rejects.toThrow('cannot pause a stopped container');
    await expect(task.start({ id })).rejects.toThrow('cannot start a stopped process');
    await task.delete({ id });
    expect(bench.topics(id)).toEqual(['create', 'start', 'paused', 'resumed', 'paused', 'exit', 'delete']);
  });

  it('is deleted before it was started, its exec too', async () => {
    const at = bench.bundle(['/bin/sleep', '600']);
    const { pid } = await bench.task.create(bench.request(at));
    await bench.task.exec({ id: at.id, execId: 'x', spec: processSpec(['/bin/sleep', '600']) });
    await bench.task.start({ id: at.id, execId: 'x' });
    expect(await bench.task.delete({ id: at.id })).toMatchObject({ pid, exitStatus: 137 });
    expect(bench.topics(at.id)).toEqual(['create', 'exec-added', 'exec-started', 'exit', 'exit', 'delete']);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it('gets signals, all of its processes with "all"', async () => {
    const id = await begin(['/bin/sh', '-c', 'trap "exit 3" TERM; sh -c "trap \\"exit 0\\" TERM; sleep 600 & wait" & wait']);
    const started = Date.now();
    while ((await bench.task.pids({ id })).processes.length < 3 && Date.now() - started < 5000);
    await bench.task.kill({ id, signal: 15, all: true });
    expect((await bench.task.wait({ id })).exitStatus).toBe(3);
    await remove(id);
    const other = await begin(['/bin/sleep', '600']);
    await bench.task.kill({ id: other, signal: 9, all: true });
    expect((await bench.task.wait({ id: other })).exitStatus).toBe(137);
    await remove(other);
  });

  it('can be measured and limited', async () => {
    const id = await begin(['/bin/sleep', '600']);
    const { stats } = await bench.task.stats({ id });
    if (stats?.typeUrl === 'io.containerd.cgroups.v1.Metrics') {
      const metrics = fromBinary(MetricsV1, stats.value);
      expect(metrics.pids?.current).toBe(1n);
      expect(metrics.memory?.usage?.usage).toBeGreaterThan(0n);
      expect(metrics.cpu?.usage?.total).toBeGreaterThan(0n);
    } else expect(stats?.typeUrl).toBe('io.containerd.cgroups.v2.Metrics');
    const resources = create(AnySchema, {
      typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources',
      value: Buffer.from(JSON.stringify({ pids: { limit: 77 } })),
    });
    await bench.task.update({ id, resources });
    const after = (await bench.task.stats({ id })).stats;
    if (after?.typeUrl === 'io.containerd.cgroups.v1.Metrics') expect(fromBinary(MetricsV1, after.value).pids?.limit).toBe(77n);
    await remove(id);
    await expect(bench.task.stats({ id })).rejects.toThrow('container not created');
  });

  it('tells of a lack of memory', async () => {
    const id = await begin(['/bin/sh', '-c', 'a=x; while :; do a=$a$a; done'], (config) => {
      config.linux = { ...config.linux, resources: { ...config.linux?.resources, memory: { limit: 16 << 20, swap: 16 << 20 } } };
    });
    expect((await bench.task.wait({ id })).exitStatus).not.toBe(0);
    expect(bench.topics(id)).toContain('oom');
    await bench.task.delete({ id });
  });

  it('runs its hooks while the shim goes on', async () => {
    const file = join(bench.folder, 'hooked');
    const hook = { path: '/bin/sh', args: ['sh', '-c', `sleep 0.3; cat >> ${file}`] };
    const other = await begin(['/bin/sleep', '600']);
    const at = bench.bundle(['/bin/sleep', '600'], (config) => {
      config.hooks = { prestart: [hook], poststart: [hook], poststop: [hook] };
    });
    const creating = bench.task.create(bench.request(at));
    let answered = 0;
    const asking = (async () => {
      for (; answered < 20; answered++) await bench.task.state({ id: other });
    })();
    await Promise.race([creating, asking]);
    expect(answered).toBeGreaterThan(5);
    const { pid } = await creating;
    await bench.task.start({ id: at.id });
    expect((await bench.task.pids({ id: at.id })).processes.map((p) => p.pid)).toEqual([pid]);
    await remove(at.id);
    expect(readFileSync(file, 'utf8').match(/"id":/g)).toHaveLength(3);
    await remove(other);
  });

  it('may be shut down when nothing is left, or at once', async () => {
    const id = await begin(['/bin/sleep', '600']);
    await bench.task.shutdown({});
    expect(bench.emptied()).toBe(false);
    await remove(id);
    await bench.task.shutdown({});
    expect(bench.emptied()).toBe(true);
  });

  it('ends at once without its end being told before its start', async () => {
    for (let i = 0; i < 10; i++) {
      const id = await begin(['/bin/true']);
      expect((await bench.task.wait({ id })).exitStatus).toBe(0);
      await bench.task.delete({ id });
      expect(bench.topics(id)).toEqual(['create', 'start', 'exit', 'delete']);
    }
  });

  it.each(PROGRAMS)('is made by the program that BinaryName names: %s', async (binaryName) => {
    const options = bench.options({ binaryName, root: join(bench.folder, 'runtime') });
    const io = bench.fifos('stdin', 'stdout');
    const out = reader(io.stdout as string);
    const id = await begin(['/bin/sh', '-c', 'read line; echo got $line; exit 4'], undefined, { options, ...io });
    write(io.stdin as string, 'words\n');
    expect((await bench.task.wait({ id })).exitStatus).toBe(4);
    expect((await out.end).toString()).toBe('got words\n');
    await bench.task.delete({ id });

    const terminal = bench.fifos('stdin', 'stdout');
    const screen = reader(terminal.stdout as string);
    const tty = await begin(
      ['/bin/sh', '-c', 'tty; read line; sleep 600'],
      (config) => {
        if (config.process) config.process.terminal = true;
      },
      { options, terminal: true, ...terminal },
    );
    await bench.task.exec({ id: tty, execId: 'x', spec: processSpec(['/bin/sh', '-c', 'exit 6']) });
    const exec = await bench.task.start({ id: tty, execId: 'x' });
    expect(exec.pid).toBeGreaterThan(0);
    expect((await bench.task.wait({ id: tty, execId: 'x' })).exitStatus).toBe(6);
    await bench.task.pause({ id: tty });
    await bench.task.resume({ id: tty });
    expect((await bench.task.pids({ id: tty })).processes.length).toBeGreaterThan(0);
    await bench.task.exec({ id: tty, execId: 'bad', spec: processSpec(['/nope']) });
    await expect(bench.task.start({ id: tty, execId: 'bad' })).rejects.toThrow(
      /OCI runtime exec failed: exec failed: .*exec: "\/nope": stat \/nope: no such file or directory/,
    );
    await remove(tty);
    expect((await screen.end).toString()).toMatch(/^\/dev\/pts\/0\r\n/);
    const bad = bench.bundle(['/nope']);
    await expect(bench.task.create(bench.request(bad, { options }))).rejects.toThrow(
      /OCI runtime create failed: .*: exec: "\/nope": stat \/nope: no such file or directory/,
    );
    expect(bench.topics(tty)).toEqual([
      'create',
      'start',
      'exec-added',
      'exec-started',
      'exit',
      'paused',
      'resumed',
      'exec-added',
      'exit',
      'delete',
    ]);
  });
});
