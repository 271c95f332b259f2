/** SIGKILL: of containerd while containers write, and in the middle of what it does; of the shim. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TaskExitSchema } from '../../src/proto/containerd/events/task_pb.ts';
import { Status } from '../../src/proto/containerd/types/task_pb.ts';
import { chance, seedOf } from './support/chance.ts';
import { type Daemon, type DaemonName, daemonWith, IMAGE, RUNTIMES } from './support/daemon.ts';
import { type Footprint, footprint, nothingLeft, settled } from './support/footprint.ts';
import { type FifoReader, makeFifo, readFifo } from './support/reader.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, hasProgram } from './support/sandbox.ts';

const DAEMONS: DaemonName[] = ['containerd', 'minirun-containerd'];
const SIGTERM = 15;
const SIGKILL = 9;
const ROUNDS = Number(process.env.MINIRUN_CRASH_ROUNDS ?? 2);

const reason = noRuntime() ?? (hasProgram('containerd') && hasProgram('ctr') ? undefined : 'needs the programs containerd and ctr');
if (reason) console.log(`crash: skipped, ${reason}`);

/** An empty shim goes soon, so that a test need not wait for it. */
const onShim = (name: DaemonName) => daemonWith(name, 'ours', 900, { MINIRUN_SHIM_LINGER: '0.2' });

