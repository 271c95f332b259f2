/** Many containers in one shim: at once, and one after the other without a trace. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bench, openBench, processSpec, reader, until } from './support/shim.ts';
import { tracesOf } from './support/traces.ts';

const descriptors = (): string[] => readdirSync('/proc/self/fd');
const children = (): string =>
  readdirSync('/proc/self/task')
    .map((thread) => readFileSync(`/proc/self/task/${thread}/children`, 'utf8'))
    .join('');

describe.skipIf(process.getuid?.() !== 0)('many containers of a shim', () => {
  let bench: Bench;
  beforeAll(() => {
    bench = openBench();
  });
  afterAll(() => bench.close());

  async function cycle(n: number): Promise<string> {
    const io = bench.fifos('stdin', 'stdout');
    const at = bench.bundle(['/bin/sh', '-c', 'cat > /dev/null; echo out'], (config) => {
      if (config.process) config.process.terminal = n % 3 === 0;
    });
    const { id } = at;
    await bench.task.create(bench.request(at, { ...io, terminal: n % 3 === 0 }));
    await bench.task.start({ id });
    await bench.task.exec({ id, execId: 'x', terminal: n % 3 === 1, spec: processSpec(['/bin/true']) });
    await bench.task.start({ id, execId: 'x' });
    await bench.task.wait({ id, execId: 'x' });
    await bench.task.delete({ id, execId: 'x' });
    const out = reader(io.stdout as string);
    await bench.task.closeIO({ id, stdin: true });
    expect((await bench.task.wait({ id })).exitStatus).toBe(0);
    await bench.task.delete({ id });
    expect((await out.end).toString()).toContain('out');
    return id;
  }

  it('200 of them, one after the other, leave nothing', { timeout: 300_000 }, async () => {
    for (let n = 0; n < 6; n++) await cycle(n);
    const before = descriptors().length;
    const ids: string[] = [];
    for (let n = 0; n < 200; n++) ids.push(await cycle(n));
    await until('no child is left', () => children().trim() === '');
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(bench.folder);
    await until('no descriptor is left', () => descriptors().length <= before);
    for (const id of ids.slice(-5)) expect(tracesOf(id)).toEqual([]);
    expect(bench.logged).toEqual([]);
  });

  it('50 at once are created, started and end', { timeout: 300_000 }, async () => {
    const all = Array.from({ length: 50 }, () => bench.bundle(['/bin/sleep', '600']));
    await Promise.all(all.map((at) => bench.task.create(bench.request(at))));
    await Promise.all(all.map(({ id }) => bench.task.start({ id })));
    const waits = all.map(({ id }) => bench.task.wait({ id }));
    await Promise.all(all.map(({ id }) => bench.task.kill({ id, signal: 15 })));
    await Promise.all(all.map(({ id }) => bench.task.kill({ id, signal: 9 }).catch(() => {})));
    for (const { exitStatus } of await Promise.all(waits)) expect([143, 137]).toContain(exitStatus);
    await Promise.all(all.map(({ id }) => bench.task.delete({ id })));
    for (const { id } of all) expect(bench.topics(id)).toEqual(['create', 'start', 'exit', 'delete']);
    expect(bench.logged).toEqual([]);
  });
});
