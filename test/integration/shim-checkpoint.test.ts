/** Checkpoint and restore through the Task service. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckpointOptionsSchema } from '../../src/proto/containerd/runc/options_pb.ts';
import { Status } from '../../src/proto/containerd/types/task_pb.ts';
import { skipReason } from './support/minirun.ts';
import { type Bench, openBench, reader, until } from './support/shim.ts';

const CRIU = process.env.MINIRUN_TEST_CRIU ?? 'criu';
const noRoot = skipReason({ root: true });
const reason = noRoot ?? (spawnSync(CRIU, ['check']).status === 0 ? undefined : 'criu is not there, or says that it does not work here');
if (noRoot) console.log(`shim-checkpoint: skipped, ${noRoot}`);

describe.skipIf(noRoot)('a checkpoint of a container of a shim', () => {
  let bench: Bench;
  beforeAll(() => {
    bench = openBench();
  });
  afterAll(() => bench.close());

  it('ends it, and a container made from it goes on where it was', async (context) => {
    if (reason) context.skip(reason);
    const { task } = bench;
    const at = bench.bundle(['/bin/sh', '-c', 'i=0; while :; do i=$((i+1)); echo $i > /count; sleep 0.05; done']);
    const { id } = at;
    const images = join(bench.folder, 'images');
    const count = () => Number(readFileSync(join(at.bundle, 'rootfs/count'), 'utf8'));
    const criu = bench.options({ criuPath: CRIU });
    await task.create(bench.request(at, { options: criu }));
    await task.start({ id });
    await until('it counts', () => existsSync(join(at.bundle, 'rootfs/count')) && count() > 3);
    const options = create(CheckpointOptionsSchema, { exit: true });
    const any = create(AnySchema, { typeUrl: CheckpointOptionsSchema.typeName, value: toBinary(CheckpointOptionsSchema, options) });
    await task.checkpoint({ id, path: images, options: any });
    await task.wait({ id });
    const reached = count();
    await task.delete({ id });
    expect(bench.topics(id)).toEqual(['create', 'start', 'checkpointed', 'exit', 'delete']);

    const io = bench.fifos('stdout');
    const out = reader(io.stdout as string);
    const { pid } = await task.create(bench.request(at, { checkpoint: images, options: criu, ...io }));
    expect(pid).toBe(0);
    expect((await task.state({ id })).status).toBe(Status.CREATED);
    const started = await task.start({ id });
    expect(started.pid).toBeGreaterThan(0);
    await until('it goes on', () => count() > reached);
    expect(count()).toBeLessThan(reached + 100);
    await task.kill({ id, signal: 9 });
    expect((await task.wait({ id })).exitStatus).toBe(137);
    await task.delete({ id });
    await out.end;
  });

  it('says why there is none', async () => {
    const at = bench.bundle(['/bin/sleep', '600']);
    await bench.task.create(bench.request(at));
    await expect(bench.task.checkpoint({ id: at.id, path: join(bench.folder, 'none') })).rejects.toThrow(
      'cannot checkpoint a task in created state',
    );
    await bench.task.delete({ id: at.id });

    const other = bench.bundle(['/bin/sleep', '600']);
    const { id } = other;
    await bench.task.create(bench.request(other, { options: bench.options({ criuPath: '/nowhere/criu' }) }));
    await bench.task.start({ id });
    await expect(bench.task.checkpoint({ id, path: join(bench.folder, 'none') })).rejects.toThrow(/criu.* path= .*dump\.log/);
    expect((await bench.task.state({ id })).status).toBe(Status.RUNNING);
    await bench.task.kill({ id, signal: 9 });
    await bench.task.wait({ id });
    await bench.task.delete({ id });
  });
});