describe.skipIf(reason).each(DAEMONS)('%s on minirun’s shim', (name) => {
  let daemon: Daemon;
  let before: Footprint;
  beforeAll(async () => {
    daemon = await onShim(name);
    // What the first container makes stays: the folders and cgroups above it.
    await cycle('first');
    await eventually('the first shim has gone', async () => (await footprint(daemon)).shims.length === 0);
    before = await settled(daemon);
  });
  afterAll(async () => {
    await daemon?.place.end();
  });

  const client = () => daemon.client();
  const begin = async (id: string, args: string[], stdout?: string): Promise<number> => {
    await client().make(id, daemon.pattern, args);
    return client().start(id, stdout === undefined ? {} : { stdout });
  };
  const cycle = async (id: string): Promise<void> => {
    await begin(id, ['sh', '-c', 'exit 3']);
    expect(await client().finish(id)).toBe(3);
    await client().unmake(id);
  };

  test('containerd is killed while twenty containers write', async () => {
    /** Half of them write slowly until SIGTERM; half as fast as somebody reads, more than a pipe holds. */
    const SLOW = 'trap "echo end; exit $1" TERM; i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done';
    const FAST = 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); echo $i; done; echo end; exit $1';
    const writers = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const [id, slow, code] = [`writer-${n}`, n < 10, 20 + n];
        const path = join(daemon.place.folder, id);
        makeFifo(path);
        const reader = readFifo(path);
        const pid = await begin(id, ['sh', '-c', slow ? SLOW : FAST, 'sh', String(code)], path);
        return { id, slow, code, path, pid, readers: [reader] as FifoReader[], early: n < 5, stays: n % 2 === 0 };
      }),
    );
    const pids = writers.map(({ pid }) => pid).join(' ');
    await sleep(500);
    // Half of the readers go away with the daemon, as those of one that reads itself do.
    for (const { readers, stays } of writers) {
      readers[0]?.text();
      if (!stays) readers[0]?.close();
    }
    await daemon.kill();
    expect((await daemon.inside(`for p in ${pids}; do [ -d /proc/$p ] && echo $p; done`)).split('\n')).toHaveLength(20);
    await daemon.inside(`kill -TERM ${writers.flatMap(({ early, pid }) => (early ? [pid] : [])).join(' ')}`);
    await sleep(500);

    await daemon.start();
    // What is known at the first answer: nobody waits for the daemon to find its tasks.
    const { tasks } = await client().tasks.list({});
    const found = new Map(tasks.map((task) => [task.id, task]));
    for (const { id, early, slow, path } of writers) {
      if (early) expect(found.get(id)?.status).toBe(Status.STOPPED);
      else if (slow) expect(found.get(id)?.status).toBe(Status.RUNNING);
      else expect(found.get(id)).toBeDefined();
      expect((await client().tasks.get({ containerId: id })).process?.stdout).toBe(path);
    }
    await cycle('newcomer');
    for (const { readers, stays, path } of writers) if (!stays) readers.push(readFifo(path));
    for (const { id, slow, early } of writers) {
      if (slow && !early) await client().tasks.kill({ containerId: id, signal: SIGTERM });
    }
    const texts = new Map<string, string>();
    await eventually(
      'all is written',
      () => {
        for (const { id, readers } of writers) {
          texts.set(id, readers.map((reader) => reader.text()).join(''));
        }
        return [...texts.values()].every((text) => text.endsWith('end\n'));
      },
      40,
    );
    for (const { id, slow, code, readers } of writers) {
      const lines = (texts.get(id) as string).trimEnd().split('\n');
      expect(lines.pop()).toBe('end');
      expect(lines.findIndex((line, at) => line !== String(at + 1))).toBe(-1);
      if (!slow) expect(lines).toHaveLength(60_000);
      expect(await client().finish(id)).toBe(code);
      await client().unmake(id);
      readers.at(-1)?.close();
    }
    await daemon.inside(`rm ${writers.map(({ path }) => path).join(' ')}`);
    await nothingLeft(daemon, before);
  });

  test('the shim is killed: each end is told, nothing is left, and the next container runs', async () => {
    const ids = Array.from({ length: 5 }, (_, n) => `orphan-${n}`);
    const ends = new Map<string, number>();
    const stop = new AbortController();
    const listening = (async () => {
      for await (const { topic, event } of client().events.subscribe({ filters: [] }, { signal: stop.signal, timeoutMs: 0 })) {
        if (topic !== '/tasks/exit' || !event) continue;
        const { containerId, exitStatus } = fromBinary(TaskExitSchema, event.value);
        ends.set(containerId, exitStatus);
      }
    })().catch(() => {});
    await Promise.all(ids.map((id) => begin(id, ['sleep', '4322'])));
    const { shims } = await footprint(daemon);
    expect(shims).toHaveLength(1);
    const waits = Promise.allSettled(ids.map((id) => client().tasks.wait({ containerId: id })));
    await sleep(200);
    await daemon.inside(`kill -KILL ${shims[0]?.pid}`);
    await eventually('each end is told', () => ids.every((id) => ends.has(id)));
    expect([...ends.values()]).toEqual(ids.map(() => 128 + SIGKILL));
    // containerd ends them with an error, `ttrpc: closed`; ours with the status.
    for (const wait of await waits) {
      if (wait.status === 'fulfilled') expect(wait.value.exitStatus).toBe(128 + SIGKILL);
      else expect(name).toBe('containerd');
    }
    stop.abort();
    await listening;
    await eventually('the tasks are gone', async () => (await client().tasks.list({})).tasks.length === 0);
    expect(await daemon.inside('pgrep -f "^sleep 4322" || true')).toBe('');
    for (const id of ids) await client().unmake(id);
    await nothingLeft(daemon, before);
    await cycle('orphan-0');
    await nothingLeft(daemon, before);
  });

  /** All that may be there of a container after a crash, removed as a client does that looks first. */
  const tidy = async (id: string): Promise<void> => {
    const { tasks } = await client().tasks.list({});
    const task = tasks.find((each) => each.id === id);
    if (task) {
      // Listed is real: it can be asked, and ended.
      await client().tasks.get({ containerId: id });
      await client()
        .tasks.kill({ containerId: id, signal: SIGKILL })
        .catch(() => {});
      await client().tasks.delete({ containerId: id });
    }
    const { containers } = await client().containers.list({});
    if (containers.some((each) => each.id === id)) await client().containers.delete({ id });
    await client()
      .snapshots.remove({ snapshotter: 'overlayfs', key: id })
      .catch(() => {});
  };

  const STEPS = ['make', 'start', 'finish', 'unmake'] as const;
  test.each(STEPS)(`killed in the middle of: %s (${ROUNDS} times)`, { timeout: 60_000 + ROUNDS * 5000 }, async (step) => {
    const seed = seedOf();
    console.log(`crash, ${name}, ${step}: MINIRUN_SEED=${seed}`);
    const random = chance(seed);
    const acts: Record<(typeof STEPS)[number], (id: string) => Promise<unknown>> = {
      make: (id) => client().make(id, daemon.pattern, ['sh', '-c', 'exit 4']),
      start: (id) => client().start(id),
      finish: (id) => client().finish(id),
      unmake: (id) => client().unmake(id),
    };
    /** How long it takes, so that the kill falls into it. */
    let usual = 0;
    for (let round = 0; round <= ROUNDS; round++) {
      const id = `${step}-${round}`;
      for (const earlier of STEPS.slice(0, STEPS.indexOf(step))) await acts[earlier](id);
      const killer = await daemon.arm();
      const since = performance.now();
      const act = acts[step](id).catch(() => {});
      if (round === 0) {
        await act;
        usual = performance.now() - since;
      } else await sleep(random() * usual);
      await killer.now();
      await act;
      await daemon.start();
      await tidy(id);
      await nothingLeft(daemon, before);
      // Nothing stands in the way of the same again.
      for (const again of STEPS) await acts[again](id);
    }
    await nothingLeft(daemon, before);
  });

  test(`killed in the middle of: image import (${ROUNDS} times)`, { timeout: 60_000 + ROUNDS * 10_000 }, async () => {
    const seed = seedOf();
    console.log(`crash, ${name}, image import: MINIRUN_SEED=${seed}`);
    const random = chance(seed);
    const removed = async () => {
      await daemon.ctr(['images', 'rm', '--sync', IMAGE]);
      // The client's lease on what it had sent would hold for a day.
      const { leases } = await client().leases.list({});
      for (const { id } of leases) await client().leases.delete({ id, sync: true });
      for (const { ref } of (await client().content.listStatuses({})).statuses) await client().content.abort({ ref });
    };
    const image = async () => (await daemon.ctr(['images', 'ls', '-q'])).out.trim();
    const use = async (id: string) =>
      expect(await daemon.ctr(['run', '--rm', '--runtime', RUNTIMES.ours, IMAGE, id, 'echo', id])).toMatchObject({
        code: 0,
        out: `${id}\n`,
      });
    await removed();
    const bare = await settled(daemon);
    let usual = 0;
    for (let round = 0; round <= ROUNDS; round++) {
      const killer = await daemon.arm();
      const since = performance.now();
      const act = daemon.ctr(['images', 'import', daemon.archive]);
      if (round === 0) {
        await act;
        usual = performance.now() - since;
      } else await sleep(random() * usual);
      await killer.now();
      await act;
      await daemon.start();
      // An image that is there is a whole one.
      if ((await image()) === IMAGE) await use(`import-${round}`);
      await daemon.ctr(['images', 'import', daemon.archive]);
      expect(await image()).toBe(IMAGE);
      await use(`again-${round}`);
      await removed();
      await nothingLeft(daemon, bare);
    }
  });
});
