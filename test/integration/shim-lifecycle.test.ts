/** The Task service's life of a container: real containers, the service in this process. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Status } from '../../src/proto/containerd/types/task_pb.ts';
import { type Bench, openBench, reader } from './support/shim.ts';

describe.skipIf(process.getuid?.() !== 0)('a container of a shim', () => {
  let bench: Bench;
  beforeAll(() => {
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
});
