/** Exec in a shim's containers: further processes, each with streams and an end of its own. */
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProcessDetailsSchema } from '../../src/proto/containerd/runc/options_pb.ts';
import { Status } from '../../src/proto/containerd/types/task_pb.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { BUSYBOX } from './support/minirun.ts';
import { type Bench, openBench, processSpec, reader, until, write } from './support/shim.ts';

describe.skipIf(process.getuid?.() !== 0)('exec in a container of a shim', () => {
  let bench: Bench;
  let id: string;
  beforeAll(async () => {
    bench = openBench();
    const at = bench.bundle(['/bin/sleep', '600']);
    id = at.id;
    await bench.task.create(bench.request(at));
    await bench.task.start({ id });
  });
  afterAll(async () => {
    await bench.task.kill({ id, signal: 9 });
    await bench.task.wait({ id });
    await bench.task.delete({ id });
    await bench.close();
  });

  it('has its own streams and exit code, and is told of', async () => {
    const io = bench.fifos('stdin', 'stdout', 'stderr');
    const [out, err] = [reader(io.stdout as string), reader(io.stderr as string)];
    const from = bench.told.length;
    await bench.task.exec({ id, execId: 'one', spec: processSpec(['/bin/sh', '-c', 'cat; echo err >&2; exit 5']), ...io });
    expect(await bench.task.state({ id, execId: 'one' })).toMatchObject({ id: 'one', execId: 'one', status: Status.CREATED, pid: 0 });
    const { pid } = await bench.task.start({ id, execId: 'one' });
    expect(await bench.task.state({ id, execId: 'one' })).toMatchObject({ pid, status: Status.RUNNING, ...io });
    const listed = (await bench.task.pids({ id })).processes.find((p) => p.pid === pid)?.info;
    expect(listed?.typeUrl).toBe('containerd.runc.v1.ProcessDetails');
    expect(fromBinary(ProcessDetailsSchema, listed?.value as Uint8Array).execId).toBe('one');
    write(io.stdin as string, 'typed');
    await bench.task.closeIO({ id, execId: 'one', stdin: true });
    expect((await bench.task.wait({ id, execId: 'one' })).exitStatus).toBe(5);
    expect((await out.end).toString()).toBe('typed');
    expect((await err.end).toString()).toBe('err\n');
    expect(await bench.task.delete({ id, execId: 'one' })).toMatchObject({ pid, exitStatus: 5 });
    await expect(bench.task.state({ id, execId: 'one' })).rejects.toThrow('process does not exist one: not found');
    expect(bench.told.slice(from).map(({ topic, event }) => [topic, event.execId ?? event.id, event.pid])).toEqual([
      ['/tasks/exec-added', 'one', undefined],
      ['/tasks/exec-started', 'one', pid],
      ['/tasks/exit', 'one', pid],
    ]);
  });

  it('has a terminal of its own', async () => {
    const io = bench.fifos('stdin', 'stdout');
    const out = reader(io.stdout as string);
    await bench.task.exec({
      id,
      execId: 'tty',
      terminal: true,
      spec: processSpec(['/bin/sh', '-c', 'tty; stty size; read line; echo got $line']),
      ...io,
    });
    // Docker asks for the size as soon as the exec is known.
    await bench.task.resizePty({ id, execId: 'tty', width: 90, height: 33 });
    await bench.task.start({ id, execId: 'tty' });
    await until('the terminal', () => out.text().startsWith('/dev/pts/'));
    write(io.stdin as string, 'something\n');
    await bench.task.wait({ id, execId: 'tty' });
    await bench.task.delete({ id, execId: 'tty' });
    expect((await out.end).toString()).toMatch(/^\/dev\/pts\/\d+\r\n33 90\r\nsomething\r\ngot something\r\n$/);
  });

  it('its client gets the end, although a child of it lives on and has the streams', async () => {
    const io = bench.fifos('stdout', 'stderr');
    const [out, err] = [reader(io.stdout as string), reader(io.stderr as string)];
    await bench.task.exec({ id, execId: 'left', spec: processSpec(['/bin/sh', '-c', 'sleep 600 & echo out']), ...io });
    await bench.task.start({ id, execId: 'left' });
    expect((await bench.task.wait({ id, execId: 'left' })).exitStatus).toBe(0);
    await bench.task.delete({ id, execId: 'left' });
    expect((await out.end).toString()).toBe('out\n');
    await err.end;
  });

  it('a user that is not root may open its streams again', async () => {
    const io = bench.fifos('stdout');
    const out = reader(io.stdout as string);
    await bench.task.exec({
      id,
      execId: 'user',
      spec: processSpec(['/bin/sh', '-c', 'echo again > /dev/stdout'], { user: { uid: 1000, gid: 1000 } }),
      ...io,
    });
    await bench.task.start({ id, execId: 'user' });
    expect((await bench.task.wait({ id, execId: 'user' })).exitStatus).toBe(0);
    expect((await out.end).toString()).toBe('again\n');
    await bench.task.delete({ id, execId: 'user' });
  });

  it('all of a long output comes through, byte by byte', async () => {
    const io = bench.fifos('stdout');
    await bench.task.exec({ id, execId: 'long', spec: processSpec(['/bin/sh', '-c', 'cat /bin/busybox /bin/busybox']), ...io });
    await bench.task.start({ id, execId: 'long' });
    // Nobody reads yet: it waits.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await bench.task.state({ id, execId: 'long' })).status).toBe(Status.RUNNING);
    const out = reader(io.stdout as string);
    expect((await bench.task.wait({ id, execId: 'long' })).exitStatus).toBe(0);
    const busybox = readFileSync(join(BUSYBOX, 'bin/busybox'));
    expect((await out.end).equals(Buffer.concat([busybox, busybox]))).toBe(true);
    await bench.task.delete({ id, execId: 'long' });
  });

  it('many at once, each with its own code', async () => {
    const numbers = Array.from({ length: 12 }, (_, i) => i);
    const codes = await Promise.all(
      numbers.map(async (n) => {
        const execId = `many${n}`;
        await bench.task.exec({ id, execId, spec: processSpec(['/bin/sh', '-c', `exit ${n}`]) });
        await bench.task.start({ id, execId });
        const { exitStatus } = await bench.task.wait({ id, execId });
        await bench.task.delete({ id, execId });
        return exitStatus;
      }),
    );
    expect(codes).toEqual(numbers);
  });

  it('says in the words of runc why a command cannot be started', async () => {
    const cases: [string[], string][] = [
      [
        ['/nope'],
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "/nope": stat /nope: no such file or directory',
      ],
      [
        ['nope'],
        'OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in $PATH',
      ],
      [['/etc/passwd'], 'OCI runtime exec failed: exec failed: unable to start container process: exec: "/etc/passwd": permission denied'],
    ];
    for (const [index, [args, text]] of cases.entries()) {
      const execId = `bad${index}`;
      await bench.task.exec({ id, execId, spec: processSpec(args) });
      const waiting = bench.task.wait({ id, execId });
      await expect(bench.task.start({ id, execId })).rejects.toThrow(text);
      await waiting;
      await bench.task.delete({ id, execId });
    }
  });

  it('refuses what is no exec', async () => {
    await bench.task.exec({ id, execId: 'twice', spec: processSpec(['/bin/true']) });
    await expect(bench.task.exec({ id, execId: 'twice', spec: processSpec(['/bin/true']) })).rejects.toThrow('id twice: already exists');
    await bench.task.delete({ id, execId: 'twice' });
    await expect(bench.task.exec({ id, execId: '../x', spec: processSpec(['/bin/true']) })).rejects.toThrow('invalid argument');
    await expect(bench.task.exec({ id, execId: 'x' })).rejects.toThrow('invalid argument');
    await expect(bench.task.start({ id, execId: 'unknown' })).rejects.toThrow('process does not exist unknown: not found');
  });

  it('can be killed, and a signal to one that has ended is refused', async () => {
    await bench.task.exec({ id, execId: 'kill', spec: processSpec(['/bin/sleep', '600']) });
    await expect(bench.task.kill({ id, execId: 'kill', signal: 15 })).rejects.toThrow('process not created: failed precondition');
    await bench.task.start({ id, execId: 'kill' });
    await expect(bench.task.delete({ id, execId: 'kill' })).rejects.toThrow('cannot delete a running process');
    await expect(bench.task.start({ id, execId: 'kill' })).rejects.toThrow('cannot start a running process');
    await bench.task.kill({ id, execId: 'kill', signal: 9 });
    expect((await bench.task.wait({ id, execId: 'kill' })).exitStatus).toBe(137);
    await expect(bench.task.kill({ id, execId: 'kill', signal: 9 })).rejects.toThrow('process already finished: not found');
    await bench.task.delete({ id, execId: 'kill' });
  });

  it.each([true, false])("ends with the container's init, and is told before it (own pid namespace: %s)", async (own) => {
    const at = bench.bundle(['/bin/sleep', '600'], (config) => {
      const { linux } = config;
      if (!own && linux?.namespaces) linux.namespaces = linux.namespaces.filter((n) => n.type !== 'pid');
    });
    await bench.task.create(bench.request(at));
    await bench.task.start({ id: at.id });
    const pids: number[] = [];
    for (const execId of ['a', 'b']) {
      await bench.task.exec({ id: at.id, execId, spec: processSpec(['/bin/sh', '-c', 'sleep 600 & sleep 601']) });
      pids.push((await bench.task.start({ id: at.id, execId })).pid);
    }
    await bench.task.kill({ id: at.id, signal: 9 });
    await bench.task.wait({ id: at.id });
    expect(bench.topics(at.id).slice(-3)).toEqual(['exit', 'exit', 'exit']);
    expect(bench.told.findLast(({ topic }) => topic === '/tasks/exit')?.event.id).toBe(at.id);
    await expect(bench.task.exec({ id: at.id, execId: 'late', spec: processSpec(['/bin/true']) })).rejects.toThrow(
      'cannot exec in a stopped state',
    );
    await bench.task.delete({ id: at.id });
    for (const pid of pids) expect(() => readFileSync(`/proc/${pid}/stat`)).toThrow();
  });

  it.each([
    ['', undefined],
    [
      ' with a user namespace',
      (linux: NonNullable<Config['linux']>) => {
        linux.namespaces = [...(linux.namespaces ?? []), { type: 'user' }];
        linux.uidMappings = linux.gidMappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
      },
    ],
  ])('is in the same cgroups as the command of a container%s, and sees the same of them', async (_, alter) => {
    // Who is root in there passes through.
    chmodSync(bench.folder, 0o711);
    const io = bench.fifos('stdout');
    const own = reader(io.stdout as string);
    const at = bench.bundle(['/bin/sh', '-c', 'cat /proc/self/cgroup; echo seen; exec sleep 600'], (config) => {
      config.linux = { ...config.linux, cgroupsPath: `/minirun/minirun-test-${process.pid}` };
      config.linux.namespaces = [...(config.linux.namespaces ?? []).filter(({ type }) => type !== 'cgroup'), { type: 'cgroup' }];
      alter?.(config.linux);
    });
    await bench.task.create({ ...bench.request(at), ...io });
    const { pid } = await bench.task.start({ id: at.id });
    const inside = bench.fifos('stdout');
    const out = reader(inside.stdout as string);
    await bench.task.exec({
      id: at.id,
      execId: 'more',
      spec: processSpec(['/bin/sh', '-c', 'cat /proc/self/cgroup; echo seen; exec sleep 600']),
      ...inside,
    });
    const more = await bench.task.start({ id: at.id, execId: 'more' });
    const cgroups = (of: number) => readFileSync(`/proc/${of}/cgroup`, 'utf8');
    expect(cgroups(more.pid)).toBe(cgroups(pid));
    expect(cgroups(pid)).toMatch(/minirun-test/);
    await until('what both see', () => [own, out].every((reading) => reading.text().endsWith('seen\n')));
    await bench.task.kill({ id: at.id, signal: 9, all: true });
    await bench.task.wait({ id: at.id });
    await bench.task.delete({ id: at.id, execId: 'more' });
    await bench.task.delete({ id: at.id });
    const seen = (await own.end).toString();
    expect((await out.end).toString()).toBe(seen);
    expect(seen).not.toMatch(/minirun-test/);
  });
});
